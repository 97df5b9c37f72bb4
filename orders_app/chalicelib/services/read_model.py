"""Keeps the read model: events folded in once each, or all of them again from the log."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.events import Event
from chalicelib.services.ports import UnitOfWorkFactory

CONSUMER = "read-model"
_PAGE = 1000


def apply_event_to_read_model(
    uow: UnitOfWorkFactory, envelopes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Fold in what is new, in one transaction. Raises ValueError on an envelope that cannot be read."""
    events = {event.id: event for event in map(Event.parse, envelopes)}
    with uow() as tx:
        tx.read_model.shared()
        # Sorted, so that two batches with the same events wait for each other in one order.
        first = tx.inbox.first_times(CONSUMER, sorted(events))
        new = [events[id] for id in sorted(first)]
        tx.read_model.apply(new)
    return {"applied": len(new), "repeated": len(envelopes) - len(new)}


def rebuild_read_model(uow: UnitOfWorkFactory) -> dict[str, Any]:
    """Make the read model again from the event log; events still on their way then count as repeated."""
    position = count = 0
    with uow() as tx:
        tx.read_model.exclusive()
        tx.read_model.clear()
        while page := tx.event_log.after(position, _PAGE):
            tx.inbox.first_times(CONSUMER, [event.id for _, event in page])
            tx.read_model.apply([event for _, event in page])
            position, count = page[-1][0], count + len(page)
    return {"events": count}
