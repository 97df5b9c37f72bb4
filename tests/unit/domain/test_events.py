"""Events: a contract. The envelope survives the wire, and old ones can still be read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain import events
from chalicelib.domain.events import CATALOGUE, Event
from chalicelib.domain.order import Status

OLD = """
{"id": "7f1c0d5e-0000-4000-8000-000000000001", "source": "order.service", "type": "Order Placed",
 "version": 1, "time": "2026-03-01T12:00:00.000000Z",
 "correlationId": "corr-1", "causationId": null, "orderId": "ORD-1",
 "sequence": 1, "data": {"customerId": "CUS-1", "subject": "alice", "currency": "USD", "region": null,
 "placedAt": "2026-03-01T12:00:00.000000Z", "total": "149.98", "lines": [], "admitted": false}}
"""


def test_an_envelope_reads_back_as_it_was_written() -> None:
    event = Event(
        "e", events.FAILED, datetime(2026, 3, 1, tzinfo=UTC), "ORD-1", 4, "corr", None, {"reason": "x"}
    )
    assert Event.parse(json.loads(json.dumps(event.envelope()))) == event


def test_an_old_envelope_can_still_be_read() -> None:
    event = Event.parse(json.loads(OLD))
    assert (event.type, event.sequence, event.data["total"]) == ("Order Placed", 1, "149.98")
    assert event.envelope() == json.loads(OLD)
    assert set(CATALOGUE[events.PLACED].data) == set(event.data)


@pytest.mark.parametrize("change", [{"source": "other"}, {"time": None}, {"version": None}])
def test_what_is_no_envelope_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match=r"."):
        Event.parse({**json.loads(OLD), **change})


def test_a_foreign_order_is_no_envelope() -> None:
    assert not events.is_envelope({"orderId": "ORD-001", "customer": "Jane Doe", "amount": 149.99})


def test_every_status_that_an_event_leads_to_exists_and_every_event_says_when() -> None:
    for kind in CATALOGUE.values():
        assert kind.status is None or kind.status in set(Status)
        assert kind.when.endswith(".")
