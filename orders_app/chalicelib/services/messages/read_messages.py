"""Reads what SNS puts into a queue: its envelope around the message, never delivered raw.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.json_values import parsed
from chalicelib.services.messages.model import BadMessageError, Message


def read_message(body: str) -> Message:
    """The message inside a queue's body. Raises BadMessageError."""
    try:
        envelope = parsed(body)
        if envelope["Type"] != "Notification":
            raise BadMessageError(f"type of envelope is {envelope['Type']!r}, not 'Notification'")
        return Message(
            message_id=_text(envelope["MessageId"]),
            declared=_attribute(envelope, "type"),
            key=_attribute(envelope, "key"),
            subject=envelope.get("Subject"),
            body=_text(envelope["Message"]),
            published_at=_time(envelope["Timestamp"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadMessageError(f"not a notification of SNS: {type(error).__name__}") from error


def _attribute(envelope: Mapping[str, Any], name: str) -> str | None:
    value = envelope.get("MessageAttributes", {}).get(name, {}).get("Value")
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("time without zone")
    return moment
