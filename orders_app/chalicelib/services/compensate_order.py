"""Undoes what a workflow did for its order, and records it when that cannot be done."""

from chalicelib import logs
from chalicelib.domain import events
from chalicelib.domain.commands import OrderTask
from chalicelib.domain.errors import MessageRefusedError, ThrottledError
from chalicelib.domain.order import IN_FLIGHT, Order, Status
from chalicelib.services.context import Answer, Context, answer, load
from chalicelib.services.ports import Notifier, PaymentGateway, UnitOfWork
from chalicelib.services.undo import undo_effects

_ENDED = {
    Status.COMPLETED: "completed",
    Status.CANCELLING: "cancelled",
    Status.CANCELLED: "cancelled",
    Status.REFUNDED: "cancelled",
}
ALERT = "alert"


def compensate_order(context: Context, gateway: PaymentGateway, task: OrderTask) -> Answer:
    """Outcomes: failed, out_of_stock, declined; cancelled, completed, already_running (nothing to do here).

    Raises CompensationError or PaymentRefusedError when a person is needed, TransientErrors to be retried.
    """
    with context.uow() as tx:
        order = load(tx, task.order_id)
        before = order.status
        ended = _ENDED.get(before) if order.execution == task.execution else "already_running"
        if ended is not None:
            return answer(order, ended, task, tx if ended == "completed" else None)
        if before in IN_FLIGHT or before is Status.PLACED:
            reason = order.reason or task.error or "fault"
            context.advance(order, Status.COMPENSATING, events.COMPENSATION_STARTED, {"reason": reason})
            order.reason = reason
            tx.orders.save(order)
    undo_effects(context, gateway, order.id)
    with context.uow() as tx:
        order = load(tx, task.order_id)
        if order.status in (Status.COMPENSATING, Status.COMPENSATION_FAILED):
            context.advance(order, Status.FAILED, events.FAILED, {"reason": order.reason or "fault"})
            tx.orders.save(order)
        reply = answer(order, str(order.status), task, tx)
    context.publish(order.id)
    return reply


def record_compensation_failure(context: Context, notifier: Notifier, task: OrderTask) -> Answer:
    """Put the order where a person sees it, and tell that person. Safe to repeat. Raises ThrottledError."""
    with context.uow() as tx:
        order = load(tx, task.order_id)
        if task.execution not in (order.execution, order.cancellation):
            return answer(order, "already_running", task)
        if order.status in IN_FLIGHT and task.execution != order.execution:
            return answer(order, "busy", task)  # its owner is at work; the sweeper cancels it afterwards
        _fail(context, tx, order, str(task.error or "unknown"))
        tx.notifications.claim(order.id, str(Status.COMPENSATION_FAILED), ALERT, context.clock())
    context.publish(order.id)
    alert_person(context, notifier, order)
    return answer(order, str(Status.COMPENSATION_FAILED), task)


def alert_person(context: Context, notifier: Notifier, order: Order) -> bool:
    """Tell a person at least once: unless that was surely done, whatever an earlier try came to.

    Answers whether it was sent now. Raises ThrottledError, for the workflow or the sweeper to try again.
    """
    about = str(Status.COMPENSATION_FAILED)
    with context.uow() as tx:
        if tx.notifications.claim(order.id, about, ALERT, context.clock()) == "sent":
            return False
    text = f"Order {order.id} could not be undone: {order.reason}. Its event log and effects say what stands."
    fault: Exception | None = None
    try:
        notifier.alert("Compensation failed", text, order.id, order.correlation_id)
        state = "sent"
    except Exception as error:
        state = "failed" if isinstance(error, ThrottledError | MessageRefusedError) else "unknown"
        fault = error
    with context.uow() as tx:
        tx.notifications.settle(order.id, about, ALERT, state, context.clock())
    if fault is not None:
        logs.error("alert failed", fault, order_id=order.id, correlation_id=order.correlation_id)
        raise ThrottledError("perhaps nobody was told") from fault
    return True


def _fail(context: Context, tx: UnitOfWork, order: Order, reason: str) -> None:
    if order.status is Status.COMPENSATION_FAILED:
        return
    if order.status in IN_FLIGHT:
        context.advance(order, Status.COMPENSATING, events.COMPENSATION_STARTED, {"reason": reason})
    order.reason = reason
    context.advance(order, Status.COMPENSATION_FAILED, events.COMPENSATION_FAILED, {"reason": reason})
    tx.orders.save(order)
