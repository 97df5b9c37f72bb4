"""Finds the event in what a queue, a topic or a rule delivered, whichever wrapping was configured."""

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib import logs, metrics
from chalicelib.domain.commands import correlation_of, plain_id
from chalicelib.domain.json_values import parsed

_OURS = ("id", "type", "orderId")
_SIGNS = frozenset({"type", "sequence", "data"})


class UnreadableMessageError(ValueError):
    """A message that holds no event: it can only be looked at by a person, so it must reach the DLQ."""


def event_in(text: str) -> dict[str, Any] | None:
    """The event envelope inside raw JSON, an SNS notification or an EventBridge event.

    None for an order of a foreign sender, as the bus and the topic let them through: where the stage admits
    it, the workflow places it and its own events follow. Raises UnreadableMessageError.
    """
    body = _unwrapped(text)
    if isinstance(body, dict) and all(isinstance(body.get(field), str) for field in _OURS):
        return body
    if isinstance(body, dict) and isinstance(body.get("orderId"), str) and not _SIGNS & set(body):
        metrics.count("ForeignMessages")
        with logs.bound(order_id=plain_id(body["orderId"]), correlation_id=correlation_of(body)):
            logs.info("foreign order passed by")
        return None
    raise UnreadableMessageError("message holds no event")


def notifications(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every record's event of an SNS invocation (Chalice's own event object shows only the first)."""
    for record in event["Records"]:
        found = event_in(record["Sns"]["Message"])
        if found is not None:
            yield found


def _unwrapped(text: str) -> Any:
    try:
        body = parsed(text)
    except ValueError as fault:
        raise UnreadableMessageError("message is not JSON") from fault
    if isinstance(body, dict) and body.get("Type") == "Notification" and isinstance(body.get("Message"), str):
        return _unwrapped(body["Message"])
    return body["detail"] if isinstance(body, dict) and "detail-type" in body and "detail" in body else body
