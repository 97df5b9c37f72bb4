"""Authorises the order's total, once, whatever the gateway answers or does not answer."""

from chalicelib.domain import events, money
from chalicelib.domain.commands import OrderTask
from chalicelib.domain.order import Order, Status
from chalicelib.services.context import Answer, Context, answer, load, settled
from chalicelib.services.ownership import standing
from chalicelib.services.ports import GatewayRecord, PaymentGateway

EFFECT = "authorisation"
_DONE = (Status.AUTHORISED, Status.RESERVED, Status.CAPTURING, Status.COMPLETED, Status.OUT_OF_STOCK)


def validate_payment(context: Context, gateway: PaymentGateway, task: OrderTask) -> Answer:
    """Outcomes: authorised, declined, cancelled, already_running. Raises GatewayTimeoutError."""
    key = f"{task.order_id}:authorise"
    with context.uow() as tx:
        order = load(tx, task.order_id)
        early = _early(order, task)
        if early is not None:
            return answer(order, early, task, tx if early == "declined" else None)
        tx.effects.register(order.id, EFFECT, key)
    result = settled(
        lambda: gateway.authorise(key, order.total, order.currency, order.payment_token), gateway, key
    )
    with context.uow() as tx:
        order = load(tx, task.order_id)
        early = _early(order, task)
        if early is None:
            outcome = _decide(context, order, result)
            tx.effects.mark(order.id, EFFECT, "done" if outcome == "authorised" else "undone")
            tx.orders.save(order)
            reply = answer(order, outcome, task, tx if outcome == "declined" else None)
    if early is not None:
        return _too_late(context, gateway, order, early, task)
    if outcome == "declined":
        context.publish(order.id)
    return reply


def _early(order: Order, task: OrderTask) -> str | None:
    """The outcome if there is nothing left to do here."""
    if standing(order, task) is not None:
        return standing(order, task)
    if order.status is Status.DECLINED:
        return "declined"
    return "authorised" if order.status in _DONE else None


def _decide(context: Context, order: Order, result: GatewayRecord) -> str:
    if result.state == "approved":
        data = {"amount": money.to_text(result.amount, order.currency), "currency": order.currency}
        context.advance(order, Status.AUTHORISED, events.AUTHORISED, data)
        return "authorised"
    order.reason = result.reason or result.state
    context.advance(order, Status.DECLINED, events.DECLINED, {"reason": order.reason})
    return "declined"


def _too_late(context: Context, gateway: PaymentGateway, order: Order, early: str, task: OrderTask) -> Answer:
    """The order was cancelled meanwhile: undo this step's own effect, unless another took the order over."""
    if early == "cancelled" and order.execution == task.execution:
        gateway.void(f"{order.id}:void", f"{order.id}:authorise")
    return answer(order, early, task)
