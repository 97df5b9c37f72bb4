"""Every moment at which a process may die, or at which something else may happen in between.

A point lies before and after each call of a port: before a transaction begins, before it commits, after it
has, around each call of the gateway and of the bus. Nothing holds a lock at a point that is not `inside`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from chalicelib.services.ports import BusPublisher, GatewayRecord, PaymentGateway, PublishResult
from tests.shop import Shop

Action = Callable[[str], None]


class ProcessDied(BaseException):  # no Exception: nothing in the process may catch it
    """The process is gone: no code of it runs any more."""


class Points:
    """Counts the points that are passed and acts at the chosen one."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self._at: int | None = None
        self._action: Action | None = None
        self._dead = False

    def at(self, number: int, action: Action) -> None:
        """Do this when the point with this number (from 0) is passed."""
        self.passed, self._at, self._action, self._dead = [], number, action, False

    def die_at(self, number: int) -> None:
        self.at(number, self._die)

    def off(self) -> None:
        self._at, self._action, self._dead = None, None, False

    def happened(self) -> bool:
        return self._at is not None and len(self.passed) > self._at

    def __call__(self, name: str) -> None:
        if self._dead:
            raise ProcessDied(name)
        self.passed.append(name)
        if self._action is not None and len(self.passed) - 1 == self._at:
            self._action(name)

    def _die(self, name: str) -> None:
        self._dead = True
        raise ProcessDied(name)


def install(shop: Shop, points: Points, *, inside: bool = True) -> None:
    """Put the points around every port of the shop; `inside` also just before each commit."""
    uow = shop.adapters.uow

    @contextmanager
    def watched() -> Iterator[Any]:
        points("before transaction")
        with uow() as tx:
            yield tx
            if inside:
                points("before commit")
        points("after commit")

    shop.rewire(
        uow=watched,
        gateway=WatchedGateway(shop.adapters.gateway, points),
        bus=WatchedBus(shop.adapters.bus, points) if inside else shop.adapters.bus,
    )


class WatchedGateway:
    def __init__(self, gateway: PaymentGateway, points: Points) -> None:
        self._gateway = gateway
        self._points = points

    def _call(self, name: str, call: Callable[[], Any]) -> Any:
        self._points(f"before {name}")
        answer = call()
        self._points(f"after {name}")
        return answer

    def authorise(self, key: str, amount: int, currency: str, token: str) -> GatewayRecord:
        return self._call("authorise", lambda: self._gateway.authorise(key, amount, currency, token))  # type: ignore[no-any-return]

    def capture(self, key: str, authorisation: str) -> GatewayRecord:
        return self._call("capture", lambda: self._gateway.capture(key, authorisation))  # type: ignore[no-any-return]

    def void(self, key: str, authorisation: str) -> GatewayRecord:
        return self._call("void", lambda: self._gateway.void(key, authorisation))  # type: ignore[no-any-return]

    def refund(self, key: str, capture: str) -> GatewayRecord:
        return self._call("refund", lambda: self._gateway.refund(key, capture))  # type: ignore[no-any-return]

    def lookup(self, key: str) -> GatewayRecord | None:
        return self._call("lookup", lambda: self._gateway.lookup(key))  # type: ignore[no-any-return]


class WatchedBus:
    def __init__(self, bus: BusPublisher, points: Points) -> None:
        self._bus = bus
        self._points = points

    def publish(self, envelopes: Sequence[Mapping[str, Any]]) -> list[PublishResult]:
        self._points("before publish")
        results = self._bus.publish(envelopes)
        self._points("after publish")
        return results

    def check(self) -> None:
        self._bus.check()


def second_process(shop: Shop) -> Shop:
    """Another process of the same application: own connections, the same outside world."""
    other = Shop(shop.url, shop.settings)
    other.clock, other.ids, other.bus = shop.clock, shop.ids, shop.bus
    other.notifier, other.executions = shop.notifier, shop.executions
    changed = replace(
        other.adapters, clock=shop.clock, ids=shop.ids, bus=shop.bus, notifier=shop.notifier,
        executions=shop.executions,
    )  # fmt: skip
    other.rewire(
        **{name: getattr(changed, name) for name in ("clock", "ids", "bus", "notifier", "executions")}
    )
    return other
