"""Fakes of the ports, kept honest by tests/contract/test_ports.py, which runs on both."""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.errors import GatewayTimeoutError, PaymentRefusedError
from chalicelib.services.ports import GatewayRecord, Message, PublishResult

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class FakeClock:
    """Stands still until told to move on."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


class SequentialIds:
    """Ids that count, safe to share between threads."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def order_id(self) -> str:
        return f"ORD-{next(self._numbers):06d}"

    def event_id(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._numbers):012d}"

    def customer_id(self) -> str:
        return f"CUS-{next(self._numbers):06d}"


class FakeBus:
    """Keeps what it accepts; `refuse` decides which envelopes it does not."""

    def __init__(self) -> None:
        self.accepted: list[Mapping[str, Any]] = []
        self.refuse: Callable[[Mapping[str, Any]], str | None] = lambda envelope: None
        self.down: Exception | None = None
        self._lock = threading.Lock()

    def publish(self, envelopes: Sequence[Mapping[str, Any]]) -> list[PublishResult]:
        if self.down is not None:
            raise self.down
        with self._lock:
            results = [PublishResult(self.refuse(envelope)) for envelope in envelopes]
            self.accepted += [e for e, result in zip(envelopes, results, strict=True) if result.accepted]
        return results

    def check(self) -> None:
        if self.down is not None:
            raise self.down

    def types(self, order_id: str) -> list[str]:
        return [str(envelope["type"]) for envelope in self.accepted if envelope["orderId"] == order_id]


class FakeNotifier:
    """Keeps what it was given; `fault` is raised instead if set."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.alerts: list[tuple[str, str]] = []
        self.fault: BaseException | None = None

    def send(self, message: Message) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent.append(message)

    def alert(self, subject: str, text: str, order_id: str, correlation_id: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.alerts.append((subject, order_id))


class FakeExecutions:
    """Executions are alive while they are in `running`."""

    def __init__(self) -> None:
        self.running: set[str] = set()

    def is_running(self, execution: str) -> bool:
        return execution in self.running


class FakeLake:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.objects[key] = body


class FakeGateway:
    """The payment gateway in memory: the same answers as the sandbox for the same calls."""

    def __init__(self) -> None:
        self.ledger: dict[str, GatewayRecord] = {}
        self.tokens: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._seen: set[str] = set()

    def authorise(self, key: str, amount: int, currency: str, token: str) -> GatewayRecord:
        self._fail(token, key, ("tok_timeout_before_charge",))
        reasons = {"tok_decline": "card_declined", "tok_insufficient_funds": "insufficient_funds"}
        known = token in {"tok_approve", "tok_slow", "tok_capture_refused", "tok_undo_refused"}
        known = known or token.removesuffix("_once").startswith(("tok_timeout_", "tok_error_"))
        reason = reasons.get(token) or (None if known else "unknown_token")
        self.tokens.setdefault(key, token)
        record = self._put(key, "authorise", "declined" if reason else "approved", amount, currency, reason)
        self._fail(token, key, ("tok_timeout_after_charge", "tok_error_after_charge"))
        return record

    def capture(self, key: str, authorisation: str) -> GatewayRecord:
        found, given_up = self.ledger.get(authorisation), self.ledger.get(key)
        token = self.tokens.get(authorisation, "")
        if given_up is not None and given_up.state != "approved":
            raise PaymentRefusedError("given up")
        if found is None or found.state != "approved" or token == "tok_capture_refused":
            raise PaymentRefusedError("nothing to capture")
        self._parents[key], self.tokens[key] = authorisation, token
        record = self._put(key, "capture", "approved", found.amount, found.currency, None)
        self._fail(token, key, ("tok_timeout_after_charge", "tok_error_after_charge"))
        return record

    def void(self, key: str, authorisation: str) -> GatewayRecord:
        found = self._put(authorisation, "authorise", "voided", 0, "XXX", "voided_before")
        captured = authorisation in self._parents.values()
        if captured or self.tokens.get(authorisation) == "tok_undo_refused":
            raise PaymentRefusedError("can no longer be voided")
        if found.state == "approved":
            self.ledger[authorisation] = replace(found, state="voided")
        amount = found.amount if found.state == "approved" else 0
        return self._put(key, "void", "approved", amount, found.currency, None)

    def refund(self, key: str, capture: str) -> GatewayRecord:
        found = self._put(capture, "capture", "voided", 0, "XXX", "refunded_before")
        if self.tokens.get(capture) == "tok_undo_refused":
            raise PaymentRefusedError("cannot be refunded")
        return self._put(key, "refund", "approved", found.amount, found.currency, None)

    def lookup(self, key: str) -> GatewayRecord | None:
        return self.ledger.get(key)

    def _put(
        self, key: str, kind: str, state: str, amount: int, currency: str, reason: str | None
    ) -> GatewayRecord:
        return self.ledger.setdefault(key, GatewayRecord(key, kind, state, amount, currency, reason))

    def _fail(self, token: str, key: str, kinds: tuple[str, ...]) -> None:
        if token.removesuffix("_once") in kinds:
            first = key not in self._seen
            self._seen.add(key)
            if first or not token.endswith("_once"):
                raise GatewayTimeoutError("no answer")
