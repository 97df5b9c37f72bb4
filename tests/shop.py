"""The application on a real database with fakes around it, and a driver that walks orders through it.

The driver does what the two state machines do, in process: steps in order, transient faults tried again,
other faults compensated. tests/contract holds the machines themselves to the same story.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, ClassVar, Self

import psycopg

from chalicelib.adapters.payment_gateway import SandboxGateway
from chalicelib.adapters.postgres.connections import Connections
from chalicelib.adapters.postgres.migrate import PostgresDatabase
from chalicelib.adapters.postgres.unit_of_work import PostgresUnitOfWork
from chalicelib.bootstrap import Adapters, Services, build
from chalicelib.config import Settings
from chalicelib.domain.commands import (
    CancelOrder,
    ClaimOrder,
    CustomerInput,
    LineInput,
    OrderTask,
    PlaceOrder,
    Principal,
)
from chalicelib.domain.errors import TransientError
from tests.fakes import FakeBus, FakeClock, FakeExecutions, FakeLake, FakeNotifier, SequentialIds
from tests.faults import ablations

ALICE = Principal("alice", frozenset({"orders:read", "orders:write"}))
OPERATOR = Principal("operator", frozenset({"ops"}))
SETTINGS = Settings(admit_unpriced_orders=True, admit_foreign_orders=True)
Answer = dict[str, Any]


def an_order(**changes: Any) -> PlaceOrder:
    """A command for two widgets of Alice's."""
    command = PlaceOrder(
        subject="alice",
        customer=CustomerInput("Alice Johnson", email="alice@example.com"),
        lines=(LineInput("Widget", 2),),
        correlation_id="corr-1",
        fingerprint="body-1",
    )
    return replace(command, **changes)


def lines(*wanted: tuple[str, int]) -> tuple[LineInput, ...]:
    return tuple(LineInput(product, quantity) for product, quantity in wanted)


class Shop:
    """Everything that a test of the services needs."""

    ablate: ClassVar[str] = ""  # the safeguard that `pytest --ablate` takes out

    def __init__(self, url: str, settings: Settings = SETTINGS) -> None:
        self.url = url
        self.settings = settings
        self.connections = Connections(lambda: url)
        self.gateway_connections = Connections(lambda: url, "payment-gateway")
        self.clock, self.ids, self.bus = FakeClock(), SequentialIds(), FakeBus()
        self.notifier, self.executions, self.lake = FakeNotifier(), FakeExecutions(), FakeLake()
        self.gateway = SandboxGateway(self.gateway_connections, sleep=lambda seconds: None)
        self.adapters = Adapters(
            uow=PostgresUnitOfWork(self.connections),
            database=PostgresDatabase(self.connections),
            gateway=self.gateway,
            bus=self.bus,
            notifier=self.notifier,
            executions=self.executions,
            lake=self.lake,
            clock=self.clock,
            ids=self.ids,
        )
        self.rewire()
        self._watching: psycopg.Connection | None = None

    def rewire(self, **changes: Any) -> None:
        """Put other adapters, or other `settings`, behind the services."""
        self.settings = changes.pop("settings", self.settings)
        self.adapters = replace(self.adapters, **changes)
        remove = ablations.ADAPTERS.get(self.ablate)
        wired = remove(self.adapters) if remove else self.adapters
        self.services_uow = wired.uow
        self.services: Services = build(self.settings, wired)
        if self.ablate in ablations.SERVICES:
            self.services = ablations.SERVICES[self.ablate](self.services, wired)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.connections.close()
        self.gateway_connections.close()
        if self._watching is not None:
            self._watching.close()

    # --- acting -------------------------------------------------------------------------------------------

    def place(self, **changes: Any) -> str:
        """Place an order and publish it; answers its id."""
        order_id: str = self.services.place_order(an_order(**changes)).body["orderId"]
        self.services.relay_outbox(order_id=order_id)
        return order_id

    def cancel(self, order_id: str, viewer: Principal = ALICE) -> Any:
        return self.services.cancel_order(CancelOrder(order_id, viewer, "corr-2"))

    def claim(self, order_id: str, execution: str = "exec-1") -> Answer:
        placed = self.events(order_id)[0]
        return self.services.claim_order(ClaimOrder(placed, execution))

    def task(self, order_id: str, execution: str = "exec-1", **more: Any) -> OrderTask:
        return OrderTask(order_id, execution, "corr-1", **more)

    def run(self, order_id: str, execution: str = "exec-1") -> str:
        """The processing workflow; answers its last outcome, or `compensation_failed`."""
        outcome: str = self.claim(order_id, execution)["outcome"]
        if outcome != "claimed":
            return outcome
        return self.go_on(order_id, execution)

    def go_on(self, order_id: str, execution: str = "exec-1") -> str:
        """The processing workflow after the claim."""
        task = self.task(order_id, execution)
        reply: Answer = {}
        try:
            for step, goes_on in (
                (self.services.validate_payment, "authorised"),
                (self.services.check_inventory, "reserved"),
                (self.services.process_order, ""),
            ):
                reply = persistently(lambda step=step: step(task))  # type: ignore[misc]
                if reply["outcome"] != goes_on:
                    break
        except Exception:
            reply = {"outcome": "fault"}
        if reply["outcome"] not in ("completed", "declined"):
            reply = self.compensate(task)
        self.notify(reply)
        return str(reply["outcome"])

    def compensate(self, task: OrderTask) -> Answer:
        try:
            return persistently(lambda: self.services.compensate_order(task))
        except Exception as error:
            failed = replace(task, error=type(error).__name__)
            return self.services.record_compensation_failure(failed)

    def run_cancellation(self, order_id: str, execution: str = "cancel-1") -> str:
        """The cancellation workflow; answers its last outcome."""
        reply = self.services.begin_cancellation(ClaimOrder({"orderId": order_id}, execution))
        if reply["outcome"] != "begun":
            return str(reply["outcome"])
        task = self.task(order_id, execution)
        try:
            reply = persistently(lambda: self.services.settle_cancellation(task))
        except Exception as error:
            reply = self.services.record_compensation_failure(replace(task, error=type(error).__name__))
        self.notify(reply)
        return str(reply["outcome"])

    def notify(self, reply: Answer) -> None:
        for channel in reply["channels"]:
            task = self.task(reply["orderId"], channel=channel, extra={"kind": reply["kind"]})
            self.services.send_notification(task)

    def consume(self, envelopes: Sequence[Any] | None = None) -> None:
        """Deliver what the bus accepted (or `envelopes`) to the read model."""
        self.services.apply_event_to_read_model(self.bus.accepted if envelopes is None else envelopes)

    # --- looking ------------------------------------------------------------------------------------------

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look at (or prepare) the tables, on a connection of the test's own."""
        if self._watching is None or self._watching.closed:
            self._watching = psycopg.connect(self.url, autocommit=True)
        cursor = self._watching.execute(sql, values)
        return cursor.fetchall() if cursor.description else []

    def order(self, order_id: str) -> dict[str, Any]:
        return self.services.get_order(order_id, OPERATOR)

    def status(self, order_id: str) -> str:
        return str(self.order(order_id)["status"])

    def events(self, order_id: str) -> list[dict[str, Any]]:
        return list(self.services.get_order_events(order_id, OPERATOR)["events"])

    def types(self, order_id: str) -> list[str]:
        return [event["type"] for event in self.events(order_id)]

    def stock(self, name: str) -> tuple[int, int]:
        """(available, reserved) units of a product."""
        [row] = self.query("SELECT available, reserved FROM products WHERE name = %s", name)
        return row[0], row[1]

    def set_stock(self, name: str, available: int) -> None:
        self.query("UPDATE products SET available = %s WHERE name = %s", available, name)

    def money(self, order_id: str) -> dict[str, int]:
        """From the gateway's own ledger: held (authorised, not captured, not voided), charged, refunded."""
        rows = self.query(
            "SELECT kind, state, amount, key, parent FROM gateway.ledger WHERE order_ref = %s", order_id
        )
        captured = {parent for kind, state, _, _, parent in rows if kind == "capture" and state == "approved"}
        held = sum(
            amount
            for kind, state, amount, key, _ in rows
            if kind == "authorise" and state == "approved" and key not in captured
        )
        charged = sum(amount for kind, state, amount, *_ in rows if kind == "capture" and state == "approved")
        refunded = sum(amount for kind, _, amount, *_ in rows if kind == "refund")
        return {"held": held, "charged": charged, "refunded": refunded}

    def open_effects(self, order_id: str) -> list[str]:
        rows = self.query(
            "SELECT kind FROM effects WHERE order_id = %s AND state <> 'undone' ORDER BY id", order_id
        )
        return [row[0] for row in rows]

    def read_model(self) -> dict[str, list[tuple[Any, ...]]]:
        with self.adapters.uow() as tx:
            return tx.read_model.dump()


def persistently(call: Callable[[], Answer], times: int = 4) -> Answer:
    """Retry what the workflows retry."""
    for attempt in range(times):
        try:
            return call()
        except TransientError:
            if attempt == times - 1:
                raise
    raise AssertionError("unreachable")
