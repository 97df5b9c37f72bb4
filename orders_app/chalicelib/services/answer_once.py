"""One answer for each idempotency key: within its time the same request gets the stored one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.domain.commands import Reply
from chalicelib.domain.errors import KeyReusedError
from chalicelib.services.context import Context
from chalicelib.services.ports import StoredReply, UnitOfWork


@dataclass(frozen=True)
class Request:
    """Whose key it is and for what; without a key every request is a new one."""

    subject: str
    operation: str
    key: str | None
    fingerprint: str


def answer_once(context: Context, tx: UnitOfWork, request: Request, answer: Callable[[], Reply]) -> Reply:
    """The stored reply, or that of `answer`, which is stored with what it does: a refusal leaves nothing.

    Raises KeyReusedError for another request under the key, RequestInProgressError while the first runs.
    """
    key = request.key
    if key is None:
        return answer()
    now = context.clock()
    stored = tx.keys.acquire(request.subject, request.operation, key, now)
    if stored is not None:
        if stored.fingerprint != request.fingerprint:
            raise KeyReusedError("this key was used for a request with another body")
        return Reply(stored.status, dict(stored.body), replayed=True)
    reply = answer()
    expires = now + timedelta(seconds=context.settings.idempotency_seconds)
    remembered = StoredReply(request.fingerprint, reply.status, reply.body)
    tx.keys.store(request.subject, request.operation, key, remembered, now, expires)
    return reply
