"""Whether a task may still act on its order."""

from chalicelib.domain.commands import OrderTask
from chalicelib.domain.order import Order, Status

_CANCELLED = (Status.CANCELLING, Status.CANCELLED, Status.REFUNDED)
_TAKEN = (Status.COMPENSATING, Status.FAILED, Status.COMPENSATION_FAILED)


def standing(order: Order, task: OrderTask) -> str | None:
    """None if the task's execution owns the order and may go on; else the outcome that ends the task."""
    if order.status in _CANCELLED:
        return "cancelled"
    if order.execution != task.execution or order.status in _TAKEN:
        return "already_running"
    return None
