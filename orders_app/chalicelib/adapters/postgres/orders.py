"""Orders, their lines and contacts; saving an order stores its pending events and outbox rows with it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from chalicelib.domain.errors import OrderBusyError
from chalicelib.domain.order import Line, Order, Status
from chalicelib.services.ports import Contact

_LOAD = """
SELECT o.*, coalesce((
    SELECT jsonb_agg(jsonb_build_array(line_number, product_id, quantity, unit_price_minor, line_amount_minor)
                     ORDER BY line_number)
    FROM order_lines WHERE order_id = o.id), '[]') AS lines
FROM orders o WHERE o.id = %s
"""
# One statement each, so one round trip: the order, what belongs to it, its events and their outbox rows.
# Events and lines are one JSON text each: in an array of texts each quote of an envelope would be escaped.
_LOG = """
logged AS (
    INSERT INTO event_log (order_id, sequence, event_id, type, envelope)
    SELECT written.id, (e ->> 'sequence')::int, e ->> 'id', e ->> 'type', e
    FROM written, jsonb_array_elements(%(events)s::jsonb) AS e
    RETURNING order_id, sequence, event_id),
queued AS (
    INSERT INTO outbox (order_id, sequence, event_id, created_at, next_attempt_at)
    SELECT order_id, sequence, event_id, %(updated_at)s, %(updated_at)s FROM logged ORDER BY sequence)
SELECT count(*) FROM written
"""
_ADD = f"""
WITH written AS (
    INSERT INTO orders (id, subject, customer_id, status, version, sequence, currency, total_minor, region,
                        payment_token, admitted, correlation_id, placed_at, updated_at, swept_at,
                        last_event)
    VALUES (%(id)s, %(subject)s, %(customer_id)s, %(status)s, 1, %(sequence)s, %(currency)s, %(total)s,
            %(region)s, %(token)s, %(admitted)s, %(correlation_id)s, %(placed_at)s, %(updated_at)s,
            %(updated_at)s, %(last_event)s)
    ON CONFLICT (id) DO NOTHING RETURNING id),
lines AS (
    INSERT INTO order_lines (order_id, line_number, product_id, quantity, unit_price_minor, line_amount_minor)
    SELECT written.id, (l ->> 0)::int, l ->> 1, (l ->> 2)::int, (l ->> 3)::bigint, (l ->> 4)::bigint
    FROM written, jsonb_array_elements(%(lines)s::jsonb) AS l),
contact AS (
    INSERT INTO contacts (order_id, name, email, phone, shipping)
    SELECT written.id, %(name)s, %(email)s, %(phone)s, %(shipping)s::jsonb FROM written),
{_LOG}
"""
_SAVE = f"""
WITH written AS (
    UPDATE orders SET status = %(status)s, version = version + 1, sequence = %(sequence)s,
           execution = %(execution)s, cancellation = %(cancellation)s, reason = %(reason)s,
           cancel_requested = %(cancel_requested)s, attempts = %(attempts)s, updated_at = %(updated_at)s,
           swept_at = %(updated_at)s, completed_at = %(completed_at)s, last_event = %(last_event)s
    WHERE id = %(id)s AND version = %(version)s RETURNING id),
{_LOG}
"""


# Every order has a contact until its details are forgotten, so nothing is looked through twice. The attempts
# are the sandbox gateway's; another gateway keeps none here.
_FORGET = """
WITH old AS (
    SELECT c.order_id FROM contacts c JOIN orders o ON o.id = c.order_id
    WHERE o.status IN ('completed', 'declined', 'out_of_stock', 'failed', 'cancelled', 'refunded')
      AND o.updated_at < %s
      AND NOT EXISTS (SELECT FROM effects e WHERE e.order_id = o.id AND e.state IN ('registered', 'done'))
      AND NOT EXISTS (SELECT FROM reservations r WHERE r.order_id = o.id AND r.state = 'held')
    LIMIT %s),
reserved AS (DELETE FROM reservations r USING old WHERE r.order_id = old.order_id),
undone AS (DELETE FROM effects e USING old WHERE e.order_id = old.order_id),
tried AS (
    DELETE FROM gateway.attempts a USING old
    WHERE a.key = ANY (ARRAY[old.order_id || ':authorise', old.order_id || ':capture']))
DELETE FROM contacts c USING old WHERE c.order_id = old.order_id
"""


_STUCK = """
SELECT count(*), min(updated_at) FROM (
    SELECT id, updated_at FROM orders WHERE updated_at < %(before)s AND status IN
        ('placed', 'processing', 'authorised', 'reserved', 'capturing', 'cancelling', 'compensating')
    UNION
    SELECT o.id, o.updated_at FROM effects e JOIN orders o ON o.id = e.order_id
    WHERE e.state IN ('registered', 'done') AND o.updated_at < %(before)s
      AND o.status IN ('out_of_stock', 'declined', 'failed', 'cancelled', 'refunded')
    UNION
    SELECT o.id, o.updated_at FROM untold_orders u JOIN orders o ON o.id = u.order_id
    WHERE o.updated_at < %(before)s) AS stuck
"""


class PostgresOrders:
    """The port `Orders`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, order_id: str, *, lock: bool = True) -> Order | None:
        cursor = self._connection.cursor(row_factory=dict_row)
        row = cursor.execute(_LOAD + ("FOR UPDATE OF o" if lock else ""), (order_id,)).fetchone()
        return _order(row) if row else None

    def add(self, order: Order, contact: Contact) -> bool:
        values = {
            "id": order.id, "subject": order.subject, "customer_id": order.customer_id,
            "status": str(order.status), "sequence": order.sequence, "currency": order.currency,
            "total": order.total, "token": order.payment_token, "region": order.region,
            "admitted": order.admitted, "correlation_id": order.correlation_id,
            "placed_at": order.placed_at, "updated_at": order.updated_at, "last_event": order.last_event,
            "lines": json.dumps([
                (line.number, line.product_id, line.quantity, line.unit_price, line.line_amount)
                for line in order.lines
            ]),
            "name": contact.name, "email": contact.email, "phone": contact.phone,
            "shipping": None if contact.shipping is None else json.dumps(dict(contact.shipping)),
        }  # fmt: skip
        if not self._write(_ADD, order, values):
            return False
        order.version = 1
        return True

    def save(self, order: Order) -> None:
        values = {
            "id": order.id, "version": order.version, "status": str(order.status), "sequence": order.sequence,
            "execution": order.execution, "cancellation": order.cancellation, "reason": order.reason,
            "cancel_requested": order.cancel_requested, "attempts": order.attempts,
            "updated_at": order.updated_at, "completed_at": order.completed_at,
            "last_event": order.last_event,
        }  # fmt: skip
        if not self._write(_SAVE, order, values):
            raise OrderBusyError(f"order {order.id!r} was changed by another transaction")
        order.version += 1

    def _write(self, statement: str, order: Order, values: Mapping[str, Any]) -> bool:
        """Whether the order was written; if so its pending events are, too."""
        events = json.dumps([event.envelope() for event in order.pending])
        row = self._connection.execute(statement, {**values, "events": events}).fetchone()
        if not (row and row[0]):
            return False
        order.pending.clear()
        return True

    def contact(self, order_id: str) -> Contact | None:
        row = self._connection.execute(
            "SELECT name, email, phone, shipping FROM contacts WHERE order_id = %s", (order_id,)
        ).fetchone()
        return Contact(*row) if row else None

    def stale(self, statuses: Sequence[str], before: datetime, limit: int) -> list[str]:
        rows = self._connection.execute(
            "SELECT id FROM orders WHERE status = ANY(%s) AND swept_at < %s ORDER BY swept_at LIMIT %s",
            (list(statuses), before, limit),
        )
        return [row[0] for row in rows]

    def of_execution(self, execution: str) -> list[str]:
        rows = self._connection.execute(
            "SELECT id FROM orders WHERE execution = %s UNION SELECT id FROM orders WHERE cancellation = %s",
            (execution, execution),
        )
        return [row[0] for row in rows]

    def unsettled(self, before: datetime, limit: int) -> list[str]:
        rows = self._connection.execute(
            "SELECT DISTINCT o.id, o.swept_at FROM effects e JOIN orders o ON o.id = e.order_id"
            " WHERE e.state IN ('registered', 'done') AND o.swept_at < %s"
            " AND o.status IN ('out_of_stock', 'declined', 'failed', 'cancelled', 'refunded')"
            " ORDER BY o.swept_at LIMIT %s",
            (before, limit),
        )
        return [row[0] for row in rows]

    def stuck(self, before: datetime) -> tuple[int, datetime | None]:
        row = self._connection.execute(_STUCK, {"before": before}).fetchone()
        return row or (0, None)

    def forget_details(self, before: datetime, limit: int) -> int:
        return self._connection.execute(_FORGET, (before, limit)).rowcount

    def touch(self, order_id: str, now: datetime) -> None:
        self._connection.execute("UPDATE orders SET swept_at = %s WHERE id = %s", (now, order_id))


def _order(row: Mapping[str, Any]) -> Order:
    return Order(
        id=row["id"],
        subject=row["subject"],
        customer_id=row["customer_id"],
        currency=row["currency"],
        total=row["total_minor"],
        lines=tuple(Line(*line) for line in row["lines"]),
        correlation_id=row["correlation_id"],
        placed_at=row["placed_at"],
        updated_at=row["updated_at"],
        payment_token=row["payment_token"],
        region=row["region"],
        admitted=row["admitted"],
        status=Status(row["status"]),
        version=row["version"],
        sequence=row["sequence"],
        execution=row["execution"],
        cancellation=row["cancellation"],
        cancel_requested=row["cancel_requested"],
        reason=row["reason"],
        completed_at=row["completed_at"],
        attempts=row["attempts"],
        last_event=row["last_event"],
    )
