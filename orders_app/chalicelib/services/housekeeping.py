"""What schedules do besides recovery: give back expired reservations, purge what has served its time."""

from datetime import timedelta
from typing import Any

from chalicelib.domain import events
from chalicelib.domain.order import Status
from chalicelib.services.context import Context, load

_BATCH = 500


def expire_reservations(context: Context) -> dict[str, Any]:
    """Stock of lapsed reservations goes back; such an order must reserve again before it can complete."""
    with context.uow() as tx:
        lapsed = tx.stock.expired_orders(context.clock(), _BATCH)
    return {"examined": len(lapsed), "expired": sum(_expire(context, order_id) for order_id in lapsed)}


def _expire(context: Context, order_id: str) -> int:
    with context.uow() as tx:
        order = load(tx, order_id)
        # While capturing it is past the point of no return; while being undone its undo releases it.
        if order.status is not Status.RESERVED or not tx.stock.expire(order_id):
            return 0
        context.record(order, events.RESERVATION_EXPIRED, {})
        tx.orders.save(order)
    return 1


def purge_expired(context: Context) -> dict[str, Any]:
    """Remove keys past their time, and old outbox and inbox rows; the event log stays."""
    now = context.clock()
    before = now - timedelta(days=context.settings.retention_days)
    with context.uow() as tx:
        return {
            "keys": tx.keys.purge(now),
            "outbox": tx.outbox.purge(before),
            "inbox": tx.inbox.purge(before),
        }
