"""What may be asked: one order, its events, lists of orders, the catalogue, the platform's health."""

from typing import Any

from chalicelib import logs
from chalicelib.config import Settings
from chalicelib.domain import events, money
from chalicelib.domain.commands import OPS, ListOrders, Principal
from chalicelib.domain.errors import UnknownOrderError
from chalicelib.domain.order import Order
from chalicelib.services.cursors import cursor, position
from chalicelib.services.ports import BusPublisher, Database, OrderView, UnitOfWork, UnitOfWorkFactory


def get_order(uow: UnitOfWorkFactory, order_id: str, viewer: Principal) -> dict[str, Any]:
    """The order as it is now. Raises UnknownOrderError, also for another subject's order."""
    with uow() as tx:
        order = _visible(tx, order_id, viewer)
        contact = tx.orders.contact(order_id)
        told = tx.notifications.of_order(order_id)
    return {
        "orderId": order.id,
        "status": str(order.status),
        "customerId": order.customer_id,
        "customer": contact.name if contact else None,
        "currency": order.currency,
        "total": money.to_text(order.total, order.currency),
        "lines": order.wire_lines(),
        "region": order.region,
        "reason": order.reason,
        "cancelRequested": order.cancel_requested,
        "notifications": told,
        "version": order.version,
        "placedAt": events.timestamp(order.placed_at),
        "updatedAt": events.timestamp(order.updated_at),
        "completedAt": events.timestamp(order.completed_at) if order.completed_at else None,
        "correlationId": order.correlation_id,
    }


def get_order_events(uow: UnitOfWorkFactory, order_id: str, viewer: Principal) -> dict[str, Any]:
    """Everything that happened to the order, in order."""
    with uow() as tx:
        _visible(tx, order_id, viewer)
        return {
            "orderId": order_id,
            "events": [event.envelope() for event in tx.event_log.of_order(order_id)],
        }


def _visible(tx: UnitOfWork, order_id: str, viewer: Principal) -> Order:
    order = tx.orders.get(order_id, lock=False)
    if order is None or not viewer.may_see(order.subject):
        raise UnknownOrderError("there is no order with this id")
    return order


def list_orders(uow: UnitOfWorkFactory, query: ListOrders) -> dict[str, Any]:
    """One page from the read model, newest first; `nextCursor` is null on the last one."""
    before = position(query.cursor) if query.cursor else None
    with uow() as tx:
        found = tx.read_model.page(
            subject=None if OPS in query.viewer.scopes else query.viewer.subject,
            status=query.status,
            customer=query.customer,
            before=before,
            limit=query.limit + 1,
        )
    page = found[: query.limit]
    return {
        "orders": [_summary(order) for order in page],
        "nextCursor": cursor(page[-1].placed_at, page[-1].order_id) if len(found) > query.limit else None,
    }


def _summary(order: OrderView) -> dict[str, Any]:
    return {
        "orderId": order.order_id,
        "status": order.status,
        "customerId": order.customer_id,
        "currency": order.currency,
        "total": money.to_text(order.total, order.currency),
        "placedAt": events.timestamp(order.placed_at),
        "updatedAt": events.timestamp(order.updated_at),
    }


def list_products(uow: UnitOfWorkFactory, settings: Settings) -> dict[str, Any]:
    """The products that may be ordered, with prices in the stage's currency."""
    with uow() as tx:
        products = [product for product in tx.stock.products() if product.orderable]
    return {
        "products": [
            {
                "productId": product.id,
                "name": product.name,
                "price": money.to_text(product.price or 0, settings.currency),
                "currency": settings.currency,
                "available": product.available if product.stocked else None,
            }
            for product in products
        ]
    }


def check_health(database: Database, bus: BusPublisher) -> dict[str, Any]:
    """{"status": "ok" or "unavailable", "checks": {"database", "bus"}}; never raises."""
    checks = {}
    for name, check in (("database", database.ping), ("bus", bus.check)):
        try:
            check()
            checks[name] = "ok"
        except Exception as error:
            logs.warning("health check failed", error, check=name)
            checks[name] = "unavailable"
    return {"status": "ok" if set(checks.values()) == {"ok"} else "unavailable", "checks": checks}
