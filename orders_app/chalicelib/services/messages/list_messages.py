"""Lists stored messages by type and time, the newest first."""

from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.events import timestamp
from chalicelib.services.cursors import cursor, position
from chalicelib.services.messages.model import Selection, StoredMessage
from chalicelib.services.messages.ports import Transactions


@dataclass(frozen=True)
class ListMessages:
    """A selection with a cursor not read yet."""

    selection: Selection
    cursor: str | None = None


def list_messages(uow: Transactions, query: ListMessages) -> dict[str, Any]:
    """One page; `nextCursor` is null on the last one. Raises InvalidQueryError for a bad cursor."""
    limit = query.selection.limit
    before = position(query.cursor) if query.cursor else None
    with uow() as tx:
        found = tx.messages.page(replace(query.selection, before=before, limit=limit + 1))
    last = found[limit - 1].message if len(found) > limit else None
    return {
        "messages": [_wire(one) for one in found[:limit]],
        "nextCursor": cursor(last.published_at, last.message_id) if last else None,
    }


def _wire(stored: StoredMessage) -> dict[str, Any]:
    message = stored.message
    return {
        "messageId": message.message_id,
        "type": stored.kind,
        "declaredType": message.declared,
        "key": message.key,
        "subject": message.subject,
        "body": message.body,
        "publishedAt": timestamp(message.published_at),
        "storedAt": timestamp(stored.stored_at),
    }
