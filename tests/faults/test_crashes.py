"""A process that dies at any moment: no order lost, none charged twice, none stuck, no unit oversold."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.points import Points, ProcessDied, install, second_process
from tests.faults.proof import bring_to_rest, check_at_rest, stock_of
from tests.shop import Shop, an_order

Order = dict[str, Any]
STORIES: dict[str, tuple[Order, bool]] = {
    "completed": ({"payment_token": "tok_approve"}, False),
    "paid, then cancelled": ({"payment_token": "tok_approve"}, True),
    "charged without an answer": ({"payment_token": "tok_timeout_after_charge_once"}, False),
    "capture refused": ({"payment_token": "tok_capture_refused"}, False),
}


def points_of(shop: Shop, cancel: bool, order: Order) -> int:
    counted = Points()
    install(shop, counted)
    tell(shop, cancel, order)
    return len(counted.passed)


@pytest.mark.parametrize(
    "story",
    [
        "completed",
        "paid, then cancelled",
        pytest.param("charged without an answer", marks=pytest.mark.slow),
        pytest.param("capture refused", marks=pytest.mark.slow),
    ],
)
def test_a_process_may_die_at_any_moment(new_shop: Callable[[], Shop], story: str) -> None:
    told, cancel = STORIES[story]
    with new_shop() as shop:
        moments = points_of(shop, cancel, told)
    with new_shop() as shop:
        opening, ids = stock_of(shop), set()
        points = Points()
        healthy = second_process(shop)
        install(shop, points)
        for moment in range(moments):
            points.die_at(moment)
            order = {**told, "idempotency_key": f"key-{moment}"}
            with pytest.raises(ProcessDied):
                tell(shop, cancel, order)
            shop.close()
            points.off()
            reply = healthy.services.place_order(an_order(**order))  # the client asks again
            ids.add(reply.body["orderId"])
            bring_to_rest(healthy)
        check_at_rest(healthy, opening)
        assert len(ids) == moments
        assert healthy.query("SELECT count(*) FROM orders") == [(moments,)]
        healthy.close()


def tell(shop: Shop, cancel: bool, order: Order) -> None:
    order_id = shop.place(**order)
    shop.run(order_id)
    if cancel:
        shop.cancel(order_id)
        shop.run_cancellation(order_id)
