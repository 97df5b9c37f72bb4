"""Executions that are stopped, time out or vanish: their order is resumed or undone, in seconds."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from scripts.local_run.outside import ledger, wait_until
from scripts.local_run.story import SETTLED
from tests.live import Platform, impatient

pytestmark = pytest.mark.e2e
ORDER = {
    "customer": {"name": "Ida", "email": "ida@example.com"},
    "items": [{"product": "Headset", "quantity": 1}],
    "payment": {"token": "tok_slow"},
}
POINTS = ("ClaimOrder", "ValidatePayment", "CheckInventory", "ProcessOrder", "SendNotification")


@pytest.fixture(autouse=True)
def sweeper(platform: Platform) -> Iterator[None]:
    with impatient(platform):
        yield


def owner(platform: Platform, order_id: str) -> str:
    query = "SELECT execution FROM orders WHERE id = %s AND execution IS NOT NULL"
    [(arn,)] = wait_until(lambda: platform.rows(query, order_id), bool, f"an owner of {order_id}")
    return str(arn)


def entered(platform: Platform, execution: str) -> list[str]:
    history = platform.client("stepfunctions").get_execution_history(executionArn=execution, maxResults=1000)[
        "events"
    ]
    return [one["stateEnteredEventDetails"]["name"] for one in history if "stateEnteredEventDetails" in one]


def tended(platform: Platform, order_id: str) -> str:
    """The order's end, with the sweeper run as often as it takes."""

    def status() -> str:
        platform.invoke("sweep-orders")
        platform.invoke("relay-outbox")
        return platform.status(order_id)

    return wait_until(status, lambda found: found in SETTLED, f"the end of {order_id}", 90)


def check(platform: Platform, order_id: str, status: str) -> None:
    """Money and stock agree with the order's end."""
    entries = ledger(platform.database_url).get(order_id, [])
    captured = sum(one.amount for one in entries if (one.kind, one.state) == ("capture", "approved"))
    refunded = sum(one.amount for one in entries if one.kind == "refund")
    held = [one for one in entries if (one.kind, one.state) == ("authorise", "approved")]
    assert captured - refunded == (8950 if status == "completed" else 0), entries
    assert captured or not held, entries
    assert sum(one.kind == "capture" and one.state == "approved" for one in entries) <= 1
    reserved = platform.rows(
        "SELECT state FROM reservations WHERE order_id = %s AND state = 'held'", order_id
    )
    assert reserved == []


def assert_told(platform: Platform, order_id: str, status: str) -> None:
    """Operators and the customer hear of the order's end once, whoever brought it about."""
    query = "SELECT channel, state FROM notifications WHERE order_id = %s AND about = %s ORDER BY channel"
    wanted = [("email", "sent"), ("operators", "sent")]
    wait_until(
        lambda: platform.rows(query, order_id, status),
        lambda rows: rows == wanted,
        f"messages about {order_id} {status}",
    )


@pytest.mark.parametrize("point", POINTS)
def test_an_execution_stopped_at_any_point_leaves_an_order_that_ends_well(
    platform: Platform, point: str
) -> None:
    order_id = platform.place(ORDER)
    execution = owner(platform, order_id)
    wait_until(lambda: entered(platform, execution), lambda states: point in states, point)
    states = platform.client("stepfunctions")
    with suppress(states.exceptions.ValidationException):  # it ended a moment before
        states.stop_execution(executionArn=execution, error="Operator", cause="test")
    if point == "ValidatePayment":  # the bank takes a second
        assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"
    status = tended(platform, order_id)
    assert status in ("completed", "failed")
    check(platform, order_id, status)
    assert_told(platform, order_id, status)


def test_an_execution_that_timed_out_is_resumed_and_charges_once(platform: Platform) -> None:
    with time_limit(platform, 1):
        order_id = platform.place({**ORDER, "items": [{"product": "Headset", "quantity": 1}]})
        execution = owner(platform, order_id)
        states = platform.client("stepfunctions")
        wait_until(
            lambda: states.describe_execution(executionArn=execution)["status"],
            lambda status: status == "TIMED_OUT",
            "the time-out",
        )
    assert tended(platform, order_id) == "completed"
    check(platform, order_id, "completed")
    assert_told(platform, order_id, "completed")
    assert "Order Resumed" in [event["type"] for event in platform.events(order_id)]


@contextmanager
def time_limit(platform: Platform, seconds: int) -> Iterator[None]:
    """The workflow may meanwhile take no longer than this."""
    states, machine = platform.client("stepfunctions"), platform.machine()
    before = states.describe_state_machine(stateMachineArn=machine)["definition"]
    hasty: dict[str, Any] = {**json.loads(before), "TimeoutSeconds": seconds}
    states.update_state_machine(stateMachineArn=machine, definition=json.dumps(hasty))
    try:
        yield
    finally:
        states.update_state_machine(stateMachineArn=machine, definition=before)


def test_an_order_whose_owner_never_existed_is_found_by_the_sweeper_and_completes(platform: Platform) -> None:
    ghost = platform.machine().replace(":stateMachine:", ":execution:") + f":ghost-{uuid.uuid4().hex}"
    order_id = f"ORD-{uuid.uuid4().hex[:12].upper()}"
    order = {"orderId": order_id, "customer": "Ida", "amount": 89.5,
             "items": [{"product": "Headset", "quantity": 1}]}  # fmt: skip
    assert platform.invoke("claim-order", {"order": order, "execution": ghost})["outcome"] == "claimed"
    assert tended(platform, order_id) == "completed"
    check(platform, order_id, "completed")
    assert "Order Released" in [event["type"] for event in platform.events(order_id)]
