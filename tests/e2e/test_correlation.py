"""Orders followed by their correlation ids through every hop, and no trace of their customer on the way."""

import json
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from chalicelib import names
from scripts.local_run.outside import delivered, wait_until
from tests.e2e.traffic import LAKE, envelope, redrive
from tests.live import Platform

pytestmark = pytest.mark.e2e
CORRELATION = "corr-e2e-5f1d"
PERSONAL = {
    "name": "Zephyrine Quackenbush",
    "mail": "zephyrine.q@quackenbush.example",
    "phone": "+15557654321",
    "street": "9 Plumtree Lane",
    "token": "tok_slow",
}
ORDER = {
    "customer": {
        "id": "C-5f1d", "name": PERSONAL["name"], "email": PERSONAL["mail"], "phone": PERSONAL["phone"],
    },
    "items": [{"product": "Widget", "quantity": 1}],
    "payment": {"token": PERSONAL["token"]},
    "shipping": {"street": PERSONAL["street"], "city": "Ulm", "country": "DE", "postalCode": "89073"},
}  # fmt: skip
HOPS = {
    "": "the API",
    "order-event-processor": "the rule's function",
    "claim-order": "the workflow",
    "validate-payment": "the workflow",
    "check-inventory": "the workflow",
    "process-order": "the workflow",
    "send-notification": "the workflow",
    "on-order-event": "the topic's function",
    "update-read-model": "the queue's consumer",
    "export-to-lake": "the way to the lake",
    "begin-cancellation": "the cancellation",
    "settle-cancellation": "the cancellation",
}


FOREIGN_HOPS = [hop for hop in HOPS if hop and "cancellation" not in hop]


@pytest.fixture(scope="module")
def order_id(live_platform: Platform) -> str:
    """An order that completed, was told, exported, refunded, and died once in each kind of queue."""
    platform = live_platform
    order_id = platform.place(ORDER, X_Correlation_Id=CORRELATION)
    platform.settled(order_id, "completed")
    platform.api.post(f"/orders/{order_id}/cancel", {"reason": "changed_mind"})
    platform.settled(order_id, "refunded")
    wait_until(lambda: exported(platform, order_id), lambda found: len(found) >= 2, "both exports")
    wait_until(
        lambda: [post for post in delivered(platform.endpoint) if order_id in post.text],
        lambda posts: len(posts) == 4,  # mail and SMS, of completion and of refund
        "the customer's messages",
    )
    return order_id


@pytest.fixture(scope="module")
def foreign_id(live_platform: Platform) -> str:
    """An order that came over the bus, without a correlation id, and was completed."""
    order_id = f"FRN-{uuid.uuid4().hex[:8]}"
    order = {
        "orderId": order_id,
        "customer": PERSONAL["name"],
        "items": [{"product": "Widget", "quantity": 1}],
    }
    put = live_platform.client("events").put_events(
        Entries=[
            {
                "Source": "order.service", "DetailType": "Order Placed", "Detail": json.dumps(order),
                "EventBusName": names.resource("order-event-bus", "local"),
            }
        ]
    )  # fmt: skip
    assert put["FailedEntryCount"] == 0
    live_platform.settled(order_id, "completed")
    wait_until(lambda: exported(live_platform, order_id), bool, "the export")
    return order_id


def exported(platform: Platform, order_id: str) -> list[str]:
    """The order's records in the raw zone."""
    s3 = platform.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=LAKE, Prefix="raw-data/orders/")
    bodies = [
        s3.get_object(Bucket=LAKE, Key=one["Key"])["Body"].read().decode()
        for page in pages
        for one in page.get("Contents", [])
    ]
    return [line for body in bodies for line in body.splitlines() if order_id in line]


def log_groups(platform: Platform) -> list[str]:
    pages = platform.client("logs").get_paginator("describe_log_groups").paginate()
    return [group["logGroupName"] for page in pages for group in page["logGroups"]]


def lines(platform: Platform, group: str, **more: Any) -> list[str]:
    pages = platform.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group, **more)
    return [event["message"] for page in pages for event in page["events"]]


@pytest.mark.parametrize("function", HOPS)
def test_the_correlation_id_is_in_the_log_of_every_hop(
    platform: Platform, order_id: str, function: str
) -> None:
    name = names.function(function, "local") if function else "orders-local"
    found = lines(platform, f"/aws/lambda/{name}", filterPattern=f'"{CORRELATION}"')
    assert found, HOPS[function]
    assert any(order_id in line for line in found)


def test_every_line_about_a_foreign_order_carries_an_id_to_follow_it_by(
    platform: Platform, foreign_id: str
) -> None:
    for hop in FOREIGN_HOPS:
        group, pattern = f"/aws/lambda/{names.function(hop, 'local')}", f'"{foreign_id}"'
        logged = wait_until(partial(lines, platform, group, filterPattern=pattern), bool, group)
        assert {json.loads(line).get("correlation_id") for line in logged} == {foreign_id}, hop


def test_a_redrive_is_logged_with_the_ids_of_the_order(platform: Platform, order_id: str) -> None:
    printed = redrive(platform, "order-processing-queue", envelope(platform, order_id))
    [line] = [json.loads(one) for one in printed.splitlines() if '"operator action"' in one]
    assert (line["order_id"], line["correlation_id"]) == (order_id, CORRELATION)
    assert leaks([printed]) == []


def test_every_event_of_the_order_carries_its_correlation_id(platform: Platform, order_id: str) -> None:
    events = platform.events(order_id)
    assert len(events) > 8
    assert {event["correlationId"] for event in events} == {CORRELATION}


def test_no_log_names_the_customer(platform: Platform, order_id: str) -> None:
    text = [line for group in log_groups(platform) for line in lines(platform, group)]
    assert len(text) > 20
    assert leaks(text) == []
    assert leaks([(platform.folder / "engine" / "engine.log").read_text()]) == []


def test_no_event_and_no_record_of_the_lake_names_the_customer(platform: Platform, order_id: str) -> None:
    events = platform.rows("SELECT envelope::text FROM event_log WHERE order_id = %s", order_id)
    assert events
    assert leaks(text for (text,) in events) == []
    assert leaks(exported(platform, order_id)) == []


def test_no_execution_tells_the_customer_in_its_history(platform: Platform, order_id: str) -> None:
    states = platform.client("stepfunctions")
    executions = platform.executions(order_id)
    assert len(executions) == 2
    for arn, _ in executions:
        pages = states.get_paginator("get_execution_history").paginate(
            executionArn=arn, includeExecutionData=True
        )
        history = [json.dumps(event, default=str) for page in pages for event in page["events"]]
        assert any('"input"' in event for event in history)
        assert leaks(history) == []
        described = states.describe_execution(executionArn=arn)
        assert CORRELATION in described["input"]
        assert leaks([described["input"], described.get("output", "")]) == []


def test_no_queue_holds_the_customer_and_a_dead_letter_keeps_the_correlation_id(
    platform: Platform, order_id: str
) -> None:
    sqs, dead = platform.client("sqs"), platform.queue("order-processing-dlq")
    sent = sqs.send_message(QueueUrl=dead, MessageBody=json.dumps(envelope(platform, order_id)))["MessageId"]
    seen: dict[str, str] = {}

    def ours() -> str | None:
        """Its alarm has it read and mailed at once: meanwhile nobody else sees it."""
        seen.update(everything_waiting(platform))
        return seen.get(sent)

    try:
        assert CORRELATION in str(wait_until(ours, bool, "the dead letter", 90))
    finally:
        sqs.purge_queue(QueueUrl=dead)
    assert leaks(seen.values()) == []


def everything_waiting(platform: Platform) -> Iterator[tuple[str, str]]:
    """Id, then body and attributes of every message in every dead-letter queue; they stay visible."""
    sqs = platform.client("sqs")
    for url in sqs.list_queues()["QueueUrls"]:
        if "-dlq-" not in url:
            continue
        taken: list[str] = []
        while found := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60, MessageAttributeNames=["All"]
        ).get("Messages", []):
            taken += [message["ReceiptHandle"] for message in found]
            yield from ((message["MessageId"], json.dumps(message)) for message in found)
        for handle in taken:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)


def leaks(texts: Any) -> list[tuple[str, str]]:
    return [(kind, text[:200]) for text in texts for kind, value in PERSONAL.items() if value in text]
