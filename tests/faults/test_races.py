"""Something else happens between any two calls of an order's workflow, in another process."""

import functools
from collections.abc import Callable

import pytest

from chalicelib.domain.errors import NotCancellableError
from tests.faults.points import Points, install, second_process
from tests.faults.proof import bring_to_rest, check_at_rest, stock_of
from tests.shop import Shop

Interference = Callable[[Shop, str], object]


def cancel_only(other: Shop, order_id: str) -> None:
    try:
        other.cancel(order_id)
    except NotCancellableError:
        return


def cancel_and_carry_out(other: Shop, order_id: str) -> None:
    cancel_only(other, order_id)
    if other.order(order_id)["status"] != "capturing":  # there it waits, and is tried again
        other.run_cancellation(order_id)


def start_again(other: Shop, order_id: str) -> None:
    assert other.run(order_id, "exec-2") in ("already_running", "completed", "cancelled")


def take_for_dead_and_resume(other: Shop, order_id: str) -> None:
    """The sweeper takes a slow execution for dead: its successor and the zombie work side by side."""
    other.clock.advance(seconds=other.settings.sweep_after_seconds + 1)
    other.services.sweep_orders()
    other.run(order_id, "exec-2")


def take_for_dead_and_undo(other: Shop, order_id: str) -> None:
    detail = {"executionArn": "exec-1", "status": "ABORTED"}
    other.services.resume_or_compensate(detail)


INTERFERENCES: list[Interference] = [
    cancel_only, cancel_and_carry_out, start_again, take_for_dead_and_resume, take_for_dead_and_undo,
]  # fmt: skip


@pytest.mark.parametrize(
    "token", ["tok_approve", pytest.param("tok_timeout_after_charge_once", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("interference", INTERFERENCES)
def test_no_interference_at_any_moment_loses_money_or_stock(
    new_shop: Callable[[], Shop], interference: Interference, token: str
) -> None:
    with new_shop() as shop, second_process(shop) as other:
        opening, points = stock_of(shop), Points()
        install(shop, points, inside=False)
        ends, moment = set(), 0
        while True:
            order_id = shop.place(payment_token=token)
            shop.executions.running = set()
            points.at(moment, functools.partial(_interfere, interference, other, order_id))
            shop.run(order_id)
            if not points.happened():
                break
            points.off()
            bring_to_rest(other)
            ends.add(other.status(order_id))
            moment += 1
        bring_to_rest(other)
        check_at_rest(other, opening)
        assert moment > 12, "the workflow has more moments than that"
        assert ends <= EXPECTED[interference.__name__], ends


def _interfere(interference: Interference, other: Shop, order_id: str, name: str) -> None:
    interference(other, order_id)


EXPECTED = {
    "cancel_only": {"cancelled", "refunded"},
    "cancel_and_carry_out": {"cancelled", "refunded"},
    "start_again": {"completed"},
    "take_for_dead_and_resume": {"completed"},
    "take_for_dead_and_undo": {"completed", "failed"},
}
