"""Where each outcome and each fault leads, walked through the definitions themselves."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from chalicelib.domain.commands import OrderTask
from scripts import check_asl
from tests.unit.workflow.walk import Answer, Walk, walk

ORDER = {"orderId": "ORD-1", "customer": "Alice Johnson", "amount": 299.99, "items": []}
CHANNELS = ["operators", "email"]


class GatewayTimeoutError(Exception):
    """Named as the app's own: ASL matches by name."""


class OrderBusyError(Exception):
    """Named as the app's own."""


class ThrottledCall(Exception):
    """Step Functions' own error: Lambda had no room for the call."""


ThrottledCall.__name__ = "Lambda.TooManyRequestsException"


class ProgrammingError(Exception):
    """A fault that no retry passes."""


def answer(outcome: str, channels: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "outcome": outcome, "orderId": "ORD-1", "execution": "execution-1", "correlationId": "c-1",
        "kind": outcome, "channels": list(channels),
    }  # fmt: skip


GOOD: Mapping[str, Sequence[Answer]] = {
    "ClaimOrder": [answer("claimed")],
    "ValidatePayment": [answer("authorised")],
    "CheckInventory": [answer("reserved")],
    "ProcessOrder": [answer("completed", CHANNELS)],
    "Notify": [{"outcome": "sent"}],
    "Tell": [{"outcome": "sent"}],
    "Compensate": [answer("failed", CHANNELS)],
    "RecordCompensationFailure": [answer("compensation_failed")],
}
GOOD_CANCELLATION: Mapping[str, Sequence[Answer]] = {
    "BeginCancellation": [answer("begun")],
    "SettleCancellation": [answer("refunded", CHANNELS)],
    "Notify": [{"outcome": "sent"}],
    "RecordCompensationFailure": [answer("compensation_failed")],
}


def run(machine: str, script: Mapping[str, Sequence[Answer]]) -> Walk:
    definition = json.loads((check_asl.ROOT / "statemachines" / f"{machine}.asl.json").read_text())
    return walk(definition, {"correlationId": "c-1", **ORDER}, script)


def process(**changed: Answer | Sequence[Answer]) -> Walk:
    return run("process_order", {**GOOD, **_lists(changed)})


def cancel(**changed: Answer | Sequence[Answer]) -> Walk:
    return run("cancel_order", {**GOOD_CANCELLATION, **_lists(changed)})


def _lists(changed: Mapping[str, Any]) -> dict[str, Sequence[Answer]]:
    return {state: value if isinstance(value, list) else [value] for state, value in changed.items()}


def test_good_order_completes_in_twelve_transitions() -> None:
    trace = process()
    assert trace.end == "OrderComplete"
    assert len(trace.states) == 12, "the count that docs/decisions/workflow.md states and the bill counts"


def test_tasks_get_ids_and_nothing_else_of_the_order() -> None:
    trace = process()
    ids = {"orderId": "ORD-1", "execution": "execution-1", "correlationId": "c-1"}
    assert trace.input_of("ClaimOrder") == {
        "order": {"correlationId": "c-1", **ORDER},
        "execution": "execution-1",
    }
    for task in ("ValidatePayment", "CheckInventory", "ProcessOrder"):
        assert trace.input_of(task) == ids
    notified = [given for name, given in trace.inputs if name == "Notify"]
    assert notified == [{**ids, "kind": "completed", "channel": channel} for channel in CHANNELS]


@pytest.mark.parametrize("outcome", ["already_running"])
@pytest.mark.parametrize("task", ["ClaimOrder", "ValidatePayment", "CheckInventory", "ProcessOrder"])
def test_execution_that_does_not_own_the_order_ends_at_once_and_undoes_nothing(
    task: str, outcome: str
) -> None:
    trace = process(**{task: answer(outcome)})
    assert (trace.end, trace.error) == ("AlreadyRunning", None)
    assert "Compensate" not in trace.states


@pytest.mark.parametrize("task", ["ClaimOrder", "ValidatePayment", "CheckInventory", "ProcessOrder"])
def test_cancelled_order_ends_the_workflow_without_a_failure(task: str) -> None:
    trace = process(**{task: answer("cancelled")})
    assert (trace.end, trace.error) == ("Cancelled", None)
    assert not {"Notify", "Tell"} & set(trace.states)


def test_order_that_cannot_be_admitted_is_rejected() -> None:
    assert process(ClaimOrder=answer("refused")).error == "OrderRejectedError"


def test_declined_card_is_asked_once_and_the_customer_is_told() -> None:
    trace = process(ValidatePayment=answer("declined", CHANNELS))
    assert trace.error == "PaymentValidationError"
    assert trace.states.count("ValidatePayment") == 1
    assert trace.states.count("Tell") == 2
    assert "CheckInventory" not in trace.states


@pytest.mark.parametrize("task", ["CheckInventory", "ProcessOrder"])
def test_out_of_stock_voids_the_payment_before_it_fails(task: str) -> None:
    trace = process(**{task: answer("out_of_stock")}, Compensate=answer("out_of_stock", CHANNELS))
    assert trace.error == "InventoryError"
    assert trace.states.index("Compensate") < trace.states.index("Tell")


@pytest.mark.parametrize("task", ["ValidatePayment", "CheckInventory", "ProcessOrder"])
def test_fault_after_the_claim_is_compensated(task: str) -> None:
    trace = process(**{task: ProgrammingError()})
    assert trace.error == "WorkflowFault"
    assert trace.states.count(task) == 1, "no retry passes this fault"
    assert trace.input_of("Compensate")["orderId"] == "ORD-1"


@pytest.mark.parametrize(
    "task", ["ClaimOrder", "ValidatePayment", "CheckInventory", "ProcessOrder", "Compensate"]
)
@pytest.mark.parametrize("fault", [GatewayTimeoutError(), OrderBusyError()])
def test_transient_fault_is_retried_and_passes(task: str, fault: Exception) -> None:
    trace = process(
        **{"CheckInventory": answer("out_of_stock")} if task == "Compensate" else {},
        **{task: [fault, fault, GOOD[task][0]]},
    )
    assert trace.states.count(task) == 3


@pytest.mark.parametrize("task", ["ClaimOrder", "ValidatePayment", "CheckInventory", "ProcessOrder"])
def test_throttled_function_delays_a_good_order_and_undoes_nothing(task: str) -> None:
    trace = process(**{task: [*[ThrottledCall()] * 90, GatewayTimeoutError(), GOOD[task][0]]})
    assert (trace.end, trace.error) == ("OrderComplete", None)
    assert trace.states.count(task) == 92
    assert "Compensate" not in trace.states


def test_compensation_that_is_throttled_for_ever_is_left_to_recovery() -> None:
    assert process(ProcessOrder=ProgrammingError(), Compensate=ThrottledCall()).error == "WorkflowFault"
    assert cancel(SettleCancellation=ThrottledCall()).error == "WorkflowFault"


def test_compensation_learns_which_fault_it_undoes() -> None:
    given = process(ProcessOrder=ProgrammingError()).input_of("Compensate")
    assert OrderTask.from_input(given).error == "ProgrammingError"


@pytest.mark.parametrize("task", ["CheckInventory", "ProcessOrder"])
def test_compensation_that_no_fault_led_to_has_none(task: str) -> None:
    given = process(**{task: answer("out_of_stock")}).input_of("Compensate")
    assert OrderTask.from_input(given).error is None


def test_lost_claim_leaves_the_rest_to_recovery() -> None:
    trace = process(ClaimOrder=ProgrammingError())
    assert (trace.states, trace.error) == (["ClaimOrder", "WorkflowFault"], "WorkflowFault")


def test_compensation_that_fails_tells_a_person_why() -> None:
    trace = process(ProcessOrder=ProgrammingError(), Compensate=ProgrammingError())
    assert trace.error == "COMPENSATION_FAILED"
    assert trace.input_of("RecordCompensationFailure")["error"] == "ProgrammingError"


def test_compensation_that_may_still_pass_is_left_to_recovery() -> None:
    trace = process(ProcessOrder=ProgrammingError(), Compensate=OrderBusyError())
    assert trace.error == "WorkflowFault"
    assert trace.states.count("Compensate") > 5, "compensation is retried before the execution gives up"


def test_cancellation_that_may_still_settle_is_left_to_recovery() -> None:
    assert cancel(SettleCancellation=GatewayTimeoutError()).error == "WorkflowFault"


def test_failing_alert_still_ends_as_a_failed_compensation() -> None:
    trace = process(
        ProcessOrder=ProgrammingError(),
        Compensate=ProgrammingError(),
        RecordCompensationFailure=ProgrammingError(),
    )
    assert trace.error == "COMPENSATION_FAILED"


def test_notification_that_fails_does_not_fail_a_paid_order() -> None:
    trace = process(Notify=ProgrammingError())
    assert (trace.end, trace.error) == ("OrderComplete", None)
    assert trace.states.count("NotNotified") == 2


def test_order_that_turns_out_complete_is_not_undone() -> None:
    trace = process(ProcessOrder=ProgrammingError(), Compensate=answer("completed", CHANNELS))
    assert (trace.end, trace.error) == ("OrderComplete", None)


def test_cancellation_settles_and_tells_the_customer() -> None:
    trace = cancel()
    assert (trace.end, trace.states.count("Notify")) == ("Cancelled", 2)
    assert trace.input_of("Notify")["kind"] == "refunded"


def test_cancellation_waits_while_the_order_is_being_captured() -> None:
    trace = cancel(SettleCancellation=[*[OrderBusyError()] * 100, answer("refunded", CHANNELS)])
    assert trace.end == "Cancelled"


@pytest.mark.parametrize("outcome", ["cancelled", "refunded"])
def test_cancellation_that_was_settled_before_has_nothing_to_do(outcome: str) -> None:
    trace = cancel(BeginCancellation=answer(outcome))
    assert (trace.end, trace.states.count("Notify")) == ("Cancelled", 0)


@pytest.mark.parametrize("task", ["BeginCancellation", "SettleCancellation"])
def test_second_cancellation_ends_at_once(task: str) -> None:
    assert cancel(**{task: answer("already_running")}).end == "AlreadyRunning"


@pytest.mark.parametrize(
    ("task", "outcome"), [("BeginCancellation", "refused"), ("SettleCancellation", "declined")]
)
def test_order_that_came_to_another_end_is_not_cancelled(task: str, outcome: str) -> None:
    trace = cancel(**{task: answer(outcome)})
    assert (trace.end, trace.error) == ("CancellationRefused", None)


def test_cancellation_that_cannot_be_settled_calls_a_person() -> None:
    trace = cancel(SettleCancellation=ProgrammingError())
    assert trace.error == "COMPENSATION_FAILED"
    assert trace.input_of("RecordCompensationFailure")["error"] == "ProgrammingError"
