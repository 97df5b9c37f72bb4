"""Counts what became of orders, as metrics and one log line each; needs nothing but the event."""

from collections.abc import Mapping
from typing import Any

from chalicelib import logs, metrics
from chalicelib.domain import events
from chalicelib.domain.commands import plain_id

OUTCOMES = {
    events.PLACED: "placed",
    events.COMPLETED: "completed",
    events.DECLINED: "declined",
    events.REJECTED: "out_of_stock",
    events.FAILED: "failed",
    events.CANCELLED: "cancelled",
    events.REFUNDED: "refunded",
    events.COMPENSATION_FAILED: "compensation_failed",
}


def report_outcome(event: Mapping[str, Any]) -> None:
    """One metric `Orders` for each event that begins or ends an order; others pass unseen.

    It counts deliveries, and a topic delivers at least once: good for alarms and trends, not for accounts.
    """
    outcome = OUTCOMES.get(event["type"])
    if outcome:
        metrics.count("Orders", outcome=outcome)
        with logs.bound(order_id=event["orderId"], correlation_id=event.get("correlationId")):
            logs.info("order outcome", outcome=outcome, event_id=event["id"])


def acknowledge_placed(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of the bus's own processor to a placed order, enveloped or as a foreign sender wrote it."""
    order_id = plain_id(detail.get("orderId"))
    data = detail.get("data")
    lines = data.get("lines") if isinstance(data, Mapping) else detail.get("items")
    logs.info("order event processed", order_id=order_id, lines=len(lines) if isinstance(lines, list) else 0)
    return {"statusCode": 200, "body": {"message": "Event processed", "orderId": order_id}}
