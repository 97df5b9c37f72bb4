"""Every message again, one to five times, shuffled: on bus, topic and queue; and second executions."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.local_run.outside import delivered, ledger, wait_until
from scripts.local_run.story import SCENES
from tests.e2e.traffic import Traffic
from tests.live import Platform

pytestmark = pytest.mark.e2e
SEED = random.SystemRandom().randrange(10**6)


@pytest.fixture
def envelopes(platform: Platform, traffic: Traffic) -> list[dict[str, Any]]:
    """Every event of the demo's orders, one to five times, in any order."""
    chance = random.Random(SEED)
    found = platform.rows(
        "SELECT envelope FROM event_log WHERE order_id = ANY(%s) ORDER BY position",
        list(traffic.orders.values()),
    )
    again = [envelope for (envelope,) in found for _ in range(chance.randint(1, 5))]
    chance.shuffle(again)
    return again


@pytest.fixture
def unchanged(platform: Platform, traffic: Traffic) -> Iterator[None]:
    """What the outside and the inside know of the orders is the same afterwards."""
    quiet(platform)
    before = state(platform, traffic)
    yield
    quiet(platform)
    assert state(platform, traffic) == before, f"seed {SEED}"


def state(platform: Platform, traffic: Traffic) -> dict[str, Any]:
    orders = sorted(traffic.orders.values())
    posts, money = delivered(platform.endpoint), ledger(platform.database_url)
    about = "WHERE order_id = ANY(%s) ORDER BY 1, 2"
    return {
        "orders": [platform.order(one) for one in orders],
        "events": [[event["id"] for event in platform.events(one)] for one in orders],
        "money": [money.get(one, []) for one in orders],
        "posts": [sorted(map(str, (post for post in posts if one in post.text))) for one in orders],
        "operators": [sum(one in mail["text"] for mail in platform.operators_mail()) for one in orders],
        "read model": platform.rows(f"SELECT * FROM read_model.orders {about}", orders),
        "sales": platform.rows("SELECT * FROM read_model.sales ORDER BY 1, 2"),
        "stock": platform.rows("SELECT id, available, reserved FROM products ORDER BY id"),
    }


def quiet(platform: Platform) -> None:
    """Nothing runs, nothing waits, nothing is unpublished."""
    states = platform.client("stepfunctions")
    machines = [platform.machine(), platform.machine("order-cancellation-workflow")]

    def moving() -> int:
        running = [
            states.list_executions(stateMachineArn=one, statusFilter="RUNNING")["executions"]
            for one in machines
        ]
        [(unpublished,)] = platform.rows("SELECT count(*) FROM outbox WHERE published_at IS NULL")
        waiting = platform.depth("order-processing-queue") + platform.depth("lake-export-queue")
        return sum(map(len, running)) + int(unpublished) + waiting

    wait_until(moving, lambda count: count == 0, "rest", 90)


def consumed(platform: Platform, envelopes: list[dict[str, Any]], consumer: str, before: int) -> None:
    """Wait until the consumer has seen as many messages more."""
    wait_until(
        lambda: count_of(platform, consumer), lambda count: count >= before + len(envelopes), consumer, 90
    )


def count_of(platform: Platform, consumer: str) -> int:
    """How many events the consumer's log speaks of."""
    pages = platform.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(
        logGroupName=f"/aws/lambda/orders-local-{consumer}", filterPattern='"event consumed"'
    )
    return sum(len(page["events"]) for page in found)


def test_messages_that_come_again_on_the_queue_change_nothing(
    platform: Platform, envelopes: list[dict[str, Any]], unchanged: None
) -> None:
    sqs, url = platform.client("sqs"), platform.queue("order-processing-queue")
    before = count_of(platform, "update-read-model")
    for number, envelope in enumerate(envelopes):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(envelope, default=str) + " " * (number % 3))
    consumed(platform, envelopes, "update-read-model", before)


def test_messages_that_come_again_over_the_topic_change_nothing(
    platform: Platform, envelopes: list[dict[str, Any]], unchanged: None
) -> None:
    sns, before = platform.client("sns"), count_of(platform, "update-read-model")
    for envelope in envelopes:
        sns.publish(TopicArn=platform.topic("order-events"), Message=json.dumps(envelope))
    consumed(platform, envelopes, "update-read-model", before)


def test_events_that_come_again_over_the_bus_start_workflows_that_change_nothing(
    platform: Platform, envelopes: list[dict[str, Any]], unchanged: None
) -> None:
    events, before = platform.client("events"), count_of(platform, "update-read-model")
    started = executions(platform)
    for start in range(0, len(envelopes), 10):
        entries = [
            {
                "Source": "order.service",
                "DetailType": envelope["type"],
                "Detail": json.dumps(envelope),
                "EventBusName": "order-event-bus-local",
            }
            for envelope in envelopes[start : start + 10]
        ]
        assert events.put_events(Entries=entries)["FailedEntryCount"] == 0
    consumed(platform, envelopes, "update-read-model", before)
    placed = sum(envelope["type"] == "Order Placed" for envelope in envelopes)
    wait_until(lambda: executions(platform), lambda count: count >= started + placed, "second executions")


def test_second_executions_started_by_hand_end_at_once_and_change_nothing(
    platform: Platform, envelopes: list[dict[str, Any]], unchanged: None
) -> None:
    states = platform.client("stepfunctions")
    placed = {one["orderId"]: one for one in envelopes if one["type"] == "Order Placed"}
    assert len(placed) >= len(SCENES)
    for envelope in placed.values():
        for machine in ("order-processing-workflow", "order-cancellation-workflow"):
            arn = states.start_execution(
                stateMachineArn=platform.machine(machine), input=json.dumps(envelope)
            )["executionArn"]
            found = wait_until(
                lambda arn=arn: states.describe_execution(executionArn=arn),  # type: ignore[misc]
                lambda found: found["status"] != "RUNNING",
                arn,
            )
            assert found["status"] == "SUCCEEDED", found


def executions(platform: Platform) -> int:
    pages = platform.client("stepfunctions").get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=platform.machine())
    return sum(len(page["executions"]) for page in found)
