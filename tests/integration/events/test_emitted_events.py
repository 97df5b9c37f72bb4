"""Every event that the application really emits is as the catalogue says, and replays."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain import events
from chalicelib.domain.errors import MessageRefusedError
from chalicelib.services import lake_records
from scripts import event_catalogue
from tests.shop import Shop, lines

FIXTURES = sorted((event_catalogue.ROOT / "tests" / "fixtures" / "events").glob("*.v*.json"))
Envelope = dict[str, Any]


def tell_every_story(shop: Shop) -> None:
    """Orders that together make every kind of event happen."""
    completed = shop.place()
    shop.run(completed)
    shop.services.record_compensation_failure(
        shop.task(completed, error="TooLate")
    )  # refused: it is complete
    shop.cancel(completed)
    shop.run_cancellation(completed)

    shop.run(shop.place(payment_token="tok_decline"))
    shop.run(shop.place(lines=lines(("Vintage Radio", 1))))
    shop.run(shop.place(payment_token="tok_capture_refused"))

    cancelled = shop.place()
    shop.cancel(cancelled)
    shop.run_cancellation(cancelled, "cancel-2")

    stuck = shop.place(payment_token="tok_undo_refused")
    shop.run(stuck)
    shop.cancel(stuck)
    shop.run_cancellation(stuck, "cancel-3")

    shop.notifier.fault = MessageRefusedError("no such mailbox")
    shop.run(shop.place())
    shop.notifier.fault = None

    orphan = shop.place()
    shop.claim(orphan, "exec-9")
    shop.services.resume_or_compensate({"executionArn": "exec-9", "status": "FAILED"})
    shop.claim(orphan, "exec-10")
    shop.services.validate_payment(shop.task(orphan, "exec-10"))
    shop.services.check_inventory(shop.task(orphan, "exec-10"))
    shop.clock.advance(hours=1)
    shop.services.expire_reservations()
    shop.services.relay_outbox()


def emitted(shop: Shop) -> Iterator[Envelope]:
    """What went out, as consumers read it: through JSON."""
    for envelope in shop.bus.accepted:
        yield json.loads(json.dumps(envelope))


def test_every_emitted_event_is_as_the_catalogue_says_and_every_kind_is_emitted(shop: Shop) -> None:
    tell_every_story(shop)
    assert {event["type"] for event in emitted(shop)} == set(events.CATALOGUE)
    assert {
        event["type"]: found for event in emitted(shop) if (found := event_catalogue.problems(event))
    } == {}


def test_no_event_carries_personal_data(shop: Shop) -> None:
    tell_every_story(shop)
    text = json.dumps(list(emitted(shop)))
    assert "Alice Johnson" not in text
    assert "alice@example.com" not in text
    assert "tok_" not in text


def test_live_and_replayed_lake_records_are_the_same(shop: Shop) -> None:
    tell_every_story(shop)
    live = list(emitted(shop))
    logged = [event.envelope() for event in everything_logged(shop)]
    assert sorted(lake_records.files(live)) == sorted(lake_records.files(logged))


def everything_logged(shop: Shop) -> list[events.Event]:
    with shop.adapters.uow() as tx:
        return [event for _, event in tx.event_log.after(0, 10_000)]


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.name)
def test_old_event_still_replays(file: Any, shop: Shop) -> None:
    old = json.loads(file.read_text())

    assert events.Event.parse(old).envelope() == old
    figures = shop.services.apply_event_to_read_model([old])
    shop.services.export_to_lake([old])
    shop.services.count_outcome(old)

    assert figures == {"applied": 1, "repeated": 0}
    sale = old["type"] in lake_records.STATUS
    assert len(shop.lake.objects) == (1 if sale else 0)


def test_every_event_names_what_led_to_it(shop: Shop) -> None:
    """The request, of placing (corr-1) or cancelling (corr-2), else the order's event before it."""
    tell_every_story(shop)
    before: dict[str, str] = {}
    requests = {"Order Placed": "corr-1", "Order Cancellation Requested": "corr-2"}
    for event in sorted(
        (event for (order,) in shop.query("SELECT id FROM orders") for event in shop.events(order)),
        key=lambda event: (event["orderId"], event["sequence"]),
    ):
        assert event["causationId"] == requests.get(event["type"], before.get(event["orderId"])), event
        before[event["orderId"]] = event["id"]
    assert len(before) > 5
