"""Messages as SNS puts them into a queue, and fakes of what the messaging services need from outside."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.services.messages.model import (
    NOTIFICATION,
    Message,
    Outgoing,
    Received,
    Selection,
    StoredMessage,
    Wanted,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def envelope(number: int = 1, kind: str | None = NOTIFICATION, **changed: Any) -> dict[str, Any]:
    """What SNS delivers to a queue; `key` is an attribute."""
    attributes = {"type": kind, "key": changed.pop("key", None)}
    return {
        "Type": "Notification",
        "MessageId": f"sns-{number:05}",
        "TopicArn": "arn:aws:sns:us-east-1:000000000000:order-notifications-local",
        "Subject": f"Subject {number}",
        "Message": f"Text {number}",
        "Timestamp": "2026-11-20T11:59:00.000Z",
        "MessageAttributes": {
            name: {"Type": "String", "Value": value}
            for name, value in attributes.items()
            if value is not None
        },
        **changed,
    }


def received(number: int = 1, kind: str | None = NOTIFICATION, **changed: Any) -> Received:
    return Received(f"sqs-{number:05}", json.dumps(envelope(number, kind, **changed)), f"receipt-{number}")


POISON = Received("sqs-poison", "not JSON", "receipt-poison")


def refused_by_the_database(number: int, **changed: Any) -> Received:
    """Readable, but PostgreSQL's text holds no NUL."""
    return received(number, Message="a\0b", **changed)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class FakeTopic:
    """Gives ids in order; `fault` is raised instead."""

    sent: list[Outgoing] = field(default_factory=list)
    fault: Exception | None = None

    def publish(self, messages: Sequence[Outgoing]) -> list[str]:
        if self.fault is not None:
            raise self.fault
        first = len(self.sent)
        self.sent += messages
        return [f"sns-{number}" for number in range(first, len(self.sent))]


@dataclass
class FakeAlerts:
    told: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    fault: Exception | None = None

    def alert(self, subject: str, details: Mapping[str, Any]) -> None:
        if self.fault is not None:
            raise self.fault
        self.told.append((subject, details))


class FakeStore:
    """The tables in memory: the port `MessageStore`, and the transactions on it."""

    def __init__(self) -> None:
        self.rows: dict[str, Message] = {}
        self.told: set[str] = set()
        self.fault: Exception | None = None

    @property
    def messages(self) -> "FakeStore":
        return self

    @contextmanager
    def __call__(self) -> Iterator["FakeStore"]:
        if self.fault is not None:
            raise self.fault
        before = dict(self.rows)
        try:
            yield self
        except BaseException:
            self.rows = before
            raise

    def add(self, messages: Sequence[Message]) -> int:
        before = len(self.rows)
        for message in messages:
            if "\0" in message.body:
                raise ValueError("NUL")
            if not self._knows(message.message_id, message.key):
                self.rows[message.message_id] = message
        return len(self.rows) - before

    def _knows(self, message_id: str, key: str | None) -> bool:
        keys = {message.key for message in self.rows.values()} - {None}
        return message_id in self.rows or key in keys

    def missing(self, kind: str, wanted: Sequence[Wanted]) -> list[str]:
        return [one.message_id for one in wanted if not self._knows(one.message_id, one.key)]

    def unalerted(self, message_ids: Sequence[str]) -> list[str]:
        return [one for one in message_ids if one in self.rows and one not in self.told]

    def alerted(self, message_ids: Sequence[str]) -> None:
        self.told |= set(message_ids)

    def page(self, selection: Selection) -> list[StoredMessage]:
        raise NotImplementedError("lists are tested on PostgreSQL")


class FakeQueues:
    """One queue: what is received is invisible until `come_back`; each empty receive takes a second."""

    def __init__(self, clock: Clock, waiting: Sequence[Received] = ()) -> None:
        self.clock = clock
        self.waiting = list(waiting)
        self.taken: list[Received] = []
        self.asked: list[str] = []
        self.deletes = True

    def receive(self, queue: str, limit: int, wait_seconds: int) -> list[Received]:
        self.asked.append(queue)
        self.clock.advance(0.05 if self.waiting else wait_seconds)
        batch, self.waiting = self.waiting[:limit], self.waiting[limit:]
        self.taken += batch
        return batch

    def delete(self, queue: str, messages: Sequence[Received]) -> None:
        if not self.deletes:
            raise ConnectionError("the consumer died before it could delete")
        self.taken = [one for one in self.taken if one not in messages]

    def come_back(self) -> None:
        self.waiting, self.taken = self.waiting + self.taken, []
