"""Messages as they are published, received and stored; each kind has its own queue and table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.errors import OrdersError

NOTIFICATION = "notification"
CRITICAL_ALERT = "critical_alert"
UNROUTED = "unrouted"  # no type of a sender: where messages go whose type is neither of the two
TYPES = (NOTIFICATION, CRITICAL_ALERT)
KINDS = (*TYPES, UNROUTED)
QUEUES: Mapping[str, str] = {
    NOTIFICATION: "notifications",
    CRITICAL_ALERT: "critical-alerts",
    UNROUTED: "unrouted-messages",
}


class BadMessageError(OrdersError):
    """A message of a queue that is no notification of SNS: only a person can tell what it is."""


class BadRequestError(OrdersError):
    """A request to publish or to drain that cannot be understood; the text names all that is wrong."""


class NotPublishedError(OrdersError):
    """SNS refused messages for what they are; sending them again would not help."""


@dataclass(frozen=True)
class Outgoing:
    """One message to be published; `attributes` go beside `type` and `key`."""

    kind: str | None
    subject: str | None
    body: str
    key: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """One message of a queue: SQS's id, its body, and what deletes it."""

    message_id: str
    body: str
    receipt: str = ""


@dataclass(frozen=True)
class Message:
    """One message as it is stored; `message_id` is SNS's."""

    message_id: str
    declared: str | None
    key: str | None
    subject: str | None
    body: str
    published_at: datetime

    @property
    def kind(self) -> str:
        return self.declared if self.declared in TYPES else UNROUTED


@dataclass(frozen=True)
class Wanted:
    """A published message that somebody waits for: stored by its id, or by its key as another copy."""

    message_id: str
    key: str


@dataclass(frozen=True)
class StoredMessage:
    """One row of a list."""

    kind: str
    message: Message
    stored_at: datetime


@dataclass(frozen=True)
class Selection:
    """Which stored messages: of one kind or of all, published in [since, until), before a position."""

    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, str] | None = None
    limit: int = 50
