"""The read model: each event folded in on its own, so that any order of arrival gives the same rows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from chalicelib.domain import events, money
from chalicelib.domain.events import CATALOGUE, Event
from chalicelib.services.ports import OrderView

_LOCK = 7_311_002
_FOLD = """
INSERT INTO read_model.orders AS r (order_id, status, status_sequence, updated_at, last_sequence, events)
VALUES (%(order)s, %(status)s, %(status_sequence)s, %(time)s, %(sequence)s, 1)
ON CONFLICT (order_id) DO UPDATE SET
    status = CASE WHEN excluded.status_sequence > r.status_sequence THEN excluded.status ELSE r.status END,
    status_sequence = greatest(r.status_sequence, excluded.status_sequence),
    updated_at = CASE WHEN excluded.last_sequence > r.last_sequence
                      THEN excluded.updated_at ELSE r.updated_at END,
    last_sequence = greatest(r.last_sequence, excluded.last_sequence),
    events = r.events + 1
"""
_FACTS = """
UPDATE read_model.orders SET subject = %s, customer_id = %s, currency = %s, total_minor = %s, placed_at = %s
WHERE order_id = %s
"""
_SALE = """
INSERT INTO read_model.sales AS s (day, currency, orders, refunds, revenue_minor, refunded_minor)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (day, currency) DO UPDATE SET
    orders = s.orders + excluded.orders, refunds = s.refunds + excluded.refunds,
    revenue_minor = s.revenue_minor + excluded.revenue_minor,
    refunded_minor = s.refunded_minor + excluded.refunded_minor
"""
_PAGE = """
SELECT order_id, subject, customer_id, status, currency, total_minor, placed_at, updated_at
FROM read_model.orders r
WHERE placed_at IS NOT NULL
  AND (%(subject)s::text IS NULL OR subject = %(subject)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(customer)s::text IS NULL OR customer_id = %(customer)s OR EXISTS (
      SELECT 1 FROM customers c
      WHERE c.subject = r.subject AND c.id = r.customer_id AND c.name = %(customer)s))
  AND (%(time)s::timestamptz IS NULL OR (placed_at, order_id) < (%(time)s, %(order)s))
ORDER BY placed_at DESC, order_id DESC LIMIT %(limit)s
"""


class PostgresReadModel:
    """The port `ReadModel`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def apply(self, batch: Sequence[Event]) -> None:
        """Rows are locked in one order in every batch, and the days last, so that batches never deadlock."""
        with self._connection.pipeline():  # no statement waits for the answer to the one before
            for event in sorted(batch, key=lambda event: (event.order_id, event.sequence)):
                self._fold(event)
            for event in sorted(batch, key=lambda event: str(event.data.get("placedAt"))):
                if event.type in (events.COMPLETED, events.REFUNDED):
                    self._sell(event, refund=event.type == events.REFUNDED)

    def _fold(self, event: Event) -> None:
        kind = CATALOGUE.get(event.type)
        status = (
            event.data.get("status") if event.type == events.CANCELLATION_REQUESTED else kind and kind.status
        )
        self._connection.execute(
            _FOLD,
            {
                "order": event.order_id, "status": status, "status_sequence": event.sequence if status else 0,
                "time": event.time, "sequence": event.sequence,
            },
        )  # fmt: skip
        if event.type == events.PLACED:
            self._learn(event)

    def _learn(self, event: Event) -> None:
        data, currency = event.data, str(event.data["currency"])
        total, placed = money.to_minor(data["total"], currency), events.parse_timestamp(data["placedAt"])
        self._connection.execute(
            _FACTS, (data["subject"], data["customerId"], currency, total, placed, event.order_id)
        )

    def _sell(self, event: Event, *, refund: bool) -> None:
        data, currency = event.data, str(event.data["currency"])
        day = events.parse_timestamp(data["placedAt"]).astimezone(UTC).date()
        total = money.to_minor(data["total"], currency)
        values = (0, 1, 0, total) if refund else (1, 0, total, 0)
        self._connection.execute(_SALE, (day, currency, *values))

    def clear(self) -> None:
        self._connection.execute("DELETE FROM read_model.orders; DELETE FROM read_model.sales")

    def exclusive(self) -> None:
        """Whoever has it alone makes it anew, and may take longer than a request."""
        self._connection.execute("SET LOCAL statement_timeout = 0")
        self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))

    def shared(self) -> None:
        self._connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (_LOCK,))

    def page(
        self,
        *,
        subject: str | None,
        status: str | None,
        customer: str | None,
        before: tuple[datetime, str] | None,
        limit: int,
    ) -> list[OrderView]:
        time, order = before or (None, None)
        rows = self._connection.execute(
            _PAGE,
            {
                "subject": subject,
                "status": status,
                "customer": customer,
                "time": time,
                "order": order,
                "limit": limit,
            },
        )
        return [OrderView(*row) for row in rows]

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            "orders": self._connection.execute(
                "SELECT * FROM read_model.orders ORDER BY order_id"
            ).fetchall(),
            "sales": self._connection.execute(
                "SELECT * FROM read_model.sales ORDER BY day, currency"
            ).fetchall(),
        }
