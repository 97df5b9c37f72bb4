"""One dead letter, and what its message tells about its failure: pure, no AWS call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalicelib import logs
from chalicelib.domain.commands import correlation_of, plain_id
from chalicelib.domain.json_values import MAX_DEPTH, JsonValueError, inside, parsed

_LOOKS_LIKE_JSON = re.compile(r'\s*(?:["{]|\[\s*["{\[\]])')  # not "[Errno 111] refused"


@dataclass(frozen=True)
class DeadLetter:
    """A received message of a dead-letter queue; `origin` says who gave up on it."""

    message_id: str
    receipt: str
    body: str
    sent_at: datetime
    receives: int
    attributes: Mapping[str, Any] = field(default_factory=dict)  # message attributes as SQS gives them
    source: str = ""  # ARN of the queue whose consumer gave up on it; SQS names it

    @classmethod
    def received(cls, message: Mapping[str, Any]) -> DeadLetter:
        system = message.get("Attributes", {})
        sent = int(system.get("SentTimestamp", 0)) / 1000
        return cls(
            message_id=message["MessageId"],
            receipt=message["ReceiptHandle"],
            body=message["Body"],
            sent_at=datetime.fromtimestamp(sent, UTC),
            receives=int(system.get("ApproximateReceiveCount", 0)),
            attributes=message.get("MessageAttributes", {}),
            source=system.get("DeadLetterQueueSourceArn", ""),
        )

    @property
    def origin(self) -> str:
        """`rule`, `function`, `subscription` or `queue`."""
        content = self.content
        if self.source:
            return "queue"
        if self.attribute("TARGET_ARN"):
            return "rule"
        if "functionArn" in _object(_object(content).get("requestContext")):
            return "function"
        if _object(content).get("Type") == "Notification" and "TopicArn" in content:
            return "subscription"
        return "queue"

    @property
    def content(self) -> Any:
        """The body as JSON, or its text where that is none or nests too deeply to be worked with."""
        try:
            return parsed(self.body)
        except ValueError:
            return self.body

    @property
    def error(self) -> str:
        """Why it died, as far as the message says: the first line, without personal data."""
        return str(logs.redacted(self._told.split("\n", 1)[0]))

    @property
    def _told(self) -> str:
        if self.origin == "rule":
            return f"{self.attribute('ERROR_CODE')}: {self.attribute('ERROR_MESSAGE')}"
        if self.origin == "function":
            answer = _object(self.content.get("responsePayload"))
            condition = self.content["requestContext"].get("condition", "")
            return f"{answer.get('errorType', condition)}: {answer.get('errorMessage', condition)}"
        if self.origin == "subscription":
            return "the subscription could not be delivered"
        return "given up by its consumer, whose log says why"

    @property
    def subscription_arn(self) -> str | None:
        """The subscription of an undelivered notification; AWS names it only in the unsubscribe link."""
        query = parse_qs(urlsplit(str(self.content.get("UnsubscribeURL", ""))).query)
        return next(iter(query.get("SubscriptionArn", [])), None)

    def attribute(self, name: str) -> str | None:
        return (self.attributes.get(name) or {}).get("StringValue")

    @property
    def ids(self) -> dict[str, str | None]:
        """Order and correlation id of what it speaks of, however deeply it is wrapped."""
        order = next((one for one in _objects(_unfolded(self.content)) if plain_id(one.get("orderId"))), {})
        return {"order_id": plain_id(order.get("orderId")), "correlation_id": correlation_of(order)}

    def shown(self) -> str:
        """The content for a terminal, without fields that name a person and texts that look like an address.

        JSON within text is unfolded first: the `Message` of a notification, the `input` of an execution.
        """
        return json.dumps(logs.redacted(_unfolded(self.content)), indent=2, ensure_ascii=False)

    def age(self, now: datetime) -> str:
        """`3d 4h`, `12m 5s`: the two largest units."""
        return age_of(int((now - self.sent_at).total_seconds()))


def _object(value: Any) -> Mapping[str, Any]:
    """The value if it is an object: a poisoned message may have anything in its place."""
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in the value, outer ones first."""
    level = [value]
    while level:
        yield from (one for one in level if isinstance(one, dict))
        level = [inner for one in level for inner in inside(one)]


def _unfolded(value: Any, depth: int = 0) -> Any:
    """The value with its texts of JSON as what they say; what cannot be read is told by its length only."""
    if depth > MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {name: _unfolded(_told(name, inner), depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_unfolded(inner, depth + 1) for inner in value]
    if not isinstance(value, str) or not _LOOKS_LIKE_JSON.match(value):
        return value
    try:
        return _unfolded(parsed(value), depth + 1)
    except JsonValueError:
        return f"unreadable, {len(value)} characters"


def _told(name: str, value: Any) -> Any:
    """Of an error its first line only: PostgreSQL's DETAIL line quotes the row."""
    return value.split("\n", 1)[0] if name == "errorMessage" and isinstance(value, str) else value


def age_of(seconds: int) -> str:
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        amount, seconds = divmod(max(seconds, 0), size)
        if amount or (unit == "s" and not parts):
            parts.append(f"{amount}{unit}")
    return " ".join(parts[:2])
