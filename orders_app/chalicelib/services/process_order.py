"""Captures the payment and commits the stock: the point of no return."""

from chalicelib.domain import events
from chalicelib.domain.commands import OrderTask
from chalicelib.domain.errors import PaymentRefusedError
from chalicelib.domain.order import Order, Status
from chalicelib.services.check_inventory import reserve
from chalicelib.services.context import Answer, Context, answer, load, settled
from chalicelib.services.ownership import standing
from chalicelib.services.ports import PaymentGateway, UnitOfWork

EFFECT = "capture"


def process_order(context: Context, gateway: PaymentGateway, task: OrderTask) -> Answer:
    """Outcomes: completed, cancelled, out_of_stock (the reservation had expired), already_running;
    refused, if nothing is reserved.

    Raises GatewayTimeoutError to be retried, PaymentRefusedError to be compensated.
    """
    key = f"{task.order_id}:capture"
    with context.uow() as tx:
        order = load(tx, task.order_id)
        ended = standing(order, task) or _begin(context, tx, order, key)
        if ended is not None:
            return answer(order, ended, task, tx if ended == "completed" else None)
    result = settled(lambda: gateway.capture(key, f"{order.id}:authorise"), gateway, key)
    if result.state != "approved":
        raise PaymentRefusedError(f"capture {key!r} is {result.state}")
    with context.uow() as tx:
        order = load(tx, task.order_id)
        ended = standing(order, task)
        if ended is None:
            ended = _complete(context, tx, order)
        reply = answer(order, ended, task, tx if ended == "completed" else None)
    context.publish(order.id)
    return reply


def _begin(context: Context, tx: UnitOfWork, order: Order, key: str) -> str | None:
    """Pass the point of no return; None if the capture is to be made (again)."""
    if order.status in (Status.COMPLETED, Status.OUT_OF_STOCK):
        return str(order.status)
    if order.status is Status.CAPTURING:
        return None
    lapsed = order.status is Status.RESERVED and tx.stock.lapsed(order.id)
    if lapsed and not reserve(context, tx, order):
        tx.orders.save(order)
        return "out_of_stock"
    allowed = context.move(order, Status.CAPTURING)
    if allowed:
        tx.effects.register(order.id, EFFECT, key)
        order.updated_at = context.clock()
    tx.orders.save(order)
    return None if allowed else "refused"


def _complete(context: Context, tx: UnitOfWork, order: Order) -> str:
    """Commit the stock and complete; a cancellation that came while capturing takes over from here."""
    if order.status is Status.COMPLETED:
        return "completed"
    tx.effects.keep(order.id)
    tx.stock.commit(order.id)
    order.completed_at = context.clock()
    context.advance(order, Status.COMPLETED, events.COMPLETED, order.sale())
    if order.cancel_requested:
        order.move(Status.CANCELLING)
    tx.orders.save(order)
    return "cancelled" if order.cancel_requested else "completed"
