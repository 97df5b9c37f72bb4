"""Accepts or refuses the wish to cancel an order; the cancellation workflow then carries it out."""

from datetime import timedelta

from chalicelib.domain import events
from chalicelib.domain.commands import OPS, CancelOrder, Reply
from chalicelib.domain.errors import NotCancellableError, UnknownOrderError
from chalicelib.domain.order import Order, Status
from chalicelib.services.answer_once import Request, answer_once
from chalicelib.services.compensate_order import ALERT
from chalicelib.services.context import Context
from chalicelib.services.ports import UnitOfWork

OPERATION = "cancel_order"
_ENDED = {
    Status.DECLINED: "its payment was declined",
    Status.OUT_OF_STOCK: "it was out of stock",
    Status.FAILED: "it has failed and was undone",
    Status.COMPENSATING: "it has failed and is being undone",
    Status.COMPENSATION_FAILED: "a person is looking into it",
}
_CANCELLED = (Status.CANCELLING, Status.CANCELLED, Status.REFUNDED)


def cancel_order(context: Context, command: CancelOrder) -> Reply:
    """202 while the cancellation is under way, 200 when it is done; asking again changes nothing.

    An operator may have an undo that failed tried again by cancelling the order.
    Raises UnknownOrderError (also for another subject's order) and NotCancellableError with the reason.
    """
    operation = f"{OPERATION}:{command.order_id}"
    request = Request(command.viewer.subject, operation, command.idempotency_key, command.fingerprint)
    with context.uow() as tx:
        return answer_once(context, tx, request, lambda: _cancelled(context, tx, command))


def _cancelled(context: Context, tx: UnitOfWork, command: CancelOrder) -> Reply:
    order = tx.orders.get(command.order_id)
    if order is None or not command.viewer.may_see(order.subject):
        raise UnknownOrderError("there is no order with this id")
    failed = order.status is Status.COMPENSATION_FAILED
    if order.status not in _CANCELLED and (failed or not order.cancel_requested):
        _request(context, order, command)
        tx.orders.save(order)
        if failed:  # should it fail once more, a person is told once more
            tx.notifications.renew(order.id, str(Status.COMPENSATION_FAILED), ALERT)
    done = order.status in (Status.CANCELLED, Status.REFUNDED)
    status = str(order.status if done else Status.CANCELLING)
    message = "Order cancelled" if done else "Cancellation requested"
    return Reply(200 if done else 202, {"message": message, "orderId": order.id, "status": status})


def _request(context: Context, order: Order, command: CancelOrder) -> None:
    again = order.status is Status.COMPENSATION_FAILED and OPS in command.viewer.scopes
    if order.status in _ENDED and not again:
        raise NotCancellableError(f"the order cannot be cancelled: {_ENDED[order.status]}")
    if again:
        order.cancellation = None  # whoever had it is done with it
    window = timedelta(seconds=context.settings.cancellation_window_seconds)
    if not again and order.completed_at is not None and context.clock() > order.completed_at + window:
        raise NotCancellableError("the order cannot be cancelled: the time to cancel it is over")
    if order.status is Status.CAPTURING:  # past the point of no return: refunded as soon as it is through
        order.cancel_requested = True
    else:
        order.move(Status.CANCELLING)
    order.reason = command.reason
    told = {"reason": command.reason, "status": str(order.status)}
    context.record(order, events.CANCELLATION_REQUESTED, told, command.correlation_id)
