"""Finds the event in what a queue, a topic or a rule delivered, whichever wrapping was configured."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


class UnreadableMessageError(ValueError):
    """A message that holds no event: it can only be looked at by a person, so it must reach the DLQ."""


def event_in(text: str) -> dict[str, Any]:
    """The event envelope inside raw JSON, an SNS notification or an EventBridge event."""
    try:
        body = json.loads(text)
    except ValueError as fault:
        raise UnreadableMessageError("message is not JSON") from fault
    for _ in range(3):
        if not isinstance(body, dict):
            break
        if body.get("Type") == "Notification" and isinstance(body.get("Message"), str):
            return event_in(body["Message"])
        if "detail-type" in body and isinstance(body.get("detail"), dict):
            body = body["detail"]
            continue
        break
    if not isinstance(body, dict) or not all(
        isinstance(body.get(key), str) for key in ("id", "type", "orderId")
    ):
        raise UnreadableMessageError("message holds no event")
    return body


def notifications(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every record's event of an SNS invocation (Chalice's own event object shows only the first)."""
    for record in event["Records"]:
        yield event_in(record["Sns"]["Message"])
