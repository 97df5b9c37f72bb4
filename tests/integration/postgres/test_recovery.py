"""Orders without a live owner: published again, resumed, undone; none stays where it is."""

import json

import pytest

from chalicelib.domain.commands import ClaimOrder, CustomerInput
from chalicelib.domain.errors import GatewayTimeoutError, MessageRefusedError, ThrottledError
from chalicelib.services.ports import GatewayRecord
from tests.fakes import FakeGateway
from tests.faults.proof import bring_to_rest
from tests.shop import OPERATOR, Shop


def later(shop: Shop) -> dict[str, int]:
    shop.clock.advance(seconds=shop.settings.sweep_after_seconds + 1)
    return shop.services.sweep_orders()


def stopped(shop: Shop, execution: str, status: str = "TIMED_OUT") -> dict[str, str]:
    detail = {"executionArn": execution, "status": status, "stateMachineArn": "arn"}
    return shop.services.resume_or_compensate(detail)


def authorised(shop: Shop, **order: object) -> str:
    order_id = shop.place(**order)
    shop.claim(order_id)
    shop.services.validate_payment(shop.task(order_id))
    return order_id


def test_a_placed_order_that_nobody_took_is_published_again(shop: Shop) -> None:
    order = shop.place()
    assert later(shop)["resumed"] == 1
    assert shop.bus.types(order) == ["Order Placed", "Order Placed"]
    assert later(shop)["resumed"] == 1


def test_an_order_that_is_being_worked_on_is_left_alone(shop: Shop) -> None:
    order = authorised(shop)
    shop.executions.running = {"exec-1"}
    assert later(shop)["alive"] == 1
    assert shop.services.sweep_orders()["examined"] == 0  # it waits for its next turn
    assert shop.status(order) == "authorised"


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT"])
def test_an_execution_that_died_is_followed_by_another_that_goes_on_where_it_was(
    shop: Shop, status: str
) -> None:
    order = authorised(shop)
    assert stopped(shop, "exec-1", status) == {order: "resumed"}
    assert shop.run(order, "exec-2") == "completed"
    assert shop.types(order).count("Payment Authorised") == 1
    assert "Order Resumed" in shop.types(order)
    assert shop.money(order)["charged"] == 14998


def test_what_the_sweeper_looks_through_does_not_grow_with_completed_orders(shop: Shop) -> None:
    order = shop.place()
    assert shop.run(order) == "completed"
    assert shop.open_effects(order) == ["authorisation", "reservation", "capture"]
    assert shop.query("SELECT kind FROM effects WHERE state IN ('registered', 'done')") == []


def test_an_aborted_execution_is_undone(shop: Shop) -> None:
    order = authorised(shop)
    assert stopped(shop, "exec-1", "ABORTED") == {order: "compensated"}
    assert shop.status(order) == "failed"
    assert shop.money(order)["held"] == 0


def test_an_execution_that_ended_its_order_leaves_nothing_to_recover(shop: Shop) -> None:
    order = shop.place(payment_token="tok_decline")
    shop.run(order)
    assert stopped(shop, "exec-1", "FAILED") == {order: "settled"}
    assert shop.status(order) == "declined"
    completed = shop.place()
    shop.run(completed, "exec-9")
    assert stopped(shop, "exec-9", "FAILED") == {completed: "settled"}
    assert shop.money(completed) == {"held": 0, "charged": 14998, "refunded": 0}


def test_a_foreign_order_whose_first_task_failed_is_not_lost(shop: Shop) -> None:
    raw = {"orderId": "ORD-7", "customer": "Test User", "amount": 50}
    detail = {"executionArn": "exec-1", "status": "FAILED", "input": json.dumps(raw)}
    assert shop.services.resume_or_compensate(detail) == {"ORD-7": "admitted"}
    assert shop.bus.types("ORD-7") == ["Order Placed"]
    assert shop.run("ORD-7", "exec-2") == "completed"
    assert shop.services.resume_or_compensate(detail | {"input": '{"orderId": 1}'}) == {}
    assert shop.services.resume_or_compensate(detail | {"input": "no JSON"}) == {}


def test_an_unknown_execution_is_nobodys(shop: Shop) -> None:
    assert stopped(shop, "exec-of-another-machine") == {}


def test_after_too_many_executions_an_order_is_undone_instead(shop: Shop) -> None:
    order = shop.place(payment_token="tok_timeout_before_charge")
    for number in range(shop.settings.max_attempts):
        execution = f"exec-{number}"
        shop.claim(order, execution)
        with pytest.raises(GatewayTimeoutError):
            shop.services.validate_payment(shop.task(order, execution))
        remedy = stopped(shop, execution)[order]
    assert remedy == "compensated"
    assert shop.status(order) == "failed"


def test_a_cancellation_without_an_owner_is_carried_out_by_the_sweeper(shop: Shop) -> None:
    order = authorised(shop)
    shop.cancel(order)
    assert later(shop)["cancelled"] == 1
    assert shop.status(order) == "cancelled"
    assert shop.money(order)["held"] == 0


def test_an_out_of_stock_order_that_was_left_half_undone_is_settled(shop: Shop) -> None:
    order = authorised(shop)
    shop.set_stock("Widget", 0)
    assert shop.services.check_inventory(shop.task(order))["outcome"] == "out_of_stock"
    assert shop.money(order)["held"] == 14998
    assert later(shop)["compensated"] == 1
    assert (shop.status(order), shop.money(order)["held"]) == ("out_of_stock", 0)


def test_a_recovery_that_fails_for_good_reaches_a_person(shop: Shop) -> None:
    order = authorised(shop, payment_token="tok_undo_refused")
    stopped(shop, "exec-1", "ABORTED")
    assert shop.status(order) == "compensation_failed"
    assert shop.notifier.alerts == [("Compensation failed", order)]


def undone_in_vain(shop: Shop) -> str:
    """An order that is `compensation_failed`, after a fault of the alert's topic."""
    order = authorised(shop, payment_token="tok_undo_refused")
    with pytest.raises(ThrottledError):
        shop.compensate(shop.task(order))
    assert (shop.status(order), shop.notifier.alerts) == ("compensation_failed", [])
    return order


@pytest.mark.parametrize("fault", [ThrottledError("slow"), OSError("lost"), MessageRefusedError("denied")])
def test_an_alert_that_may_be_lost_is_sent_by_the_workflow_s_retry(shop: Shop, fault: Exception) -> None:
    shop.notifier.fault = fault
    order = undone_in_vain(shop)
    shop.notifier.fault = None
    for _ in range(2):
        shop.services.record_compensation_failure(shop.task(order))
    assert shop.notifier.alerts == [("Compensation failed", order)]


def test_an_alert_that_no_workflow_sends_any_more_is_sent_by_the_sweeper(shop: Shop) -> None:
    shop.notifier.fault = ThrottledError("slow")
    order = undone_in_vain(shop)
    assert later(shop)["alerted"] == 0  # still no topic
    shop.notifier.fault = None
    assert (later(shop)["alerted"], later(shop)["alerted"]) == (1, 0)
    assert shop.notifier.alerts == [("Compensation failed", order)]


def test_an_alert_whose_process_died_after_the_claim_is_sent(shop: Shop) -> None:
    shop.notifier.fault = KeyboardInterrupt()  # no Exception: nothing of the process runs after it
    order = authorised(shop, payment_token="tok_undo_refused")
    with pytest.raises(KeyboardInterrupt):
        shop.compensate(shop.task(order))
    assert shop.query("SELECT state FROM notifications WHERE channel = 'alert'") == [("claimed",)]
    shop.notifier.fault = None
    assert stopped(shop, "exec-1", "FAILED") == {order: "settled"}
    assert shop.notifier.alerts == [("Compensation failed", order)]


def test_an_undo_that_fails_again_after_an_operator_s_retry_is_told_again(shop: Shop) -> None:
    order = authorised(shop, payment_token="tok_undo_refused")
    shop.compensate(shop.task(order))
    shop.cancel(order, OPERATOR)
    assert shop.run_cancellation(order) == "compensation_failed"
    assert shop.notifier.alerts == [("Compensation failed", order)] * 2


def test_a_customer_of_an_order_that_recovery_undid_is_told_once(shop: Shop) -> None:
    order = authorised(shop)
    for _ in range(2):
        stopped(shop, "exec-1", "ABORTED")
    assert told(shop) == [("failed", "operators"), ("failed", "email")]
    assert shop.status(order) == "failed"


def test_a_customer_of_an_order_that_recovery_cancelled_is_told(shop: Shop) -> None:
    order = authorised(shop)
    shop.cancel(order)
    later(shop)
    assert (shop.status(order), told(shop)) == (
        "cancelled",
        [("cancelled", "operators"), ("cancelled", "email")],
    )


@pytest.mark.parametrize("told_before", [[], ["operators"], ["operators", "email"]])
def test_a_customer_whose_workflow_died_after_the_capture_is_told(shop: Shop, told_before: list[str]) -> None:
    order = authorised(shop)
    shop.services.check_inventory(shop.task(order))
    reply = shop.services.process_order(shop.task(order))
    shop.notify({**reply, "channels": told_before})
    assert stopped(shop, "exec-1", "TIMED_OUT") == {order: "settled"}
    assert told(shop) == [("completed", "operators"), ("completed", "email")]


def test_a_customer_whose_cancellation_died_before_its_message_is_told(shop: Shop) -> None:
    order = shop.place()
    shop.run(order)
    shop.cancel(order)
    shop.services.begin_cancellation(ClaimOrder({"orderId": order}, "cancel-1"))
    shop.services.settle_cancellation(shop.task(order, "cancel-1"))
    shop.notifier.sent.clear()
    assert stopped(shop, "cancel-1", "ABORTED") == {order: "settled"}
    assert told(shop) == [("refunded", "operators"), ("refunded", "email")]


def test_a_message_that_recovery_cannot_send_does_not_stop_it(shop: Shop) -> None:
    order = authorised(shop)
    shop.notifier.fault = ThrottledError("slow")
    assert stopped(shop, "exec-1", "ABORTED") == {order: "compensated"}


REACHABLE = CustomerInput("Alice", email="a@example.com", phone="+15550100")


@pytest.mark.parametrize("how", ["compensated", "cancelled"])
def test_a_recovery_that_dies_while_it_tells_is_followed_by_one_that_tells_the_rest(
    shop: Shop, how: str
) -> None:
    order = authorised(shop, customer=REACHABLE)
    if how == "cancelled":
        shop.cancel(order)
    shop.notifier.fault = KeyboardInterrupt()  # no Exception: nothing of the process runs after it
    with pytest.raises(KeyboardInterrupt):
        stopped(shop, "exec-1", "ABORTED") if how == "compensated" else later(shop)
    shop.notifier.fault = None
    ended = "failed" if how == "compensated" else "cancelled"
    assert shop.status(order) == ended
    if how == "compensated":
        assert stopped(shop, "exec-1", "ABORTED") == {}  # Lambda's retry finds another's order

    figures = [later(shop) for _ in range(3)]

    assert [one["told"] for one in figures] == [1, 0, 0]
    assert told(shop) == [(ended, "email"), (ended, "sms")]
    states = {one["channel"]: one["state"] for one in shop.order(order)["notifications"]}
    assert states == {"operators": "unknown", "email": "sent", "sms": "sent"}


def test_a_message_that_recovery_could_not_send_is_sent_by_a_later_sweep(shop: Shop) -> None:
    order = authorised(shop, customer=REACHABLE)
    shop.notifier.fault = ThrottledError("slow")
    stopped(shop, "exec-1", "ABORTED")
    assert [later(shop)["told"] for _ in range(9)] == [0] * 9
    assert later(shop)["stuck"] == 1
    shop.notifier.fault = None
    figures = later(shop)
    assert (figures["told"], figures["stuck"]) == (1, 0)
    assert told(shop) == [("failed", channel) for channel in ("operators", "email", "sms")]
    assert shop.status(order) == "failed"


def test_an_order_that_went_on_after_a_dead_recovery_is_told_of_its_real_end_once(shop: Shop) -> None:
    order = authorised(shop, customer=REACHABLE)
    shop.rewire(gateway=Unreachable())
    with pytest.raises(GatewayTimeoutError):
        stopped(shop, "exec-1", "ABORTED")
    assert later(shop)["told"] == 0  # not at its end
    shop.rewire(gateway=shop.gateway)
    for _ in range(3):
        later(shop)
    assert told(shop) == [("failed", channel) for channel in ("operators", "email", "sms")]
    assert shop.status(order) == "failed"


def test_orders_that_need_no_recovery_owe_nobody_a_message(shop: Shop) -> None:
    shop.run(shop.place())
    shop.run(shop.place(payment_token="tok_decline"))
    assert shop.query("SELECT count(*) FROM untold_orders") == [(0,)]


def told(shop: Shop) -> list[tuple[str, str]]:
    return [(message.about, message.channel) for message in shop.notifier.sent]


def test_orders_that_nothing_gets_on_are_counted_until_they_move(shop: Shop) -> None:
    shop.run(shop.place())
    shop.place()
    assert later(shop)["stuck"] == 0
    for _ in range(8):  # published again each time, claimed by nobody
        figures = later(shop)
    assert (figures["stuck"], figures["oldestStuckSeconds"]) == (1, 9 * 121)
    [(order,)] = shop.query("SELECT id FROM orders WHERE status = 'placed'")
    shop.claim(order)
    shop.executions.running = {"exec-1"}
    assert shop.services.sweep_orders()["stuck"] == 0


@pytest.mark.parametrize("status", ["compensating", "cancelling"])
def test_an_undo_that_never_ends_counts_as_stuck(shop: Shop, status: str) -> None:
    order = authorised(shop)
    if status == "cancelling":
        shop.cancel(order)
    else:
        shop.query("UPDATE orders SET status = 'compensating' WHERE id = %s", order)
    shop.rewire(gateway=Unreachable())
    for _ in range(9):
        figures = later(shop)
    assert (figures["failed"], figures["stuck"], shop.status(order)) == (1, 1, status)


def test_an_ended_order_whose_effect_cannot_be_undone_counts_as_stuck(shop: Shop) -> None:
    order = authorised(shop)
    stopped(shop, "exec-1", "ABORTED")
    shop.query("UPDATE effects SET state = 'done' WHERE order_id = %s", order)
    shop.rewire(gateway=Unreachable())
    for _ in range(9):
        figures = later(shop)
    assert (figures["failed"], figures["stuck"], shop.status(order)) == (1, 1, "failed")


class Unreachable(FakeGateway):
    def void(self, key: str, authorisation: str) -> GatewayRecord:
        raise GatewayTimeoutError("no answer")

    def lookup(self, key: str) -> GatewayRecord | None:
        raise GatewayTimeoutError("no answer")


def test_one_order_that_cannot_be_recovered_does_not_hold_up_the_others(shop: Shop) -> None:
    broken, sound = authorised(shop), shop.place()
    shop.query("UPDATE orders SET status = 'no such status' WHERE id = %s", broken)
    shop.query("UPDATE orders SET status = 'processing', currency = 'XXX' WHERE id = %s", broken)
    later(shop)
    assert shop.bus.types(sound) == ["Order Placed", "Order Placed"]


def test_everything_comes_to_rest(shop: Shop) -> None:
    authorised(shop)
    shop.place()
    cancelled = authorised(shop)
    shop.cancel(cancelled)
    bring_to_rest(shop)
    statuses = sorted(status for (status,) in shop.query("SELECT status FROM orders"))
    assert statuses == ["cancelled", "completed", "completed"]
