"""The small tables: customers, idempotency keys, effects, notifications, tokens."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from chalicelib.domain.errors import RequestInProgressError
from chalicelib.services.ports import Effect, StoredReply

_KNOWN = """
INSERT INTO customers (subject, id, name, named) VALUES (%s, %s, %s, false)
ON CONFLICT (subject, id) DO NOTHING
"""
_NAMED = """
INSERT INTO customers (subject, id, name, named) VALUES (%s, %s, %s, true)
ON CONFLICT (subject, name) WHERE named DO NOTHING
"""


_STORED = """
SELECT fingerprint, status, body FROM idempotency_keys
WHERE subject = %s AND operation = %s AND key = %s AND expires_at > %s
"""
# One row: whether the lock was free, and what is stored.
_STORED_OR_LOCK = """
SELECT pg_try_advisory_xact_lock(%s), k.fingerprint, k.status, k.body
FROM (SELECT) AS one LEFT JOIN idempotency_keys k
  ON k.subject = %s AND k.operation = %s AND k.key = %s AND k.expires_at > %s
"""


class PostgresCustomers:
    """The port `Customers`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def identify(self, subject: str, id: str | None, name: str, new_id: str) -> str:
        if id is not None:
            self._connection.execute(_KNOWN, (subject, id, name))
            return id
        find = "SELECT id FROM customers WHERE subject = %s AND name = %s AND named"
        row = self._connection.execute(find, (subject, name)).fetchone()
        if row is None:
            self._connection.execute(_NAMED, (subject, new_id, name))
            row = self._connection.execute(find, (subject, name)).fetchone()
        return str(row[0]) if row else new_id


class PostgresKeys:
    """The port `IdempotencyKeys`: a lock of the transaction stands for "running", so a crash leaves none."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def acquire(self, subject: str, operation: str, key: str, now: datetime) -> StoredReply | None:
        digest = hashlib.sha256(json.dumps([subject, operation, key]).encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        row = self._connection.execute(_STORED_OR_LOCK, (number, subject, operation, key, now)).fetchone()
        if row and row[1] is not None:
            return StoredReply(*row[1:])  # of a request that has ended: replays do not wait for each other
        if not (row and row[0]):
            raise RequestInProgressError("the first request with this key has not ended yet; repeat it soon")
        # Another may have ended between that statement's snapshot and its lock.
        found = self._connection.execute(_STORED, (subject, operation, key, now)).fetchone()
        return StoredReply(*found) if found else None

    def store(
        self, subject: str, operation: str, key: str, reply: StoredReply, now: datetime, expires: datetime
    ) -> None:
        self._connection.execute(
            "INSERT INTO idempotency_keys"
            " (subject, operation, key, fingerprint, status, body, created_at, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (subject, operation, key) DO UPDATE SET"
            " fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body,"
            " created_at = excluded.created_at, expires_at = excluded.expires_at",
            (
                subject,
                operation,
                key,
                reply.fingerprint,
                reply.status,
                json.dumps(dict(reply.body)),
                now,
                expires,
            ),
        )

    def purge(self, now: datetime) -> int:
        return self._connection.execute(
            "DELETE FROM idempotency_keys WHERE expires_at <= %s", (now,)
        ).rowcount


class PostgresEffects:
    """The port `Effects`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def register(self, order_id: str, kind: str, key: str) -> None:
        self._connection.execute(
            "INSERT INTO effects (order_id, kind, key, state) VALUES (%s, %s, %s, 'registered')"
            " ON CONFLICT (order_id, kind) DO NOTHING",
            (order_id, kind, key),
        )

    def done(self, order_id: str, kind: str, key: str) -> None:
        self._connection.execute(
            "INSERT INTO effects (order_id, kind, key, state) VALUES (%s, %s, %s, 'done')"
            " ON CONFLICT (order_id, kind) DO UPDATE SET state = excluded.state",
            (order_id, kind, key),
        )

    def mark(self, order_id: str, kind: str, state: str) -> None:
        self._connection.execute(
            "UPDATE effects SET state = %s WHERE order_id = %s AND kind = %s", (state, order_id, kind)
        )

    def keep(self, order_id: str) -> None:
        self._connection.execute(
            "UPDATE effects SET state = 'kept' WHERE order_id = %s AND state <> 'undone'", (order_id,)
        )

    def of_order(self, order_id: str) -> list[Effect]:
        rows = self._connection.execute(
            "SELECT kind, key, state FROM effects WHERE order_id = %s ORDER BY id", (order_id,)
        )
        return [Effect(*row) for row in rows]


class PostgresNotifications:
    """The port `Notifications`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, order_id: str, about: str, channel: str, now: datetime) -> str | None:
        inserted = self._connection.execute(
            "INSERT INTO notifications (order_id, about, channel, state, claimed_at)"
            " VALUES (%s, %s, %s, 'claimed', %s) ON CONFLICT DO NOTHING",
            (order_id, about, channel, now),
        )
        if inserted.rowcount:
            return None
        row = self._connection.execute(
            "SELECT state FROM notifications WHERE order_id = %s AND about = %s AND channel = %s FOR UPDATE",
            (order_id, about, channel),
        ).fetchone()
        return str(row[0]) if row else None

    def forget(self, order_id: str, about: str, channel: str) -> None:
        self._connection.execute(
            "DELETE FROM notifications"
            " WHERE order_id = %s AND about = %s AND channel = %s AND state = 'claimed'",
            (order_id, about, channel),
        )

    def settle(self, order_id: str, about: str, channel: str, state: str, now: datetime) -> None:
        self._connection.execute(
            "UPDATE notifications SET state = %s, settled_at = %s"
            " WHERE order_id = %s AND about = %s AND channel = %s",
            (state, now, order_id, about, channel),
        )

    def renew(self, order_id: str, about: str, channel: str) -> None:
        self._connection.execute(
            "DELETE FROM notifications WHERE order_id = %s AND about = %s AND channel = %s",
            (order_id, about, channel),
        )

    def untold(self, about: str, channel: str, before: datetime, limit: int) -> list[str]:
        rows = self._connection.execute(
            "SELECT order_id FROM notifications WHERE state <> 'sent' AND channel = %s AND about = %s"
            " AND coalesce(settled_at, claimed_at) < %s ORDER BY claimed_at LIMIT %s",
            (channel, about, before, limit),
        )
        return [row[0] for row in rows]

    def owe(self, order_id: str, now: datetime) -> None:
        self._connection.execute(
            "INSERT INTO untold_orders (order_id, since) VALUES (%s, %s)"
            " ON CONFLICT (order_id) DO UPDATE SET since = excluded.since",
            (order_id, now),
        )

    def owing(self, before: datetime, limit: int) -> list[str]:
        rows = self._connection.execute(
            "SELECT order_id FROM untold_orders WHERE since < %s ORDER BY since LIMIT %s", (before, limit)
        )
        return [row[0] for row in rows]

    def owe_no_more(self, order_id: str) -> None:
        self._connection.execute("DELETE FROM untold_orders WHERE order_id = %s", (order_id,))

    def abandoned(self, before: datetime) -> int:
        return self._connection.execute(
            "UPDATE notifications SET state = 'unknown' WHERE state = 'claimed' AND claimed_at < %s",
            (before,),
        ).rowcount

    def of_order(self, order_id: str) -> list[dict[str, Any]]:
        cursor = self._connection.cursor(row_factory=dict_row)
        return cursor.execute(
            "SELECT about, channel, state FROM notifications WHERE order_id = %s"
            " ORDER BY claimed_at, channel",
            (order_id,),
        ).fetchall()


class PostgresTokens:
    """The port `Tokens`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def principal(self, token_hash: str, now: datetime) -> tuple[str, Sequence[str]] | None:
        row = self._connection.execute(
            "SELECT subject, scopes FROM api_tokens"
            " WHERE token_hash = %s AND (expires_at IS NULL OR expires_at > %s)",
            (token_hash, now),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def add(
        self, token_hash: str, subject: str, scopes: Sequence[str], expires: datetime | None = None
    ) -> None:
        self._connection.execute(
            "INSERT INTO api_tokens (token_hash, subject, scopes, expires_at) VALUES (%s, %s, %s, %s)",
            (token_hash, subject, list(scopes), expires),
        )

    def known(self) -> list[tuple[str, str, Sequence[str], datetime | None]]:
        return self._connection.execute(
            "SELECT token_hash, subject, scopes, expires_at FROM api_tokens ORDER BY subject, token_hash"
        ).fetchall()

    def remove(self, token_hash: str) -> None:
        self._connection.execute("DELETE FROM api_tokens WHERE token_hash = %s", (token_hash,))
