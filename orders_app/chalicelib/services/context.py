"""What most use cases share: their tools, and the few moves that every step makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import logs
from chalicelib.config import Settings
from chalicelib.domain import events
from chalicelib.domain.commands import OrderTask
from chalicelib.domain.errors import GatewayTimeoutError, IllegalTransitionError, UnknownOrderError
from chalicelib.domain.order import Order, Status
from chalicelib.services.ports import Clock, GatewayRecord, Ids, PaymentGateway, UnitOfWork, UnitOfWorkFactory

Answer = dict[str, Any]
Relay = Callable[[str], object]


@dataclass(frozen=True)
class Context:
    """The tools that bootstrap gives to a use case."""

    uow: UnitOfWorkFactory
    clock: Clock
    ids: Ids
    settings: Settings
    relay: Relay  # publishes one order's events

    def record(self, order: Order, kind: str, data: Mapping[str, Any], causation: str | None = None) -> None:
        order.record(kind, data, id=self.ids.event_id(), time=self.clock(), causation=causation)

    def move(self, order: Order, to: Status) -> bool:
        """Move; where the table does not allow it, record just that and answer False."""
        before = order.status
        try:
            order.move(to)
        except IllegalTransitionError:
            refused = {"from": str(before), "to": str(to), "execution": order.execution}
            self.record(order, events.IGNORED, refused)
            logs.warning("transition refused", order_id=order.id, **refused)
            return False
        return True

    def advance(self, order: Order, to: Status, kind: str, data: Mapping[str, Any]) -> bool:
        """Move and record what happened; False and a record of the refusal if the move is not allowed."""
        moved = self.move(order, to)
        if moved:
            self.record(order, kind, data)
        return moved

    def publish(self, order_id: str) -> None:
        """Relay now what the order has to say; if that fails the scheduled relay does it."""
        try:
            self.relay(order_id)
        except Exception as error:
            logs.warning("relay after the step failed", error, order_id=order_id)


def load(tx: UnitOfWork, order_id: str, *, lock: bool = True) -> Order:
    """The order. Raises UnknownOrderError."""
    order = tx.orders.get(order_id, lock=lock)
    if order is None:
        raise UnknownOrderError(f"there is no order {order_id!r}")
    return order


def answer(order: Order, outcome: str, task: OrderTask, tx: UnitOfWork | None = None) -> Answer:
    """A task's answer: ids only. With `tx` it also names the channels on which the customer is to be told."""
    return {
        "outcome": outcome,
        "orderId": order.id,
        "execution": task.execution,
        "correlationId": order.correlation_id,
        "kind": outcome,
        "channels": channels(tx, order.id) if tx is not None else [],
    }


def unknown(task: OrderTask, reason: str = "order-not-found") -> Answer:
    """The answer for an order that is not there or cannot be admitted."""
    return {
        "outcome": "refused",
        "reason": reason,
        "orderId": task.order_id,
        "execution": task.execution,
        "correlationId": task.correlation_id,
        "kind": "refused",
        "channels": [],
    }


def channels(tx: UnitOfWork, order_id: str) -> list[str]:
    contact = tx.orders.contact(order_id)
    ways = [("email", contact and contact.email), ("sms", contact and contact.phone)]
    return ["operators", *(channel for channel, address in ways if address)]


def settled(call: Callable[[], GatewayRecord], gateway: PaymentGateway, key: str) -> GatewayRecord:
    """The gateway's answer; after a timeout what its ledger says. Raises GatewayTimeoutError if nothing."""
    try:
        return call()
    except GatewayTimeoutError:
        found = gateway.lookup(key)
        if found is None:
            raise
        return found
