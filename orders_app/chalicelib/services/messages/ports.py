"""What the messaging services need from outside."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from chalicelib.services.messages.model import Message, Outgoing, Received, Selection, StoredMessage, Wanted

Clock = Callable[[], datetime]


class MessageStore(Protocol):
    """The tables of messages, inside a transaction."""

    def add(self, messages: Sequence[Message]) -> int:
        """One statement for each kind; how many were not known yet."""
        ...

    def missing(self, kind: str, wanted: Sequence[Wanted]) -> list[str]:
        """The wanted ids that are not stored, neither they nor another copy with the same key."""
        ...

    def unalerted(self, message_ids: Sequence[str]) -> list[str]:
        """Which of these unrouted messages nobody was told of."""
        ...

    def alerted(self, message_ids: Sequence[str]) -> None: ...

    def page(self, selection: Selection) -> list[StoredMessage]:
        """The newest first."""
        ...


class HasMessages(Protocol):
    @property
    def messages(self) -> MessageStore: ...


Transactions = Callable[[], AbstractContextManager[HasMessages]]


class Topic(Protocol):
    def publish(self, messages: Sequence[Outgoing]) -> list[str]:
        """SNS's ids, in their order, of any number of messages.

        Raises ThrottledError when some may be sent again, NotPublishedError when some never will be sent.
        """
        ...


class Queues(Protocol):
    def receive(self, queue: str, limit: int, wait_seconds: int) -> list[Received]: ...

    def delete(self, queue: str, messages: Sequence[Received]) -> None: ...


class Alerts(Protocol):
    def alert(self, subject: str, details: Mapping[str, Any]) -> object:
        """To the topic of operational alerts."""
        ...
