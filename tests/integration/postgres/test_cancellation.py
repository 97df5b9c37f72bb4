"""Cancelling: when it is allowed, what it undoes, and that asking again changes nothing."""

from collections.abc import Callable

import pytest

from chalicelib.domain.commands import ClaimOrder, Principal
from chalicelib.domain.errors import (
    GatewayTimeoutError,
    NotCancellableError,
    OrderBusyError,
    UnknownOrderError,
)
from chalicelib.services.ports import GatewayRecord
from tests.faults.ablations import Delegate
from tests.faults.proof import bring_to_rest
from tests.shop import OPERATOR, Shop


class Unreachable(Delegate):
    """A gateway that never hears of a capture."""

    def capture(self, key: str, authorisation: str) -> GatewayRecord:
        raise GatewayTimeoutError("no answer")


def advanced(shop: Shop, steps: int) -> str:
    order = shop.place()
    actions: list[Callable[[], object]] = [
        lambda: shop.claim(order),
        lambda: shop.services.validate_payment(shop.task(order)),
        lambda: shop.services.check_inventory(shop.task(order)),
    ]
    for action in actions[:steps]:
        action()
    return order


@pytest.mark.parametrize("steps", range(4), ids=["placed", "processing", "authorised", "reserved"])
def test_before_the_capture_it_stops_the_order_and_undoes_it(shop: Shop, steps: int) -> None:
    order = advanced(shop, steps)

    reply = shop.cancel(order)
    assert (reply.status, reply.body["status"]) == (202, "cancelling")
    assert shop.run_cancellation(order) == "cancelled"

    assert shop.money(order) == {"held": 0, "charged": 0, "refunded": 0}
    assert shop.stock("Widget") == (1_000_000, 0)
    assert shop.open_effects(order) == []
    assert shop.run(order, "exec-late") == "cancelled"


def test_a_step_that_finds_the_order_cancelling_ends_as_cancelled(shop: Shop) -> None:
    order = advanced(shop, 3)
    shop.cancel(order)
    task = shop.task(order)
    for step in (shop.services.validate_payment, shop.services.check_inventory, shop.services.process_order):
        assert step(task)["outcome"] == "cancelled"
    assert shop.compensate(task)["outcome"] == "cancelled"


def test_asking_again_changes_nothing(shop: Shop) -> None:
    order = shop.place()
    shop.cancel(order)
    assert shop.cancel(order).status == 202
    shop.run_cancellation(order)
    assert (shop.cancel(order).status, shop.cancel(order).body["status"]) == (200, "cancelled")
    assert shop.types(order).count("Order Cancellation Requested") == 1
    assert shop.run_cancellation(order, "cancel-2") == "cancelled"


def test_while_capturing_it_is_noted_and_the_order_is_refunded_afterwards(shop: Shop) -> None:
    order = advanced(shop, 3)
    shop.rewire(gateway=Unreachable(shop.gateway))
    with pytest.raises(GatewayTimeoutError):
        shop.services.process_order(shop.task(order))
    assert shop.status(order) == "capturing"

    assert shop.cancel(order).body["status"] == "cancelling"
    assert shop.status(order) == "capturing"
    with pytest.raises(OrderBusyError):
        _settle(shop, order)
    shop.rewire(gateway=shop.gateway)
    assert shop.services.process_order(shop.task(order))["outcome"] == "cancelled"
    assert shop.run_cancellation(order) == "refunded"
    assert shop.money(order) == {"held": 0, "charged": 14998, "refunded": 14998}
    assert shop.stock("Widget") == (1_000_000, 0)


def _settle(shop: Shop, order: str) -> None:
    assert shop.services.begin_cancellation(ClaimOrder({"orderId": order}, "cancel-1"))["outcome"] == "begun"
    shop.services.settle_cancellation(shop.task(order, "cancel-1"))


@pytest.mark.parametrize("token", ["tok_decline", "tok_capture_refused"])
def test_an_order_that_has_ended_otherwise_is_not_cancellable(shop: Shop, token: str) -> None:
    order = shop.place(payment_token=token)
    shop.run(order)
    with pytest.raises(NotCancellableError, match="cannot be cancelled: "):
        shop.cancel(order)


def test_it_is_refused_after_the_window_with_the_reason(shop: Shop) -> None:
    order = shop.place()
    shop.run(order)
    shop.clock.advance(seconds=shop.settings.cancellation_window_seconds + 1)
    with pytest.raises(NotCancellableError, match="the time to cancel it is over"):
        shop.cancel(order)
    assert shop.status(order) == "completed"


def test_an_order_of_somebody_else_cannot_be_seen_or_cancelled(shop: Shop) -> None:
    order = shop.place()
    mallory = Principal("mallory", frozenset({"orders:read", "orders:write"}))
    for attempt in (
        lambda: shop.cancel(order, mallory),
        lambda: shop.services.get_order(order, mallory),
        lambda: shop.services.get_order_events(order, mallory),
        lambda: shop.cancel("ORD-NONE"),
    ):
        with pytest.raises(UnknownOrderError):
            attempt()
    assert shop.cancel(order, OPERATOR).status == 202


def test_only_one_execution_carries_a_cancellation_out(shop: Shop) -> None:
    order = shop.place()
    assert shop.services.begin_cancellation(ClaimOrder({"orderId": order}, "c-0"))["outcome"] == "refused"
    shop.cancel(order)
    outcomes = [
        shop.services.begin_cancellation(ClaimOrder({"orderId": order}, name))["outcome"]
        for name in ("c-1", "c-2", "c-1")
    ]
    assert outcomes == ["begun", "already_running", "begun"]
    assert shop.services.settle_cancellation(shop.task(order, "c-2"))["outcome"] == "already_running"


def test_an_unknown_order_is_no_fault_of_the_cancellation_workflow(shop: Shop) -> None:
    assert shop.services.begin_cancellation(ClaimOrder({"orderId": "?"}, "c-1"))["outcome"] == "refused"


def test_a_cancellation_that_tires_of_waiting_leaves_the_capture_alone(shop: Shop) -> None:
    order = advanced(shop, 3)
    shop.rewire(gateway=Unreachable(shop.gateway))
    with pytest.raises(GatewayTimeoutError):
        shop.services.process_order(shop.task(order))
    shop.cancel(order)
    assert shop.run_cancellation(order) == "busy"
    assert shop.status(order) == "capturing"
    shop.rewire(gateway=shop.gateway)
    bring_to_rest(shop)
    assert shop.status(order) == "refunded"
    assert shop.notifier.alerts == []


def test_an_operator_may_have_a_failed_undo_tried_again(shop: Shop) -> None:
    order = shop.place(payment_token="tok_undo_refused")
    shop.run(order)
    shop.cancel(order)
    shop.run_cancellation(order)
    shop.query("UPDATE gateway.ledger SET token = 'tok_approve'")  # the gateway's people have repaired it

    with pytest.raises(NotCancellableError):
        shop.cancel(order)
    assert shop.cancel(order, OPERATOR).status == 202
    assert shop.run_cancellation(order, "cancel-2") == "refunded"
    assert shop.money(order) == {"held": 0, "charged": 14998, "refunded": 14998}


def test_a_refund_that_the_gateway_refuses_reaches_a_person(shop: Shop) -> None:
    order = shop.place(payment_token="tok_undo_refused")
    shop.run(order)
    shop.cancel(order)

    assert shop.run_cancellation(order) == "compensation_failed"
    assert shop.status(order) == "compensation_failed"
    assert shop.notifier.alerts == [("Compensation failed", order)]
