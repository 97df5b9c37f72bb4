"""The one place that knows services, ports and adapters, and wires them together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.commands import (
    CancelOrder,
    ClaimOrder,
    ListOrders,
    OrderTask,
    PlaceOrder,
    Principal,
    Reply,
    StoppedExecution,
    Viewer,
)
from chalicelib.services.ports import Message  # noqa: F401  (re-exported until the adapters land)

Task = Callable[[OrderTask], dict[str, Any]]
Figures = dict[str, Any]


@dataclass(frozen=True)
class Services:
    """Every use case, bound to what it needs. Bodies are camelCase and ready to be sent."""

    place_order: Callable[[PlaceOrder], Reply]
    get_order: Callable[[str, Viewer], dict[str, Any]]
    list_orders: Callable[[ListOrders], dict[str, Any]]
    get_order_events: Callable[[str, Viewer], dict[str, Any]]
    cancel_order: Callable[[CancelOrder], Reply]
    list_products: Callable[[], dict[str, Any]]
    check_health: Callable[[], dict[str, Any]]
    authenticate: Callable[[str], Principal | None]
    # workflow tasks; each answers {"outcome", "orderId", "execution", "correlationId", ...}
    claim_order: Callable[[ClaimOrder], dict[str, Any]]
    validate_payment: Task
    check_inventory: Task
    process_order: Task
    send_notification: Task
    compensate_order: Task
    record_compensation_failure: Task
    begin_cancellation: Callable[[ClaimOrder], dict[str, Any]]
    settle_cancellation: Task
    finish_cancellation: Task
    # consumers and schedules; each answers figures
    relay_outbox: Callable[..., Figures]  # (order_id=None, limit=None)
    sweep_orders: Callable[[], Figures]
    expire_reservations: Callable[[], Figures]
    purge_expired: Callable[[], Figures]
    apply_event_to_read_model: Callable[[Sequence[Mapping[str, Any]]], Figures]
    rebuild_read_model: Callable[[], Figures]
    resume_or_compensate: Callable[[StoppedExecution], Figures]
    migrate: Callable[[], Figures]
