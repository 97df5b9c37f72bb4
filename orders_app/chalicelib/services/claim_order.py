"""Makes one execution the owner of an order; any other learns that it is not and must do nothing."""

from chalicelib import logs
from chalicelib.domain import events
from chalicelib.domain.commands import ClaimOrder, OrderTask, correlation_of, plain_id
from chalicelib.domain.errors import OrderBusyError, RefusedError, RequestInProgressError
from chalicelib.domain.order import IN_FLIGHT, Order, Status
from chalicelib.services.admission import foreign_order
from chalicelib.services.context import Answer, Context, answer, load, unknown
from chalicelib.services.place_order import place_in
from chalicelib.services.ports import UnitOfWork

_CANCELLED = (Status.CANCELLING, Status.CANCELLED, Status.REFUNDED)


def claim_order(context: Context, command: ClaimOrder) -> Answer:
    """Outcomes: claimed, already_running, cancelled, refused (an order that cannot be admitted)."""
    task = OrderTask(
        str(command.order.get("orderId", "")), command.execution, correlation_of(command.order) or ""
    )
    try:
        with context.uow() as tx:
            order = _admitted(context, tx, command)
            outcome = _claim(context, tx, order, command)
    except RequestInProgressError as busy:
        raise OrderBusyError(f"order {task.order_id!r} is just being admitted") from busy
    except RefusedError as refusal:
        fields = [problem.field for problem in refusal.fields]
        logs.info("order refused", order_id=plain_id(task.order_id), reason=refusal.slug, fields=fields)
        return unknown(task, refusal.slug)
    return answer(order, outcome, task)


def _admitted(context: Context, tx: UnitOfWork, command: ClaimOrder) -> Order:
    """The order of an envelope, or of a foreign sender, placed here and now."""
    if events.is_envelope(command.order):
        return load(tx, str(command.order["orderId"]))
    if not context.settings.admit_foreign_orders:
        raise RefusedError("orders of other senders are not admitted in this stage")
    placed = place_in(context, tx, foreign_order(command.order))
    return load(tx, placed.body["orderId"])


def _claim(context: Context, tx: UnitOfWork, order: Order, command: ClaimOrder) -> str:
    if order.status in _CANCELLED:
        return "cancelled"
    if order.execution == command.execution and order.status in IN_FLIGHT:
        return "claimed"  # this task again
    if order.execution is not None or order.status not in {Status.PLACED, *IN_FLIGHT}:
        return "already_running"
    order.execution = command.execution
    order.attempts += 1
    step = {"execution": command.execution}
    if order.status is Status.PLACED:
        context.advance(order, Status.PROCESSING, events.CLAIMED, step)
    else:
        context.record(order, events.RESUMED, step)
    tx.orders.save(order)
    return "claimed"
