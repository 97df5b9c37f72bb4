"""Both definitions over the real functions, services and database: what one says the other understands."""

import json
import os
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

os.environ.setdefault("STAGE", "local")  # what the decorators need at import

from chalicelib import bootstrap
from chalicelib.handlers import workflow
from scripts import check_asl
from tests.shop import Shop, lines
from tests.unit.workflow.walk import Walk, walk

CONTEXT = SimpleNamespace(aws_request_id="request-1")
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "ClaimOrder": workflow.claim_order, "ValidatePayment": workflow.validate_payment,
    "CheckInventory": workflow.check_inventory, "ProcessOrder": workflow.process_order,
    "Notify": workflow.send_notification, "Tell": workflow.send_notification,
    "Compensate": workflow.compensate_order,
    "RecordCompensationFailure": workflow.record_compensation_failure,
    "BeginCancellation": workflow.begin_cancellation, "SettleCancellation": workflow.settle_cancellation,
}  # fmt: skip
FOREIGN = {
    "orderId": "ORD-12345", "customer": "Alice Johnson", "amount": 299.99,
    "items": [{"product": "Laptop", "quantity": 1}],
}  # fmt: skip
Run = Callable[..., Walk]


@pytest.fixture
def run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Walks a machine; functions may be replaced by the state's name."""
    monkeypatch.setattr(bootstrap, "services", lambda: shop.services)

    def start(name: str, given: Mapping[str, Any], execution: str = "execution-1", **replaced: Any) -> Walk:
        machine = json.loads((check_asl.ROOT / "statemachines" / f"{name}.asl.json").read_text())
        real = {state: lambda task, door=door: door(task, CONTEXT) for state, door in FUNCTIONS.items()}
        return walk(machine, given, {**real, **replaced}, execution)

    return start


def placed(shop: Shop, **changes: Any) -> dict[str, Any]:
    """The event that starts the workflow."""
    return shop.events(shop.place(**changes))[0]


def test_order_completes_and_its_customer_is_told(shop: Shop, run: Run) -> None:
    event = placed(shop)
    trace = run("process_order", event)
    assert trace.end == "OrderComplete"
    assert shop.status(event["orderId"]) == "completed"
    assert [message.channel for message in shop.notifier.sent] == ["operators", "email"]
    assert len(trace.states) == 12


def test_seed_s_own_input_is_admitted_and_completes(shop: Shop, run: Run) -> None:
    trace = run("process_order", FOREIGN)
    assert (trace.end, shop.status("ORD-12345")) == ("OrderComplete", "completed")


def test_input_that_is_no_order_is_rejected(run: Run) -> None:
    assert run("process_order", {}).error == "OrderRejectedError"


def test_second_execution_finds_the_order_taken(shop: Shop, run: Run) -> None:
    event = placed(shop)
    run("process_order", event)
    trace = run("process_order", event, "execution-2")
    assert (trace.end, trace.error) == ("AlreadyRunning", None)
    assert shop.money(event["orderId"])["charged"] == 14998


@pytest.mark.parametrize(
    ("change", "error", "status"),
    [
        ({"payment_token": "tok_decline"}, "PaymentValidationError", "declined"),
        ({"lines": lines(("Vintage Radio", 1))}, "InventoryError", "out_of_stock"),
        ({"payment_token": "tok_capture_refused"}, "WorkflowFault", "failed"),
    ],
)
def test_order_that_fails_ends_with_its_own_error_and_no_charge(
    change: dict[str, Any], error: str, status: str, shop: Shop, run: Run
) -> None:
    event = placed(shop, **change)
    trace = run("process_order", event)
    assert (trace.error, shop.status(event["orderId"])) == (error, status)
    assert shop.money(event["orderId"]) == {"held": 0, "charged": 0, "refunded": 0}
    assert {message.about for message in shop.notifier.sent} == {status}
    if error == "WorkflowFault":
        assert shop.order(event["orderId"])["reason"] == "PaymentRefusedError"


def test_answer_that_got_lost_is_asked_for_again(shop: Shop, run: Run) -> None:
    event = placed(shop)
    trace = run("process_order", event, ProcessOrder=losing_the_first_answer(workflow.process_order))
    assert trace.end == "OrderComplete"
    assert trace.states.count("ProcessOrder") == 2
    assert shop.money(event["orderId"])["charged"] == 14998


def losing_the_first_answer(door: Callable[..., Any]) -> Callable[[Any], Any]:
    tries: list[Any] = []

    def act(task: Any) -> Any:
        tries.append(door(task, CONTEXT))
        if len(tries) == 1:
            raise type("Sandbox.Timedout", (Exception,), {})
        return tries[-1]

    return act


def test_cancellation_before_capture_stops_the_order(shop: Shop, run: Run) -> None:
    event = placed(shop)
    shop.cancel(event["orderId"])
    assert run("process_order", event).end == "Cancelled"
    assert run("cancel_order", shop.events(event["orderId"])[-1], "cancel-1").end == "Cancelled"
    assert shop.status(event["orderId"]) == "cancelled"
    assert {message.about for message in shop.notifier.sent} == {"cancelled"}


def test_cancellation_after_capture_refunds(shop: Shop, run: Run) -> None:
    event = placed(shop)
    run("process_order", event)
    shop.cancel(event["orderId"])
    trace = run("cancel_order", shop.events(event["orderId"])[-1], "cancel-1")
    assert (trace.end, shop.status(event["orderId"])) == ("Cancelled", "refunded")
    assert shop.money(event["orderId"]) == {"held": 0, "charged": 14998, "refunded": 14998}


def test_refund_that_is_refused_calls_a_person(shop: Shop, run: Run) -> None:
    event = placed(shop, payment_token="tok_undo_refused")
    run("process_order", event)
    shop.cancel(event["orderId"])
    trace = run("cancel_order", shop.events(event["orderId"])[-1], "cancel-1")
    assert (trace.error, shop.status(event["orderId"])) == ("COMPENSATION_FAILED", "compensation_failed")
    assert shop.notifier.alerts == [("Compensation failed", event["orderId"])]


def test_unknown_order_is_not_cancelled(run: Run) -> None:
    trace = run("cancel_order", {"orderId": "ORD-nobody", "correlationId": "c-1"})
    assert (trace.end, trace.error) == ("CancellationRefused", None)
