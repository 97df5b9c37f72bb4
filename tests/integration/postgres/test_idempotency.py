"""The same key makes one order, however often and however at once it is sent."""

import hashlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.domain.commands import CancelOrder, ClaimOrder, Principal, Reply
from chalicelib.domain.errors import (
    InvalidOrderError,
    KeyReusedError,
    OrderBusyError,
    RequestInProgressError,
    UnknownOrderError,
)
from tests.shop import ALICE, Shop, an_order, lines


def test_the_same_key_and_body_replay_the_stored_reply(shop: Shop) -> None:
    first = shop.services.place_order(an_order(idempotency_key="k"))
    second = shop.services.place_order(an_order(idempotency_key="k"))

    assert (second.status, second.body, second.replayed) == (first.status, first.body, True)
    assert not first.replayed
    assert shop.query("SELECT count(*) FROM orders") == [(1,)]


def test_another_body_under_the_same_key_is_refused(shop: Shop) -> None:
    shop.services.place_order(an_order(idempotency_key="k"))
    with pytest.raises(KeyReusedError):
        shop.services.place_order(an_order(idempotency_key="k", fingerprint="body-2"))


def test_another_client_may_use_the_same_key(shop: Shop) -> None:
    mine = shop.services.place_order(an_order(idempotency_key="k"))
    yours = shop.services.place_order(an_order(idempotency_key="k", subject="bob"))
    assert mine.body["orderId"] != yours.body["orderId"]


def test_a_key_is_free_again_after_its_time(shop: Shop) -> None:
    first = shop.services.place_order(an_order(idempotency_key="k"))
    shop.clock.advance(hours=24, seconds=1)
    second = shop.services.place_order(an_order(idempotency_key="k", fingerprint="body-2"))
    assert first.body["orderId"] != second.body["orderId"]


def test_a_refused_request_is_not_stored_under_its_key(shop: Shop) -> None:
    with pytest.raises(InvalidOrderError):
        shop.services.place_order(an_order(idempotency_key="k", lines=lines(("Unheard Of", 1))))
    assert shop.services.place_order(an_order(idempotency_key="k", fingerprint="repaired")).status == 202


def cancel(shop: Shop, order: str, key: str | None = "k", fingerprint: str = "body-1") -> Reply:
    command = CancelOrder(order, ALICE, "corr-2", idempotency_key=key, fingerprint=fingerprint)
    return shop.services.cancel_order(command)


def test_a_cancellation_under_the_same_key_replays_its_first_answer(shop: Shop) -> None:
    order = shop.place()
    first = cancel(shop, order)
    assert (first.status, first.replayed) == (202, False)
    shop.run_cancellation(order)
    again = cancel(shop, order)
    assert (again.status, again.body, again.replayed) == (202, first.body, True)
    assert (cancel(shop, order, key=None).status, cancel(shop, order, "other").status) == (200, 200)
    assert shop.types(order).count("Order Cancellation Requested") == 1


def test_another_body_under_the_key_of_a_cancellation_is_refused(shop: Shop) -> None:
    order = shop.place()
    cancel(shop, order)
    with pytest.raises(KeyReusedError):
        cancel(shop, order, fingerprint="body-2")


def test_a_key_of_one_cancellation_says_nothing_of_another_order_or_of_placing(shop: Shop) -> None:
    orders = [shop.place(idempotency_key="k"), shop.place()]
    assert [cancel(shop, order).body["orderId"] for order in orders] == orders
    assert shop.services.place_order(an_order(idempotency_key="k")).body["orderId"] == orders[0]


def test_a_refused_cancellation_is_not_stored_under_its_key(shop: Shop) -> None:
    order = shop.place()
    with pytest.raises(UnknownOrderError):
        shop.services.cancel_order(CancelOrder(order, Principal("bob"), "corr-2", idempotency_key="k"))
    assert shop.query("SELECT count(*) FROM idempotency_keys WHERE operation <> 'place_order'") == [(0,)]
    assert cancel(shop, order).status == 202


def test_a_request_whose_first_one_still_runs_is_told_so(shop: Shop) -> None:
    digest = hashlib.sha256(b'["alice", "place_order", "k"]').digest()
    lock = int.from_bytes(digest[:8], "big", signed=True)
    shop.query("SELECT pg_advisory_lock(%s)", lock)
    with pytest.raises(RequestInProgressError):
        shop.services.place_order(an_order(idempotency_key="k"))
    shop.query("SELECT pg_advisory_unlock(%s)", lock)
    assert shop.services.place_order(an_order(idempotency_key="k")).status == 202


def test_a_foreign_order_that_is_just_being_admitted_is_tried_again(shop: Shop) -> None:
    digest = hashlib.sha256(b'["bus", "place_order", "ORD-1"]').digest()
    shop.query("SELECT pg_advisory_lock(%s)", int.from_bytes(digest[:8], "big", signed=True))
    with pytest.raises(OrderBusyError):
        shop.services.claim_order(ClaimOrder({"orderId": "ORD-1", "customer": "A", "amount": 1}, "exec-1"))


def test_200_concurrent_requests_with_one_key_make_one_order(shop: Shop) -> None:
    def place(_: int) -> str:
        try:
            reply = shop.services.place_order(an_order(idempotency_key="k"))
            return "replayed" if reply.replayed else "placed"
        except RequestInProgressError:
            return "told to wait"

    with ThreadPoolExecutor(20) as pool:
        outcomes = Counter(pool.map(place, range(200)))

    assert outcomes["placed"] == 1, outcomes
    assert outcomes.total() == 200
    assert shop.query("SELECT count(*) FROM orders") == [(1,)]
    assert shop.query("SELECT count(*) FROM event_log") == [(1,)]
