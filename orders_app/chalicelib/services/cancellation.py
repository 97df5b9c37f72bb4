"""Carries a cancellation out: one execution takes it, undoes every effect and ends it."""

from chalicelib.domain import events
from chalicelib.domain.commands import ClaimOrder, OrderTask, correlation_of
from chalicelib.domain.errors import OrderBusyError
from chalicelib.domain.order import IN_FLIGHT, Status
from chalicelib.services.context import Answer, Context, answer, load, unknown
from chalicelib.services.ports import PaymentGateway
from chalicelib.services.undo import undo_effects

_DONE = (Status.CANCELLED, Status.REFUNDED)


def begin_cancellation(context: Context, command: ClaimOrder) -> Answer:
    """Outcomes: begun, already_running, cancelled, refunded, refused (nobody asked for it)."""
    order_id = str(command.order.get("orderId"))
    task = OrderTask(order_id, command.execution, correlation_of(command.order) or "")
    with context.uow() as tx:
        order = tx.orders.get(task.order_id)
        if order is None:
            return unknown(task)
        if order.status in _DONE:
            return answer(order, str(order.status), task)
        if order.status is not Status.CANCELLING and not order.cancel_requested:
            return answer(order, "refused", task)
        if order.cancellation not in (None, command.execution):
            return answer(order, "already_running", task)
        if order.cancellation is None:
            order.cancellation = command.execution
            tx.orders.save(order)
        return answer(order, "begun", task)


def settle_cancellation(context: Context, gateway: PaymentGateway, task: OrderTask) -> Answer:
    """Outcomes: cancelled, refunded, or the status of an order that came to another end.

    Raises OrderBusyError while the order is still being captured, TransientErrors to be retried,
    CompensationError or PaymentRefusedError when a person is needed.
    """
    with context.uow() as tx:
        order = load(tx, task.order_id)
        if order.cancellation != task.execution:
            return answer(order, "already_running", task)
        if order.status in IN_FLIGHT or order.status is Status.COMPENSATING:
            raise OrderBusyError(f"order {order.id!r} is {order.status!s}")
        if order.status is not Status.CANCELLING:
            return answer(order, str(order.status), task, tx if order.status in _DONE else None)
    refunded = undo_effects(context, gateway, order.id)
    with context.uow() as tx:
        order = load(tx, task.order_id)
        reason = order.reason or "cancelled"
        if order.status is Status.CANCELLING and refunded:
            refund = {**order.sale(), "refundedAt": events.timestamp(context.clock()), "reason": reason}
            context.advance(order, Status.REFUNDED, events.REFUNDED, refund)
            tx.orders.save(order)
        elif order.status is Status.CANCELLING:
            context.advance(order, Status.CANCELLED, events.CANCELLED, {"reason": reason})
            tx.orders.save(order)
        reply = answer(order, str(order.status), task, tx)
    context.publish(order.id)
    return reply
