"""Reserves every line of the order in one transaction, or none."""

from datetime import timedelta

from chalicelib.domain import events
from chalicelib.domain.commands import OrderTask
from chalicelib.domain.order import Order, Status
from chalicelib.services.context import Answer, Context, answer, load
from chalicelib.services.ownership import standing
from chalicelib.services.place_order import units
from chalicelib.services.ports import UnitOfWork

EFFECT = "reservation"


def check_inventory(context: Context, task: OrderTask) -> Answer:
    """Outcomes: reserved, out_of_stock, cancelled, already_running; refused, if no payment was authorised."""
    with context.uow() as tx:
        order = load(tx, task.order_id)
        ended = standing(order, task)
        if ended is not None:
            return answer(order, ended, task)
        if order.status in (Status.RESERVED, Status.CAPTURING, Status.COMPLETED):
            return answer(order, "reserved", task)
        if order.status is Status.OUT_OF_STOCK:
            return answer(order, "out_of_stock", task)
        outcome = _reserve_all(context, tx, order)
        tx.orders.save(order)
        return answer(order, outcome, task)


def _reserve_all(context: Context, tx: UnitOfWork, order: Order) -> str:
    if not context.move(order, Status.RESERVED):
        return "refused"
    if not reserve(context, tx, order):
        return "out_of_stock"
    lasts_until = context.clock() + timedelta(seconds=context.settings.reservation_seconds)
    context.record(order, events.RESERVED, {"expiresAt": events.timestamp(lasts_until)})
    return "reserved"


def reserve(context: Context, tx: UnitOfWork, order: Order) -> bool:
    """Hold what the order needs; if something is short the order is out of stock and nothing is held."""
    expires = context.clock() + timedelta(seconds=context.settings.reservation_seconds)
    counted = {product.id for product in tx.stock.find(list(units(order))).values() if product.stocked}
    wanted = {product: quantity for product, quantity in units(order).items() if product in counted}
    if not wanted:
        return True
    short = tx.stock.reserve(order.id, wanted, expires)
    if short:
        order.reason = "out_of_stock"
        context.advance(order, Status.OUT_OF_STOCK, events.REJECTED, {"products": short})
        return False
    tx.effects.done(order.id, EFFECT, f"{order.id}:reserve")
    return True
