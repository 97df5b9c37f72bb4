"""The read model: the same whatever the order and number of deliveries, and the same again from the log."""

import random
import subprocess
import sys
from pathlib import Path

from chalicelib.domain.commands import ListOrders, Principal
from tests.shop import ALICE, OPERATOR, Shop

ROOT = Path(__file__).resolve().parents[3]


def orders_of_all_kinds(shop: Shop) -> list[str]:
    tokens = ["tok_approve", "tok_decline", "tok_approve", "tok_capture_refused"]
    ids = [shop.place(payment_token=token) for token in tokens]
    for order in ids:
        shop.run(order)
    shop.cancel(ids[2])
    shop.run_cancellation(ids[2])
    shop.services.relay_outbox()
    return ids


def test_every_message_one_to_five_times_in_any_order_gives_the_same_rows(shop: Shop) -> None:
    orders_of_all_kinds(shop)
    shop.consume()
    expected = shop.read_model()
    chance = random.Random(7)
    for _ in range(3):
        shop.query("TRUNCATE inbox, read_model.orders, read_model.sales")
        messages = [e for e in shop.bus.accepted for _ in range(chance.randint(1, 5))]
        chance.shuffle(messages)
        for start in range(0, len(messages), 7):
            shop.consume(messages[start : start + 7])
        assert shop.read_model() == expected
    sales = [row[2:] for row in expected["sales"]]
    assert sales == [(2, 1, 29996, 14998)]


def test_a_rebuilt_read_model_equals_the_live_one(shop: Shop) -> None:
    orders_of_all_kinds(shop)
    shop.consume()
    live = shop.read_model()
    shop.query("UPDATE read_model.orders SET status = 'nonsense'")
    assert shop.services.rebuild_read_model()["events"] == len(shop.bus.accepted)
    assert shop.read_model() == live
    shop.consume()  # what was still on its way counts no second time
    assert shop.read_model() == live


def test_a_command_rebuilds_it(shop: Shop) -> None:
    shop.place()
    options = ["--stage", "local", "--database-url", shop.url]
    command = [sys.executable, "-m", "scripts.rebuild_read_model", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "read model rebuilt from 1 events\n"
    assert shop.query("SELECT count(*) FROM read_model.orders") == [(1,)]


def test_its_statuses_are_those_of_the_orders(shop: Shop) -> None:
    for order in orders_of_all_kinds(shop):
        shop.consume()
        [(status,)] = shop.query("SELECT status FROM read_model.orders WHERE order_id = %s", order)
        assert status == shop.status(order)


def test_a_list_is_paged_newest_first_and_filtered(shop: Shop) -> None:
    ids = []
    for _ in range(5):
        shop.clock.advance(seconds=1)
        ids.append(shop.place())
    bobs = shop.place(subject="bob")
    shop.run(ids[0])
    shop.consume()

    seen, cursor = [], None
    while True:
        page = shop.services.list_orders(ListOrders(ALICE, cursor=cursor, limit=2))
        seen += [order["orderId"] for order in page["orders"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    completed = shop.services.list_orders(ListOrders(ALICE, status="completed"))["orders"]
    assert [order["orderId"] for order in completed] == [ids[0]]
    everything = shop.services.list_orders(ListOrders(OPERATOR))["orders"]
    assert {order["orderId"] for order in everything} == {*ids, bobs}
    assert shop.services.list_orders(ListOrders(Principal("carol")))["orders"] == []


def test_a_list_can_be_filtered_by_the_customers_id_or_name(shop: Shop) -> None:
    order = shop.place()
    shop.consume()
    for customer in ("Alice Johnson", shop.order(order)["customerId"]):
        found = shop.services.list_orders(ListOrders(ALICE, customer=customer))["orders"]
        assert [one["orderId"] for one in found] == [order]
    assert shop.services.list_orders(ListOrders(ALICE, customer="Nobody"))["orders"] == []
