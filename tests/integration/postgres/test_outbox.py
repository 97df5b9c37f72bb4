"""The relay: only what the bus accepted counts as published, and an order's events go out in their order."""

import threading
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from chalicelib.domain.errors import ThrottledError
from tests.shop import Shop, an_order


def unpublished(shop: Shop) -> int:
    return int(shop.query("SELECT count(*) FROM outbox WHERE published_at IS NULL")[0][0])


def test_only_accepted_entries_are_marked_and_the_rest_is_tried_again_later(shop: Shop) -> None:
    first, second = (shop.services.place_order(an_order()).body["orderId"] for _ in range(2))
    shop.bus.refuse = lambda envelope: "InternalFailure" if envelope["orderId"] == first else None

    figures = shop.services.relay_outbox()
    assert (figures["published"], figures["rejected"], unpublished(shop)) == (1, 1, 1)
    assert shop.bus.types(second) == ["Order Placed"]

    shop.bus.refuse = lambda envelope: None
    assert shop.services.relay_outbox()["published"] == 0  # not yet: it waits a little
    shop.clock.advance(seconds=5)
    assert shop.services.relay_outbox()["published"] == 1
    assert shop.query("SELECT attempts, last_error FROM outbox WHERE order_id = %s", first) == [
        (1, "InternalFailure")
    ]


def test_later_events_of_an_order_wait_for_its_rejected_one(shop: Shop) -> None:
    order = shop.services.place_order(an_order()).body["orderId"]
    shop.bus.refuse = lambda envelope: "throttled"
    shop.services.relay_outbox()
    shop.bus.refuse = lambda envelope: None
    shop.run(order)
    shop.bus.accepted.clear()

    shop.services.relay_outbox()
    shop.clock.advance(minutes=11)
    shop.services.relay_outbox()
    sequences = [envelope["sequence"] for envelope in shop.bus.accepted]
    assert sequences == sorted(sequences)


def test_a_bus_that_is_down_leaves_every_row(shop: Shop) -> None:
    shop.services.place_order(an_order())
    shop.bus.down = ThrottledError("no bus")
    with pytest.raises(ThrottledError):
        shop.services.relay_outbox()
    assert unpublished(shop) == 1


def test_the_age_of_the_oldest_unpublished_event_is_told(shop: Shop) -> None:
    assert shop.services.relay_outbox()["oldestUnpublishedSeconds"] == 0
    shop.services.place_order(an_order())
    shop.clock.advance(seconds=90)
    shop.bus.refuse = lambda envelope: "throttled"
    assert shop.services.relay_outbox()["oldestUnpublishedSeconds"] == 90


def test_two_relays_at_once_publish_each_event_once(shop: Shop) -> None:
    for _ in range(40):
        shop.services.place_order(an_order())
    start = threading.Barrier(4)

    def relay() -> None:
        start.wait()
        shop.services.relay_outbox()

    threads = [threading.Thread(target=relay) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shop.services.relay_outbox()
    ids = [envelope["id"] for envelope in shop.bus.accepted]
    assert len(ids) == len(set(ids)) == 40


def test_a_relay_that_finds_an_orders_first_event_held_leaves_the_order_alone(shop: Shop) -> None:
    order = shop.services.place_order(an_order()).body["orderId"]
    shop.claim(order)
    with shop.services_uow() as tx:
        held = tx.outbox.claim(1, shop.clock())
        assert [row.sequence for row in held] == [1]
        claimed: list[Any] = []

        def other() -> None:
            with shop.services_uow() as theirs:
                claimed.extend(theirs.outbox.claim(10, shop.clock()))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert claimed == []


COPY = """
WITH numbered AS (SELECT o, n FROM orders o, generate_series(1, %(orders)s) n WHERE o.id = %(of)s),
made AS (
    INSERT INTO orders
    SELECT (jsonb_populate_record(o, jsonb_build_object('id', %(prefix)s || n))).* FROM numbered
    RETURNING id),
logged AS (
    INSERT INTO event_log (order_id, sequence, event_id, type, envelope)
    SELECT made.id, s, made.id || s, l.type, l.envelope || jsonb_build_object('id', made.id || s)
    FROM made, event_log l, generate_series(1, %(events)s) s WHERE l.order_id = %(of)s
    RETURNING order_id, sequence, event_id)
INSERT INTO outbox (order_id, sequence, event_id, created_at, next_attempt_at)
SELECT order_id, sequence, event_id, %(now)s,
       CASE WHEN sequence < %(events)s THEN %(now)s + interval '1 hour' ELSE %(now)s END
FROM logged ORDER BY sequence DESC, order_id
"""


def test_events_that_wait_for_others_do_not_hold_up_those_that_wait_for_none(shop: Shop) -> None:
    """A full batch of the oldest rows is due, but each has an earlier event of its order before it."""
    values = {"of": shop.place(), "now": shop.clock()}
    with psycopg.connect(shop.url) as connection:
        for prefix, orders, events in (("BLOCKED-", 200, 2), ("DUE-", 1000, 1)):
            connection.execute(COPY, {**values, "prefix": prefix, "orders": orders, "events": events})
    assert shop.services.relay_outbox()["published"] == 1000
    assert unpublished(shop) == 400


def test_a_batch_that_the_bus_refuses_whole_does_not_hold_up_the_next(shop: Shop) -> None:
    shop.rewire(settings=replace(shop.settings, relay_batch=2))
    orders = [shop.services.place_order(an_order()).body["orderId"] for _ in range(4)]
    shop.bus.refuse = lambda envelope: "throttled" if envelope["orderId"] in orders[:2] else None
    figures = shop.services.relay_outbox()
    assert (figures["published"], figures["rejected"]) == (2, 2)


def test_events_carry_no_personal_data(shop: Shop) -> None:
    order = shop.place()
    shop.run(order)
    shop.services.relay_outbox()
    text = str(shop.bus.accepted)
    assert "Order Completed" in text
    for word in ("Alice", "alice@example.com", "tok_"):
        assert word not in text
