"""What becomes of a customer who presses three times, and of a message that is delivered twice."""

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import psycopg

from chalicelib import names
from scripts.benchmarks import orders_contenders, orders_load
from scripts.benchmarks.orders_contenders import Contender
from scripts.local_run.stack import STAGE

PRESSES = 3
_CLIENTS = 4
Row = tuple[str, str]


def platform_doubles(ours: Contender, database_url: str, count: int) -> list[Row]:
    """Rows for `count` orders wanted; see lesson_doubles for the same of the lesson."""
    posted = orders_load.post(ours.url, _presses("ours", count), _CLIENTS)
    ours.await_workflows(posted, len(set(posted.order_ids)))
    orders = sorted(set(posted.order_ids))
    pressed = orders_contenders.books(database_url, orders)
    again = time.time()
    _deliver_again(ours, database_url, orders)
    client = ours.session.client("stepfunctions")
    second = orders_load.await_executions(client, ours.machine, again, count, 300)
    after = orders_contenders.books(database_url, orders)
    return _rows(
        count,
        made=len(orders),
        charged=pressed.captures,
        repeated=len(second.found),
        charged_again=after.captures - pressed.captures,
        unpaid_for=0,
    )


def lesson_doubles(lesson: Contender, count: int) -> list[Row]:
    """The repeated message is a second StartExecution: what an SDK does when the first answer is lost."""
    posted = orders_load.post(lesson.url, _presses("lesson", count), _CLIENTS)
    client = lesson.session.client("stepfunctions")
    first = lesson.await_workflows(posted, len(posted.order_ids))
    ends = _ends(client, first)
    again = time.time()
    for one in first.found[:count]:
        given = client.describe_execution(executionArn=one["executionArn"])["input"]
        client.start_execution(stateMachineArn=lesson.machine, input=given)
    second = orders_load.await_executions(client, lesson.machine, again, count, 300)
    return _rows(
        count,
        made=len(posted.order_ids),
        charged=_charged(ends),
        repeated=len(second.found),
        charged_again=_charged(_ends(client, second)),
        unpaid_for=ends["InventoryError"],
    )


def _rows(
    count: int, *, made: int, charged: int, repeated: int, charged_again: int, unpaid_for: int
) -> list[Row]:
    return [
        (f"{count} customers press {PRESSES} times: orders", str(made)),
        ("  payments taken", str(charged)),
        ("  paid, out of stock, money kept", str(unpaid_for)),
        (f"{count} deliveries repeated: executions", str(repeated)),
        ("  payments taken a second time", str(charged_again)),
    ]


def _presses(label: str, count: int) -> list[str]:
    """Each customer's key three times, in a random order that is the same in every run."""
    pressed = orders_load.keys(label, count) * PRESSES
    random.Random(7).shuffle(pressed)
    return pressed


def _deliver_again(ours: Contender, database_url: str, orders: Sequence[str]) -> None:
    """The bus delivers at least once: the placed events once more, as they were."""
    with psycopg.connect(database_url) as connection:
        query = "SELECT envelope FROM event_log WHERE type = 'Order Placed' AND order_id = ANY(%s)"
        envelopes = [row[0] for row in connection.execute(query, (list(orders),))]
    events = ours.session.client("events")
    for envelope in envelopes:
        entry = {
            "Source": envelope["source"],
            "DetailType": envelope["type"],
            "Detail": json.dumps(envelope),
            "EventBusName": names.resource("order-event-bus", STAGE),
        }
        events.put_events(Entries=[entry])


def _ends(client: Any, executions: orders_load.Executions) -> Counter[str]:
    """How many executions ended with which error, or with none."""
    described = (client.describe_execution(executionArn=one["executionArn"]) for one in executions.found)
    return Counter(one.get("error") or "" for one in described)


def _charged(ends: Counter[str]) -> int:
    """ValidatePayment takes the payment: whoever came past it has paid."""
    return sum(count for error, count in ends.items() if error != "PaymentValidationError")
