"""What schedules do besides recovery: give back expired reservations, purge what has served its time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from chalicelib.domain import events
from chalicelib.domain.order import Status
from chalicelib.services.context import Context, load
from chalicelib.services.ports import UnitOfWork

_BATCH = 500
_MOST_BATCHES = 100


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
    """Remove keys past their time, old outbox and inbox rows, and what ended orders need no more.

    The order itself, its lines, its events and its notifications stay. A transaction each: what one removed
    stays removed should another fail, and no lock is held for longer than it needs.
    """
    now = context.clock()
    before = now - timedelta(days=context.settings.retention_days)
    purges: dict[str, Callable[[UnitOfWork], int]] = {
        "keys": lambda tx: tx.keys.purge(now),
        "outbox": lambda tx: tx.outbox.purge(before),
        "inbox": lambda tx: tx.inbox.purge(before),
    }
    purged = {}
    for name, purge in purges.items():
        with context.uow() as tx:
            purged[name] = purge(tx)
    return {**purged, "details": _forget_details(context)}


def _forget_details(context: Context) -> int:
    """Of how many orders; short transactions, since each locks what it removes."""
    before = context.clock() - timedelta(days=context.settings.order_retention_days)
    forgotten = 0
    for _ in range(_MOST_BATCHES):
        with context.uow() as tx:
            count = tx.orders.forget_details(before, _BATCH)
        forgotten += count
        if count < _BATCH:
            break
    return forgotten
