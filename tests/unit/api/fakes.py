"""Services that keep orders in a dict: what the API needs to be tested without a database."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.commands import CancelOrder, ListOrders, PlaceOrder, Principal, Reply
from chalicelib.domain.errors import KeyReusedError, UnknownOrderError


@dataclass
class FakeServices:
    """Remembers commands; `before` may raise what a real service would."""

    commands: list[Any] = field(default_factory=list)
    relayed: list[str] = field(default_factory=list)
    orders: dict[str, PlaceOrder] = field(default_factory=dict)
    replies: dict[tuple[str, str], tuple[str, Reply]] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    relay: Callable[[], None] = lambda: None
    healthy: bool = True
    tokens: dict[str, Principal] = field(default_factory=dict)

    def place_order(self, command: PlaceOrder) -> Reply:
        self.before()
        self.commands.append(command)
        known = self.replies.get((command.subject, command.idempotency_key or ""))
        if known is not None:
            if known[0] != command.fingerprint:
                raise KeyReusedError("the key was used with another body")
            return Reply(known[1].status, known[1].body, replayed=True)
        order_id = f"ORD-{len(self.orders) + 1}"
        self.orders[order_id] = command
        reply = Reply(202, {"message": "Order accepted", "orderId": order_id, "status": "processing"})
        if command.idempotency_key is not None:
            self.replies[command.subject, command.idempotency_key] = (command.fingerprint, reply)
        return reply

    def get_order(self, order_id: str, viewer: Principal) -> dict[str, Any]:
        self.before()
        order = self.orders.get(order_id)
        if order is None or not viewer.may_see(order.subject):
            raise UnknownOrderError("there is no order with this id")
        return {"orderId": order_id, "status": "placed"}

    def get_order_events(self, order_id: str, viewer: Principal) -> dict[str, Any]:
        return self.get_order(order_id, viewer) | {"events": []}

    def list_orders(self, query: ListOrders) -> dict[str, Any]:
        self.before()
        self.commands.append(query)
        return {"orders": [], "nextCursor": None}

    def cancel_order(self, command: CancelOrder) -> Reply:
        self.commands.append(command)
        self.get_order(command.order_id, command.viewer)
        return Reply(202, {"orderId": command.order_id, "status": "cancelling"})

    def list_products(self) -> dict[str, Any]:
        self.before()
        return {"products": []}

    def check_health(self) -> dict[str, Any]:
        self.before()
        state = "ok" if self.healthy else "failed"
        return {"status": state, "checks": {"database": state, "bus": "ok"}}

    def relay_outbox(self, order_id: str) -> dict[str, Any]:
        self.relay()
        self.relayed.append(order_id)
        return {"published": 1}

    def authenticate(self, token: str) -> Principal | None:
        return self.tokens.get(token)
