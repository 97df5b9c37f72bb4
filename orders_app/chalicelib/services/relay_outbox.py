"""Publishes what the outbox holds; only what the bus accepted counts as published."""

from typing import Any

from chalicelib import logs
from chalicelib.config import Settings
from chalicelib.services.ports import BusPublisher, Clock, Database, UnitOfWorkFactory

_MOST_BATCHES = 50


def relay_outbox(
    uow: UnitOfWorkFactory,
    database: Database,
    bus: BusPublisher,
    clock: Clock,
    settings: Settings,
    order_id: str | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """Publish one order's events, or all that are due. Rows that another relay holds are left to it.

    Answers {"published", "rejected", "oldestUnpublishedSeconds"} (the last one only without `order_id`).
    """
    size = limit or settings.relay_batch
    published = rejected = 0
    for _ in range(1 if limit else _MOST_BATCHES):
        accepted, refused = _relay_batch(uow, bus, clock, size, order_id)
        published, rejected = published + accepted, rejected + refused
        # Look again until nothing is left: a short batch is no end, another relay may hold some of it, or may
        # have left an event because this one held the order's first.
        if not (accepted or refused) or (order_id and (refused or not database.has_unpublished(order_id))):
            break
    figures: dict[str, Any] = {"published": published, "rejected": rejected}
    if order_id is None:
        figures["oldestUnpublishedSeconds"] = _age(uow, clock)
    return figures


def _relay_batch(
    uow: UnitOfWorkFactory, bus: BusPublisher, clock: Clock, size: int, order_id: str | None
) -> tuple[int, int]:
    with uow() as tx:
        rows = tx.outbox.claim(size, clock(), order_id)
        if not rows:
            return 0, 0
        results = bus.publish([row.envelope for row in rows])
        pairs = list(zip(rows, results, strict=True))
        accepted = [row.id for row, result in pairs if result.accepted]
        refused = [(row, result.error or "") for row, result in pairs if not result.accepted]
        tx.outbox.published(accepted, clock())
        for row, error in refused:
            tx.outbox.rejected([row.id], error, clock())
            ids = {"order_id": row.order_id, "correlation_id": row.envelope.get("correlationId")}
            logs.warning("event not accepted", error, **ids, sequence=row.sequence)
    return len(accepted), len(refused)


def _age(uow: UnitOfWorkFactory, clock: Clock) -> float:
    with uow() as tx:
        oldest = tx.outbox.oldest_unpublished()
    return max(0.0, (clock() - oldest).total_seconds()) if oldest else 0.0
