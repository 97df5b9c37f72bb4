"""What the use cases need from outside, as protocols; adapters implement them, bootstrap chooses."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chalicelib.domain.events import Event
from chalicelib.domain.order import Order
from chalicelib.services.messages.ports import MessageStore

Clock = Callable[[], datetime]  # aware UTC


class Ids(Protocol):
    """Identifiers; injected so that a run can be replayed."""

    def order_id(self) -> str: ...

    def event_id(self) -> str: ...

    def customer_id(self) -> str: ...


# --- the database -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Product:
    id: str
    name: str
    price: int | None  # minor units of the settlement currency; None: has no list price
    stocked: bool
    orderable: bool
    available: int = 0


@dataclass(frozen=True)
class Contact:
    """The personal data of one order; never leaves the database but to the customer's own channels."""

    name: str
    email: str | None = None
    phone: str | None = None
    shipping: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class StoredReply:
    fingerprint: str
    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Effect:
    """Something done to the outside or the stock: `registered` before, `done` after, `undone` at the end.

    Those of a completed order are `kept`: nobody looks through them until it is refunded.
    """

    kind: str
    key: str
    state: str


@dataclass(frozen=True)
class OutboxRow:
    id: int
    order_id: str
    sequence: int
    envelope: Mapping[str, Any]


@dataclass(frozen=True)
class OrderView:
    """One row of the read model."""

    order_id: str
    subject: str
    customer_id: str
    status: str
    currency: str
    total: int
    placed_at: datetime
    updated_at: datetime


class Orders(Protocol):
    def get(self, order_id: str, *, lock: bool = True) -> Order | None:
        """The order; with `lock` no other transaction changes it before this one ends."""
        ...

    def add(self, order: Order, contact: Contact) -> bool:
        """Store a new order with its pending events and outbox rows; False if the id is taken."""
        ...

    def save(self, order: Order) -> None:
        """Compare-and-set on the version, pending events included. Raises OrderBusyError if it lost."""
        ...

    def contact(self, order_id: str) -> Contact | None: ...

    def stale(self, statuses: Sequence[str], before: datetime, limit: int) -> list[str]:
        """Ids of orders in these statuses that nothing has touched since `before`, oldest first."""
        ...

    def of_execution(self, execution: str) -> list[str]:
        """Ids of the orders that this execution processes or cancels."""
        ...

    def unsettled(self, before: datetime, limit: int) -> list[str]:
        """Ids of orders in a final status that still have an effect to undo."""
        ...

    def stuck(self, before: datetime) -> tuple[int, datetime | None]:
        """How many orders without an end, with an effect to undo, or whose end recovery could not tell,
        had no event since; the time of the oldest one's."""
        ...

    def forget_details(self, before: datetime, limit: int) -> int:
        """Remove contacts, reservations and effects of orders that ended before; answers of how many orders.

        Not of one that a person must look at, or that has anything left to undo.
        """
        ...

    def touch(self, order_id: str, now: datetime) -> None:
        """Put the order at the end of the sweeper's queue."""
        ...


class Customers(Protocol):
    def identify(self, subject: str, id: str | None, name: str, new_id: str) -> str:
        """The customer's id: the one given, else the one that the subject's customer of this name has."""
        ...


class EventLog(Protocol):
    def of_order(self, order_id: str) -> list[Event]: ...

    def after(self, position: int, limit: int) -> list[tuple[int, Event]]:
        """Events of all orders in the order in which they were stored, with their positions."""
        ...


class Outbox(Protocol):
    def claim(self, limit: int, now: datetime, order_id: str | None = None) -> list[OutboxRow]:
        """Unpublished rows that no other relay holds, held until the transaction ends."""
        ...

    def published(self, ids: Sequence[int], now: datetime) -> None: ...

    def rejected(self, ids: Sequence[int], error: str, now: datetime) -> None: ...

    def requeue(self, order_id: str, kind: str) -> bool:
        """Publish the order's latest event of this kind once more."""
        ...

    def oldest_unpublished(self) -> datetime | None: ...

    def purge(self, before: datetime) -> int: ...


class IdempotencyKeys(Protocol):
    def acquire(self, subject: str, operation: str, key: str, now: datetime) -> StoredReply | None:
        """Hold the key for this transaction and give what is stored under it.

        Raises RequestInProgressError if another transaction holds it.
        """
        ...

    def store(
        self, subject: str, operation: str, key: str, reply: StoredReply, now: datetime, expires: datetime
    ) -> None: ...

    def purge(self, now: datetime) -> int: ...


class Inbox(Protocol):
    def first_times(self, consumer: str, event_ids: Sequence[str]) -> set[str]:
        """Those of the events that are new to the consumer: each once; undone if the transaction is."""
        ...

    def purge(self, before: datetime) -> int: ...


class Stock(Protocol):
    def products(self) -> list[Product]: ...

    def catalogue(self, *, lock: bool) -> list[tuple[Product, int]]:
        """All products, each with the units that orders hold; locked, they stay so for this transaction."""
        ...

    def put(self, product: Product, units: int) -> None:
        """Make the product, or change its name, price and offer; add the units to what is available."""
        ...

    def find(self, names: Sequence[str]) -> dict[str, Product]:
        """Products by id or name, under the word they were asked by; unknown ones are left out."""
        ...

    def reserve(self, order_id: str, wanted: Mapping[str, int], expires: datetime) -> list[str]:
        """Reserve all or nothing, in product order; answers the ids of products that are short."""
        ...

    def lapsed(self, order_id: str) -> bool:
        """Whether the order had a reservation that is no longer held."""
        ...

    def commit(self, order_id: str) -> int:
        """Take the reserved units out of stock for good; answers how many rows it moved."""
        ...

    def release(self, order_id: str) -> int:
        """Give back what is held or was committed; answers how many rows it moved."""
        ...

    def known(self, order_id: str) -> bool:
        """Whether any reservation was ever made for the order."""
        ...

    def expired_orders(self, now: datetime, limit: int) -> list[str]:
        """Ids of orders whose reservation has lapsed and, by their status, may expire; oldest first."""
        ...

    def expire(self, order_id: str) -> int: ...


class Effects(Protocol):
    def register(self, order_id: str, kind: str, key: str) -> None:
        """Note what is about to be done; a second time changes nothing."""
        ...

    def done(self, order_id: str, kind: str, key: str) -> None:
        """Note what this transaction does itself: registered and done at once."""
        ...

    def mark(self, order_id: str, kind: str, state: str) -> None: ...

    def keep(self, order_id: str) -> None:
        """The order is completed: its effects stand, and are undone only if it is refunded."""
        ...

    def of_order(self, order_id: str) -> list[Effect]:
        """In the order in which they were registered."""
        ...


class Notifications(Protocol):
    def claim(self, order_id: str, about: str, channel: str, now: datetime) -> str | None:
        """None: claimed by this call. Otherwise the state that it is in already."""
        ...

    def settle(self, order_id: str, about: str, channel: str, state: str, now: datetime) -> None: ...

    def forget(self, order_id: str, about: str, channel: str) -> None:
        """Give the claim back: the message was surely not sent."""
        ...

    def renew(self, order_id: str, about: str, channel: str) -> None:
        """Whatever became of it: the next claim is a new one, as for something that has happened again."""
        ...

    def untold(self, about: str, channel: str, before: datetime, limit: int) -> list[str]:
        """Ids of the orders whose message was claimed before this and not surely sent, oldest first."""
        ...

    def owe(self, order_id: str, now: datetime) -> None:
        """Recovery must still tell of this order's end, or has just tried to."""
        ...

    def owing(self, before: datetime, limit: int) -> list[str]:
        """Ids of the orders of whose end nobody was told, and which nobody looked at since; oldest first."""
        ...

    def owe_no_more(self, order_id: str) -> None: ...

    def abandoned(self, before: datetime) -> int:
        """Turn claims that were never settled into `unknown`; answers how many."""
        ...

    def of_order(self, order_id: str) -> list[dict[str, Any]]: ...


class Tokens(Protocol):
    def principal(self, token_hash: str, now: datetime) -> tuple[str, Sequence[str]] | None: ...

    def add(
        self, token_hash: str, subject: str, scopes: Sequence[str], expires: datetime | None = None
    ) -> None: ...

    def known(self) -> list[tuple[str, str, Sequence[str], datetime | None]]:
        """(hash, subject, scopes, expiry) of every token, by subject."""
        ...

    def remove(self, token_hash: str) -> None: ...


class ReadModel(Protocol):
    def apply(self, events: Sequence[Event]) -> None:
        """Fold new events in; each must come once, in whatever order."""
        ...

    def clear(self) -> None: ...

    def exclusive(self) -> None:
        """Keep every other writer of the read model out until the transaction ends."""
        ...

    def shared(self) -> None:
        """Keep a rebuild out until the transaction ends."""
        ...

    def page(
        self,
        *,
        subject: str | None,
        status: str | None,
        customer: str | None,
        before: tuple[datetime, str] | None,
        limit: int,
    ) -> list[OrderView]: ...

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, sorted, to compare two read models."""
        ...


class UnitOfWork(Protocol):
    """One transaction: entering begins, leaving commits, leaving by an exception rolls back."""

    @property
    def orders(self) -> Orders: ...
    @property
    def customers(self) -> Customers: ...
    @property
    def event_log(self) -> EventLog: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def keys(self) -> IdempotencyKeys: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def stock(self) -> Stock: ...
    @property
    def effects(self) -> Effects: ...
    @property
    def notifications(self) -> Notifications: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def read_model(self) -> ReadModel: ...
    @property
    def messages(self) -> MessageStore: ...


UnitOfWorkFactory = Callable[[], AbstractContextManager[UnitOfWork]]


class Database(Protocol):
    """The database as a whole, for health checks, migrations, and what needs no transaction."""

    def ping(self) -> None: ...

    def has_unpublished(self, order_id: str) -> bool:
        """Whether the order has an event that is not published yet, or just being published by another."""
        ...

    def migrate(self) -> list[str]:
        """Apply what is missing, under a lock; answers the names of what was applied."""
        ...


# --- the world outside ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PublishResult:
    """What became of one entry; `error` is None when the bus accepted it."""

    error: str | None = None

    @property
    def accepted(self) -> bool:
        return self.error is None


class BusPublisher(Protocol):
    def publish(self, envelopes: Sequence[Mapping[str, Any]]) -> list[PublishResult]:
        """One result for each envelope, in their order. Any number may be given.

        Raises ThrottledError or another TransientError only if nothing is known of any entry.
        """
        ...

    def check(self) -> None:
        """Raises if the bus cannot be reached."""
        ...


@dataclass(frozen=True)
class GatewayRecord:
    """What the gateway's ledger says of one key.

    kind: authorise, capture, void, refund. state: approved, declined, voided (a tombstone, too).
    """

    key: str
    kind: str
    state: str
    amount: int
    currency: str
    reason: str | None = None


class PaymentGateway(Protocol):
    """Idempotent by key. Every method may raise GatewayTimeoutError: then ask `lookup` what happened."""

    def authorise(self, key: str, amount: int, currency: str, token: str) -> GatewayRecord: ...

    def capture(self, key: str, authorisation: str) -> GatewayRecord:
        """Raises PaymentRefusedError if the authorisation is missing, declined or voided."""
        ...

    def void(self, key: str, authorisation: str) -> GatewayRecord:
        """Void, or leave a tombstone that refuses a later authorise. Refused after a capture."""
        ...

    def refund(self, key: str, capture: str) -> GatewayRecord:
        """Refund, or leave a tombstone that refuses a later capture."""
        ...

    def lookup(self, key: str) -> GatewayRecord | None: ...


@dataclass(frozen=True)
class Message:
    """One message on one channel: `recipient` is an address or a number, None for operators."""

    channel: str
    about: str
    order_id: str
    correlation_id: str
    subject: str
    text: str
    recipient: str | None = None
    name: str | None = None


class Notifier(Protocol):
    def send(self, message: Message) -> None:
        """Hand over to SES (email), SNS (sms) or the topic `order-notifications` (operators)."""
        ...

    def alert(self, subject: str, text: str, order_id: str, correlation_id: str) -> None:
        """Tell a person, over the topic `operational-alerts`."""
        ...


class Executions(Protocol):
    def is_running(self, execution: str) -> bool:
        """Whether a workflow execution is still alive; False for one that is not known."""
        ...


class SecretStore(Protocol):
    def read(self, name: str) -> str:
        """The secret's string."""
        ...


class Log(Protocol):
    """Structured logging: a constant message, the values as fields."""

    def info(self, message: str, **fields: Any) -> None: ...

    def warning(self, message: str, **fields: Any) -> None: ...

    def error(self, message: str, **fields: Any) -> None: ...
