"""The tables of messages on one connection: the port `MessageStore`."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection

from chalicelib.services.messages.model import (
    CRITICAL_ALERT,
    KINDS,
    NOTIFICATION,
    UNROUTED,
    Message,
    Selection,
    StoredMessage,
    Wanted,
)

_TABLES: Mapping[str, str] = {
    NOTIFICATION: "messages.notifications",
    CRITICAL_ALERT: "messages.critical_alerts",
    UNROUTED: "messages.unrouted",
}
_COLUMNS = "message_id, key, subject, body, published_at"
_ADD = """
INSERT INTO {table} ({columns})
SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING
"""
_MISSING = """
SELECT w.message_id FROM unnest(%s::text[], %s::text[]) AS w (message_id, key)
WHERE NOT EXISTS (SELECT FROM {table} m WHERE m.message_id = w.message_id)
  AND NOT EXISTS (SELECT FROM {table} m WHERE m.key = w.key)
"""
_PAGE = """
(SELECT '{kind}' AS kind, message_id, {declared} AS declared, key, subject, body, published_at, stored_at
 FROM {table}
 WHERE (%(since)s::timestamptz IS NULL OR published_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR published_at < %(until)s)
   AND (%(time)s::timestamptz IS NULL OR (published_at, message_id) < (%(time)s, %(id)s))
 ORDER BY published_at DESC, message_id DESC LIMIT %(limit)s)
"""


class PostgresMessages:
    """Rows are added in the order of their ids, so that batches that overlap wait and never deadlock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, messages: Sequence[Message]) -> int:
        ordered = sorted(messages, key=lambda message: message.message_id)
        return sum(self._add(kind, [one for one in ordered if one.kind == kind]) for kind in KINDS)

    def _add(self, kind: str, messages: Sequence[Message]) -> int:
        if not messages:
            return 0
        columns: dict[str, list[Any]] = {
            name: [getattr(message, name) for message in messages] for name in _COLUMNS.split(", ")
        }
        casts = ["%s::text[]"] * 4 + ["%s::timestamptz[]"]
        if kind == UNROUTED:
            columns["declared_type"] = [message.declared for message in messages]
            casts.append("%s::text[]")
        query = _ADD.format(table=_TABLES[kind], columns=", ".join(columns), arrays=", ".join(casts))
        return self._connection.execute(query.encode(), list(columns.values())).rowcount

    def missing(self, kind: str, wanted: Sequence[Wanted]) -> list[str]:
        ids, keys = [one.message_id for one in wanted], [one.key for one in wanted]
        rows = self._connection.execute(_MISSING.format(table=_TABLES[kind]).encode(), (ids, keys))
        return [row[0] for row in rows]

    def unalerted(self, message_ids: Sequence[str]) -> list[str]:
        rows = self._connection.execute(
            "SELECT message_id FROM messages.unrouted"
            " WHERE message_id = ANY(%s) AND alerted_at IS NULL ORDER BY published_at, message_id",
            (list(message_ids),),
        )
        return [row[0] for row in rows]

    def alerted(self, message_ids: Sequence[str]) -> None:
        self._connection.execute(
            "UPDATE messages.unrouted SET alerted_at = now() WHERE message_id = ANY(%s)", (list(message_ids),)
        )

    def page(self, selection: Selection) -> list[StoredMessage]:
        kinds = KINDS if selection.kind is None else (selection.kind,)
        parts = [_PAGE.format(kind=kind, table=_TABLES[kind], declared=_declared(kind)) for kind in kinds]
        query = (
            f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS found"
            " ORDER BY published_at DESC, message_id DESC LIMIT %(limit)s"
        )
        time, row_id = selection.before or (None, None)
        values = {
            "since": selection.since, "until": selection.until, "time": time, "id": row_id,
            "limit": selection.limit,
        }  # fmt: skip
        rows = self._connection.execute(query.encode(), values)
        return [StoredMessage(row[0], Message(*row[1:7]), row[7]) for row in rows]


def _declared(kind: str) -> str:
    return "declared_type" if kind == UNROUTED else f"'{kind}'"
