"""Event log, outbox and inbox."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg import Connection

from chalicelib.domain.events import Event
from chalicelib.services.ports import OutboxRow

_CLAIM = """
SELECT o.id, o.order_id, o.sequence, l.envelope,
       (SELECT min(f.sequence) FROM outbox f WHERE f.order_id = o.order_id AND f.published_at IS NULL)
FROM outbox o JOIN event_log l USING (event_id)
WHERE o.published_at IS NULL AND {which} ORDER BY o.id LIMIT %s FOR UPDATE OF o SKIP LOCKED
"""
# Due, and so is every earlier event of its order: what is held up must not fill the batch. A value and no NOT
# EXISTS, which the planner may turn into a scan of the whole outbox; this looks into the index, row by row.
_DUE = """o.next_attempt_at <= %s AND coalesce((
    SELECT max(e.next_attempt_at) FROM outbox e
    WHERE e.order_id = o.order_id AND e.sequence < o.sequence AND e.published_at IS NULL
), '-infinity') <= %s"""
LONGEST_BACKOFF = timedelta(minutes=10)


class PostgresEventLog:
    """The port `EventLog`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_order(self, order_id: str) -> list[Event]:
        rows = self._connection.execute(
            "SELECT envelope FROM event_log WHERE order_id = %s ORDER BY sequence", (order_id,)
        )
        return [Event.parse(row[0]) for row in rows]

    def after(self, position: int, limit: int) -> list[tuple[int, Event]]:
        rows = self._connection.execute(
            "SELECT position, envelope FROM event_log WHERE position > %s ORDER BY position LIMIT %s",
            (position, limit),
        )
        return [(row[0], Event.parse(row[1])) for row in rows]


class PostgresOutbox:
    """The port `Outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, limit: int, now: datetime, order_id: str | None = None) -> list[OutboxRow]:
        which, values = (_DUE, (now, now)) if order_id is None else ("o.order_id = %s", (order_id,))
        rows = self._connection.execute(_CLAIM.format(which=which), (*values, limit)).fetchall()
        return _in_turn([(OutboxRow(*row[:4]), row[4]) for row in rows])

    def published(self, ids: Sequence[int], now: datetime) -> None:
        # A subquery, so that the plan does not depend on the array: see stock.py.
        self._connection.execute(
            "UPDATE outbox SET published_at = %s WHERE id = ANY((SELECT %s::bigint[])::bigint[])",
            (now, list(ids)),
        )

    def rejected(self, ids: Sequence[int], error: str, now: datetime) -> None:
        self._connection.execute(
            "UPDATE outbox SET attempts = attempts + 1, last_error = %s,"
            " next_attempt_at = %s + least(interval '2 seconds' * power(2, least(attempts, 12)), %s)"
            " WHERE id = ANY(%s)",
            (error[:200], now, LONGEST_BACKOFF, list(ids)),
        )

    def requeue(self, order_id: str, kind: str) -> bool:
        updated = self._connection.execute(
            "UPDATE outbox SET published_at = NULL, next_attempt_at = created_at WHERE event_id ="
            " (SELECT event_id FROM event_log WHERE order_id = %s AND type = %s"
            " ORDER BY sequence DESC LIMIT 1)",
            (order_id, kind),
        )
        return updated.rowcount > 0

    def oldest_unpublished(self) -> datetime | None:
        row = self._connection.execute(
            "SELECT min(created_at) FROM outbox WHERE published_at IS NULL"
        ).fetchone()
        return row[0] if row else None

    def purge(self, before: datetime) -> int:
        """The row of an order that may still need its event again stays."""
        return self._connection.execute(
            "DELETE FROM outbox o USING orders r WHERE r.id = o.order_id AND o.published_at < %s"
            " AND r.status NOT IN"
            " ('placed', 'processing', 'authorised', 'reserved', 'capturing', 'cancelling')",
            (before,),
        ).rowcount


def _in_turn(rows: Sequence[tuple[OutboxRow, int]]) -> list[OutboxRow]:
    """Leave out an order whose first unpublished event is held by another relay, or waits for its time."""
    claimed = {(row.order_id, row.sequence) for row, _ in rows}
    return [row for row, first in rows if (row.order_id, first) in claimed]


class PostgresInbox:
    """The port `Inbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def first_times(self, consumer: str, event_ids: Sequence[str]) -> set[str]:
        """In the order given: two transactions with the same events then wait for each other in one order."""
        inserted = self._connection.execute(
            "INSERT INTO inbox (consumer, event_id)"
            " SELECT %s, id FROM unnest(%s::text[]) WITH ORDINALITY AS given (id, number) ORDER BY number"
            " ON CONFLICT DO NOTHING RETURNING event_id",
            (consumer, list(event_ids)),
        )
        return {row[0] for row in inserted}

    def purge(self, before: datetime) -> int:
        return self._connection.execute("DELETE FROM inbox WHERE received_at < %s", (before,)).rowcount
