"""What is accepted as an order and what is refused, with every bad field named."""

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.commands import ClaimOrder, CustomerInput, LineInput
from chalicelib.domain.errors import DatabaseUnavailableError, InvalidOrderError
from tests.faults.ablations import Delegate, with_repositories
from tests.shop import SETTINGS, Shop, an_order, lines

STRICT = replace(SETTINGS, admit_unpriced_orders=False, admit_foreign_orders=False)


def refused_fields(shop: Shop, **order: Any) -> list[str]:
    with pytest.raises(InvalidOrderError) as refusal:
        shop.services.place_order(an_order(**order))
    assert shop.query("SELECT count(*) FROM orders") == [(0,)]
    return [problem.field for problem in refusal.value.fields]


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_an_order_without_a_payment_token_is_refused_but_on_the_laptop(shop: Shop, stage: str) -> None:
    assert shop.services.place_order(an_order()).status == 202
    shop.rewire(settings=replace(SETTINGS, stage=stage))
    with pytest.raises(InvalidOrderError) as refusal:
        shop.services.place_order(an_order())
    assert [(one.field, one.problem) for one in refusal.value.fields] == [("/payment/token", "is required")]
    assert shop.services.place_order(an_order(payment_token="tok_approve")).status == 202
    foreign = {"orderId": "ORD-7", "customer": "Jane Doe", "amount": 50}
    assert shop.services.claim_order(ClaimOrder(foreign, "exec-1"))["outcome"] == "claimed"
    shop.rewire(settings=replace(SETTINGS, stage=stage, payment_gateway="a real one"))
    foreign["orderId"] = "ORD-8"  # the sandbox's token is none of a real gateway's
    assert shop.services.claim_order(ClaimOrder(foreign, "exec-2"))["outcome"] == "refused"


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        ({"lines": ()}, ["/items"]),
        ({"lines": lines(*[("Widget", 1)] * 101)}, ["/items"]),
        ({"lines": lines(*[("Gaming Console", 1_000_000)] * 100)}, ["/items"]),
        ({"lines": lines(("Widget", 0), ("Laptop", -1))}, ["/items/0/quantity", "/items/1/quantity"]),
        ({"lines": lines(("Widget", 1), ("Unheard Of", 1))}, ["/items/1/product"]),
        ({"lines": lines(("Miscellaneous", 1)), "amount": Decimal(5)}, ["/items/0/product"]),
        ({"lines": (LineInput("Widget", 1, Decimal("1.00")),)}, ["/items/0/unitPrice"]),
        (
            {"lines": (LineInput("Widget", 2, Decimal("74.99")),), "amount": Decimal("149.99")},
            ["/amount"],
        ),
        ({"amount": Decimal("149.985")}, ["/amount"]),
        ({"amount": Decimal("1e30")}, ["/amount"]),
        ({"amount": Decimal(0)}, ["/amount"]),
        ({"amount": Decimal(-5)}, ["/amount"]),
        ({"currency": "EUR"}, ["/currency"]),
    ],
)
def test_a_bad_order_is_refused_by_its_fields(shop: Shop, order: dict[str, Any], fields: list[str]) -> None:
    assert refused_fields(shop, **order) == fields


def test_where_declared_amounts_do_not_count_the_catalogue_decides(shop: Shop) -> None:
    shop.rewire(settings=STRICT)
    assert refused_fields(shop, amount=Decimal("149.99")) == ["/amount"]
    order = shop.place(amount=Decimal("149.98"))
    assert shop.order(order)["total"] == "149.98"


def test_a_declared_amount_is_allocated_to_the_lines_in_minor_units(shop: Shop) -> None:
    order = shop.place(lines=lines(("Widget", 1), ("Laptop", 1)), amount=Decimal("100.01"))
    amounts = [line["lineAmount"] for line in shop.order(order)["lines"]]
    assert amounts == ["20.01", "80.00"]
    assert shop.order(order)["total"] == "100.01"


def test_a_product_may_be_named_by_id_or_by_name_in_any_case(shop: Shop) -> None:
    order = shop.place(lines=lines(("P-1002", 1), ("laptop", 1), ("LAPTOP", 1)))
    assert {line["productId"] for line in shop.order(order)["lines"]} == {"P-1002"}


def test_a_customer_known_by_name_keeps_one_id_per_client(shop: Shop) -> None:
    first, second = (shop.order(shop.place())["customerId"] for _ in range(2))
    other = shop.order(shop.place(subject="bob"))["customerId"]
    named = shop.order(shop.place(customer=CustomerInput("Alice Johnson", id="C-7")))["customerId"]
    assert first == second
    assert other != first
    assert named == "C-7"


def test_orders_of_other_senders_are_admitted_only_where_the_stage_says_so(shop: Shop) -> None:
    raw = {"orderId": "ORD-1", "customer": "Test User", "amount": 50}
    shop.rewire(settings=STRICT)
    reply = shop.services.claim_order(ClaimOrder(raw, "exec-1"))
    assert (reply["outcome"], reply["reason"]) == ("refused", "refused")
    assert shop.query("SELECT count(*) FROM orders") == [(0,)]


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"orderId": "ORD-1"},
        {"orderId": "ORD 1", "customer": "A", "amount": 1},
        {"orderId": "ORD-1", "customer": 7, "amount": 1},
        {"orderId": "ORD-1", "customer": "A", "amount": "much"},
        {"orderId": "ORD-1", "customer": "A", "amount": True},
        {"orderId": "ORD-1", "customer": "A", "amount": 1, "items": "Widget"},
        {"orderId": "ORD-1", "customer": "A", "amount": 1, "items": [{"product": "Widget", "quantity": 1.5}]},
        {"orderId": "ORD-1", "customer": "A", "amount": 1, "items": [7]},
        {"orderId": "ORD-1", "customer": "A\0", "amount": 1},
        {"orderId": "ORD-1", "customer": "\ud800", "amount": 1},
        {"orderId": "ORD-1", "customer": "A", "amount": 1, "paymentToken": {"a": 1}},
        {"orderId": "ORD-1", "customer": "A", "amount": 1, "currency": ["USD"]},
        {"orderId": "ORD-1", "customer": "A", "amount": 1, "note": json.loads("[" * 900 + "]" * 900)},
    ],
)
def test_a_foreign_order_that_cannot_be_read_is_refused_not_a_fault(shop: Shop, raw: dict[str, Any]) -> None:
    assert shop.services.claim_order(ClaimOrder(raw, "exec-1"))["outcome"] == "refused"


@pytest.mark.parametrize(("token", "outcome"), [("tok_decline", "declined"), ("tok_approve", "authorised")])
def test_a_foreign_order_is_paid_with_its_own_token(shop: Shop, token: str, outcome: str) -> None:
    raw = {"orderId": "ORD-1", "customer": "Test User", "amount": 50, "payment": {"token": token}}
    assert shop.services.claim_order(ClaimOrder(raw, "exec-1"))["outcome"] == "claimed"
    assert shop.services.validate_payment(shop.task("ORD-1"))["outcome"] == outcome


def test_another_order_under_the_id_of_an_admitted_one_is_refused(shop: Shop) -> None:
    raw = {"orderId": "ORD-1", "customer": "Test User", "amount": 50}
    assert shop.services.claim_order(ClaimOrder(raw, "exec-1"))["outcome"] == "claimed"
    other = shop.services.claim_order(ClaimOrder(raw | {"amount": 51}, "exec-2"))
    assert (other["outcome"], other["reason"]) == ("refused", "idempotency-key-reused")


def test_a_foreign_order_cannot_take_the_id_of_a_placed_one(shop: Shop) -> None:
    order = shop.place()
    raw = {"orderId": order, "customer": "Mallory", "amount": 1}
    reply = shop.services.claim_order(ClaimOrder(raw, "exec-1"))
    assert (reply["outcome"], reply["reason"]) == ("refused", "order-exists")
    assert shop.status(order) == "placed"


def test_an_order_that_is_claimed_twice_has_one_owner(shop: Shop) -> None:
    order = shop.place()
    outcomes = [shop.claim(order, execution)["outcome"] for execution in ("e-1", "e-2", "e-1")]
    assert outcomes == ["claimed", "already_running", "claimed"]
    assert shop.services.validate_payment(shop.task(order, "e-2"))["outcome"] == "already_running"
    assert shop.run(order, "e-3") == "already_running"


def test_the_health_check_tells_which_part_is_ill(shop: Shop) -> None:
    assert shop.services.check_health() == {"status": "ok", "checks": {"database": "ok", "bus": "ok"}}
    shop.bus.down = OSError("no bus")
    checks = {"database": "ok", "bus": "unavailable"}
    assert shop.services.check_health() == {"status": "unavailable", "checks": checks}


def test_what_has_served_its_time_is_purged_and_the_log_stays(shop: Shop) -> None:
    order = shop.place(idempotency_key="k")
    shop.run(order)
    shop.services.relay_outbox()
    shop.consume()
    shop.query("UPDATE inbox SET received_at = %s", shop.clock())
    events = len(shop.events(order))
    assert shop.services.purge_expired() == {"keys": 0, "outbox": 0, "inbox": 0, "details": 0}
    shop.clock.advance(days=shop.settings.retention_days + 1)
    purged = {"keys": 1, "outbox": events, "inbox": events, "details": 0}
    assert shop.services.purge_expired() == purged
    assert len(shop.events(order)) == events


class Stubborn(Delegate):
    """An inbox that cannot be purged."""

    def purge(self, before: datetime) -> int:
        raise DatabaseUnavailableError("statement timeout")


def test_one_purge_that_fails_does_not_bring_back_what_another_removed(shop: Shop) -> None:
    shop.place(idempotency_key="k")
    shop.clock.advance(days=shop.settings.retention_days + 1)
    stubborn = with_repositories(shop.adapters, lambda tx: {"inbox": Stubborn(tx.inbox)})
    shop.rewire(uow=stubborn.uow)
    with pytest.raises(DatabaseUnavailableError):
        shop.services.purge_expired()
    assert shop.query("SELECT count(*) FROM idempotency_keys") == [(0,)]


def test_what_is_old_in_the_inbox_is_found_by_its_time(shop: Shop) -> None:
    shop.query(
        "INSERT INTO inbox SELECT 'c', n::text, now() - make_interval(mins => n)"
        " FROM generate_series(1, 20000) AS n"
    )
    shop.query("ANALYZE inbox")
    plan = shop.query("EXPLAIN DELETE FROM inbox WHERE received_at < now() - interval '19900 minutes'")
    assert any("inbox_by_time" in line for (line,) in plan)


DETAILS = ("contacts", "reservations", "effects", "gateway.attempts")


def detailed(shop: Shop) -> dict[str, set[str]]:
    """The orders of which each table still knows something."""
    order_of = {"gateway.attempts": "split_part(key, ':', 1)"}
    return {
        table: {row[0] for row in shop.query(f"SELECT {order_of.get(table, 'order_id')} FROM {table}")}
        for table in DETAILS
    }


def test_what_an_ended_order_needs_no_more_is_removed_and_the_rest_is_kept(shop: Shop) -> None:
    ended = shop.place(payment_token="tok_timeout_after_charge_once")
    assert shop.run(ended) == "completed"
    hanging = shop.place(payment_token="tok_undo_refused")
    shop.claim(hanging)
    shop.services.validate_payment(shop.task(hanging))
    shop.compensate(shop.task(hanging))
    assert shop.status(hanging) == "compensation_failed"
    under_way = shop.place()
    shop.claim(under_way)
    shop.services.validate_payment(shop.task(under_way))
    half_undone = shop.place(lines=lines(("Vintage Radio", 1)))
    shop.claim(half_undone)
    shop.services.validate_payment(shop.task(half_undone))
    assert shop.services.check_inventory(shop.task(half_undone))["outcome"] == "out_of_stock"
    before, events = detailed(shop), len(shop.events(ended))
    assert [ended in orders for orders in before.values()] == [True] * 4

    shop.clock.advance(days=shop.settings.order_retention_days)
    recent = shop.place()
    shop.run(recent)
    assert shop.services.purge_expired()["details"] == 0
    shop.clock.advance(seconds=1)
    assert shop.services.purge_expired()["details"] == 1
    after = detailed(shop)
    assert {table: orders - {recent} for table, orders in after.items()} == {
        table: orders - {ended} for table, orders in before.items()
    }
    assert recent in after["contacts"]
    assert (shop.order(ended)["customer"], shop.status(ended), len(shop.events(ended))) == (
        None, "completed", events,
    )  # fmt: skip


def test_the_currency_of_the_stage_is_the_only_one(shop: Shop) -> None:
    assert {product["currency"] for product in shop.services.list_products()["products"]} == {"USD"}
    names = [product["name"] for product in shop.services.list_products()["products"]]
    assert {"Widget", "Laptop", "Gaming Console", "Controller"} <= set(names)
    assert "Miscellaneous" not in names
