"""Takes one safeguard out of a shop by wiring; the product itself has no such switch.

`pytest --ablate NAME` runs any test that uses a shop without that safeguard; `python -m scripts.ablation`
runs the suite once for each and demands that some test notices.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.bootstrap import Adapters, Services
from chalicelib.domain import events
from chalicelib.domain.commands import ClaimOrder, OrderTask
from chalicelib.domain.order import Order, Status
from chalicelib.services import context as steps
from chalicelib.services.ports import BusPublisher, Contact, OutboxRow, StoredReply


class Delegate:
    """Everything as in `inner`, but for what a subclass takes out."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class NoKeys(Delegate):
    """Idempotency keys that remember nothing and lock nothing."""

    def acquire(self, subject: str, operation: str, key: str, now: datetime) -> StoredReply | None:
        return None


class NoInbox(Delegate):
    """Every message counts as new."""

    def first_times(self, consumer: str, event_ids: Sequence[str]) -> set[str]:
        return set(event_ids)


class UnguardedOrder(Order):
    """Goes wherever it is told."""

    def move(self, to: Status) -> None:
        self.status = to


class UnguardedOrders(Delegate):
    """Orders without the transition table and without compare-and-set on the version."""

    def get(self, order_id: str, *, lock: bool = True) -> Order | None:
        order: Order | None = self._inner.get(order_id, lock=False)
        if order is not None:
            order.__class__ = UnguardedOrder
        return order

    def save(self, order: Order) -> None:
        stored: Order | None = self._inner.get(order.id, lock=False)
        if stored is not None:
            order.version = stored.version
        self._inner.save(order)


class DualWritingOrders(Delegate):
    """Events go to the bus in the middle of the transaction, as if there were no outbox."""

    def __init__(self, inner: Any, bus: BusPublisher) -> None:
        super().__init__(inner)
        self._bus = bus

    def add(self, order: Order, contact: Contact) -> bool:
        pending = list(order.pending)
        added: bool = self._inner.add(order, contact)
        self._send(pending)
        return added

    def save(self, order: Order) -> None:
        pending = list(order.pending)
        self._inner.save(order)
        self._send(pending)

    def _send(self, pending: Sequence[events.Event]) -> None:
        if pending:
            self._bus.publish([event.envelope() for event in pending])


class NoOutbox(Delegate):
    """An outbox that never has anything to publish."""

    def claim(self, limit: int, now: datetime, order_id: str | None = None) -> list[OutboxRow]:
        return []


def with_repositories(adapters: Adapters, wrap: Callable[[Any], Mapping[str, Any]]) -> Adapters:
    uow = adapters.uow

    @contextmanager
    def wired() -> Iterator[Any]:
        with uow() as tx:
            changed = Delegate(tx)
            for name, repository in wrap(tx).items():
                setattr(changed, name, repository)
            yield changed

    return replace(adapters, uow=wired)


def without_outbox(adapters: Adapters) -> Adapters:
    bus = adapters.bus
    return with_repositories(
        adapters, lambda tx: {"orders": DualWritingOrders(tx.orders, bus), "outbox": NoOutbox(tx.outbox)}
    )


def without_keys(adapters: Adapters) -> Adapters:
    return with_repositories(adapters, lambda tx: {"keys": NoKeys(tx.keys)})


def without_inbox(adapters: Adapters) -> Adapters:
    return with_repositories(adapters, lambda tx: {"inbox": NoInbox(tx.inbox)})


def without_guard(adapters: Adapters) -> Adapters:
    return with_repositories(adapters, lambda tx: {"orders": UnguardedOrders(tx.orders)})


def without_claim(services: Services, adapters: Adapters) -> Services:
    """Every execution may have the order, whoever has it already."""

    def claim_anyway(command: ClaimOrder) -> dict[str, Any]:
        task = OrderTask(str(command.order["orderId"]), command.execution)
        with adapters.uow() as tx:
            order = steps.load(tx, task.order_id)
            order.execution = command.execution
            if order.status is Status.PLACED:
                order.move(Status.PROCESSING)
            tx.orders.save(order)
        return steps.answer(order, "claimed", task)

    return replace(services, claim_order=claim_anyway)


ADAPTERS: Mapping[str, Callable[[Adapters], Adapters]] = {
    "outbox": without_outbox,
    "keys": without_keys,
    "inbox": without_inbox,
    "guard": without_guard,
}
SERVICES: Mapping[str, Callable[[Services, Adapters], Services]] = {"claim": without_claim}
NAMES = (*ADAPTERS, *SERVICES)
