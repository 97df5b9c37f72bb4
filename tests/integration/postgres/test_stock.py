"""Stock: all or nothing, never below zero, given back when a reservation lapses."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from chalicelib.domain.commands import PlaceOrder
from tests.fakes import START
from tests.shop import Shop, an_order, lines


def test_1000_buyers_of_100_units_buy_exactly_100(shop: Shop) -> None:
    """To the end of each order, by the gateway's ledger: who does not get one pays nothing."""
    shop.set_stock("Signed Print", 100)

    def order(number: int) -> PlaceOrder:
        return an_order(lines=lines(("Signed Print", 1)), correlation_id=f"corr-{number}")

    def buy(number: int) -> str:
        return shop.run(shop.services.place_order(order(number)).body["orderId"])

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(buy, range(1000)))

    assert outcomes == {"completed": 100, "out_of_stock": 900}
    assert shop.stock("Signed Print") == (0, 0)
    ledger = shop.query(
        "SELECT kind, state, count(*), count(DISTINCT order_ref), sum(amount) FROM gateway.ledger"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert [(kind, state, orders, number) for kind, state, number, orders, _ in ledger] == [
        ("authorise", "approved", 100, 100),
        ("authorise", "voided", 900, 900),
        ("capture", "approved", 100, 100),
        ("void", "approved", 900, 900),
    ]
    assert next(total for kind, _, _, _, total in ledger if kind == "capture") == 100 * 12000
    held = "SELECT count(*) FROM reservations WHERE state = 'held'"
    undone = "SELECT count(*) FROM effects WHERE state IN ('registered', 'done')"
    assert [shop.query(held), shop.query(undone)] == [[(0,)], [(0,)]]


def test_nothing_is_reserved_if_one_line_is_short(shop: Shop) -> None:
    order = shop.place()
    with shop.adapters.uow() as tx:
        short = tx.stock.reserve(order, {"P-1001": 1, "P-2002": 1}, START)
    assert short == ["P-2002"]
    assert shop.stock("Widget") == (1_000_000, 0)


def test_an_order_is_placed_while_stock_of_its_products_is_moved(database_url: str) -> None:
    """Its lines refer to them: if they had to wait for each other, both ways at once would be a deadlock."""
    with Shop(f"{database_url}&options=-c%20lock_timeout%3D1s") as shop:
        order = shop.place(lines=lines(("Signed Print", 1), ("Widget", 1)))
        with shop.adapters.uow() as tx:
            assert tx.stock.reserve(order, {"P-1001": 1, "P-2001": 1}, START) == []
            shop.place(lines=lines(("Signed Print", 1), ("Widget", 1)))
        with shop.adapters.uow() as tx:
            assert tx.stock.release(order) == 2
            shop.place(lines=lines(("Signed Print", 1), ("Widget", 1)))


def test_the_database_itself_refuses_stock_below_zero(shop: Shop) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        shop.set_stock("Widget", -1)


def test_lines_of_the_same_product_are_reserved_together(shop: Shop) -> None:
    shop.set_stock("Signed Print", 3)
    order = shop.place(lines=lines(("Signed Print", 2), ("P-2001", 2)))
    assert shop.run(order) == "out_of_stock"
    assert shop.stock("Signed Print") == (3, 0)


def test_an_expired_reservation_gives_its_stock_back(shop: Shop) -> None:
    order = _reserved(shop)
    shop.clock.advance(seconds=shop.settings.reservation_seconds)

    assert shop.services.expire_reservations()["expired"] == 1
    assert shop.stock("Signed Print") == (100, 0)
    assert shop.types(order)[-1] == "Reservation Expired"
    assert shop.services.expire_reservations()["expired"] == 0


def test_an_order_whose_reservation_expired_reserves_again_before_it_completes(shop: Shop) -> None:
    order = _reserved(shop)
    shop.clock.advance(seconds=shop.settings.reservation_seconds)
    shop.services.expire_reservations()

    assert shop.services.process_order(shop.task(order))["outcome"] == "completed"
    assert shop.stock("Signed Print") == (98, 0)


def test_an_order_whose_reservation_expired_cannot_complete_without_stock(shop: Shop) -> None:
    order = _reserved(shop)
    shop.clock.advance(seconds=shop.settings.reservation_seconds)
    shop.services.expire_reservations()
    shop.set_stock("Signed Print", 1)

    assert shop.services.process_order(shop.task(order))["outcome"] == "out_of_stock"
    assert shop.compensate(shop.task(order))["outcome"] == "out_of_stock"
    assert shop.money(order) == {"held": 0, "charged": 0, "refunded": 0}
    assert shop.stock("Signed Print") == (1, 0)


def test_a_reservation_does_not_expire_while_its_order_is_captured(shop: Shop) -> None:
    order = _reserved(shop)
    shop.query("UPDATE orders SET status = 'capturing' WHERE id = %s", order)
    shop.clock.advance(seconds=shop.settings.reservation_seconds)
    assert shop.services.expire_reservations() == {"examined": 0, "expired": 0}
    assert shop.stock("Signed Print") == (98, 2)


def test_reservations_that_may_not_expire_do_not_hold_up_those_that_may(shop: Shop) -> None:
    waiting, order = _reserved(shop), _reserved(shop)
    shop.query("UPDATE orders SET status = 'compensation_failed' WHERE id = %s", waiting)
    copied = (  # as many as are looked at in one go, all older
        "INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', 'OLD-' || n))).*"
        " FROM orders o, generate_series(1, 600) n WHERE o.id = %s"
    )
    shop.query(copied, waiting)
    shop.query(
        "INSERT INTO reservations SELECT o.id, product_id, quantity, 'held', expires_at - interval '1 day'"
        " FROM orders o, reservations r WHERE o.id LIKE 'OLD-%%' AND r.order_id = %s", waiting,
    )  # fmt: skip
    shop.clock.advance(seconds=shop.settings.reservation_seconds)
    assert shop.services.expire_reservations() == {"examined": 1, "expired": 1}
    assert shop.types(order)[-1] == "Reservation Expired"


def _reserved(shop: Shop) -> str:
    order = shop.place(lines=lines(("Signed Print", 2)))
    shop.claim(order)
    shop.services.validate_payment(shop.task(order))
    assert shop.services.check_inventory(shop.task(order))["outcome"] == "reserved"
    return order
