"""Orders, objects and doubles for the report's tests: small literal data, nothing outside the process."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chalicelib.reports_bootstrap import Ports, Reports, build
from chalicelib.reports_config import ReportSettings
from chalicelib.services.reports.model import DayTotals, OrderLine, OrderRow
from chalicelib.services.reports.ports import Snapshot

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:report-workflow-local:run-1"
SETTINGS = ReportSettings(
    stage="local",
    lake_bucket="lake",
    reports_bucket="reports",
    report_workflow_arn="arn:machine",
    alerts_topic_arn="arn:alerts",
    mail_from="shop@shop.example",
    operators_email="operators@shop.example",
)


def an_order(order_id: str = "ORD-1", **changes: Any) -> OrderRow:
    """Two widgets and a cable, completed, 157.97 USD, in region north."""
    lines = changes.pop("lines", [("P-1", "Widget", 2, 14998), ("P-2", "Cable", 1, 799)])
    fields = {
        "order_id": order_id,
        "status": "completed",
        "customer_id": "C-1",
        "region": "north",
        "currency": "USD",
        "total": sum(line[3] for line in lines),
        "placed_at": datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
        "lines": [OrderLine(number, *line) for number, line in enumerate(lines, 1)],
    }
    return OrderRow(**{**fields, **changes})


def refused(order_id: str = "ORD-9", status: str = "declined") -> OrderRow:
    return an_order(order_id, status=status)


def record(order_id: str = "ORD-1", line: int = 1, **changes: Any) -> dict[str, Any]:
    """A line of the lake's raw zone."""
    return {
        "order_id": order_id, "line_number": line, "version": 1, "customer_id": "C-1", "product_id": "P-1",
        "quantity": 2, "price": "5.00", "line_amount": "10.00", "order_date": "2026-11-20", "region": "north",
        "status": "completed", "currency": "USD", **changes,
    }  # fmt: skip


def jsonl(*records: Any) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in records).encode()


@dataclass
class FakeSales:
    orders: Sequence[OrderRow] = ()
    totals: Mapping[date, DayTotals] = field(default_factory=dict)

    @contextmanager
    def snapshot(self, day: date, days_before: int = 0) -> Iterator[Snapshot]:
        days = [day - timedelta(days=back) for back in range(days_before, -1, -1)]
        yield Snapshot(iter(self.orders), [self.totals.get(one, DayTotals(one)) for one in days])


@dataclass(frozen=True)
class FakeListed:
    key: str
    size: int


@dataclass
class FakeObjects:
    """A bucket that is also its own register of claims."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.bodies[key], self.types[key] = body, content_type

    def get(self, key: str) -> bytes | None:
        return self.bodies.get(key)

    def list(self, prefix: str) -> Iterator[FakeListed]:
        return (FakeListed(key, len(body)) for key, body in self.bodies.items() if key.startswith(prefix))

    def claim(self, key: str, body: bytes) -> bool:
        if key in self.bodies:
            return False
        self.bodies[key] = body
        return True

    def settle(self, key: str, body: bytes) -> None:
        self.bodies[key] = body

    def json(self, key: str) -> Any:
        return json.loads(self.bodies[key])


@dataclass
class FakeAlerts:
    alerts: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    mails: list[tuple[str, str]] = field(default_factory=list)
    fault: Exception | None = None

    def alert(self, subject: str, details: Mapping[str, Any]) -> None:
        self.alerts.append((subject, details))

    def mail(self, subject: str, text: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.mails.append((subject, text))


class FakeLinks:
    def of(self, key: str) -> str:
        return f"https://console.example/{key}"


@dataclass
class FakeWorkflow:
    started: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def start(self, name: str, state: Mapping[str, Any]) -> bool:
        return self.started.setdefault(name, state) is state


class Desk:
    """The report's use cases on doubles, and the way of an execution through them."""

    def __init__(self, *orders: OrderRow, totals: Mapping[date, DayTotals] | None = None) -> None:
        self.sales = FakeSales(orders, totals or {})
        self.objects, self.raw, self.alerts = FakeObjects(), FakeObjects(), FakeAlerts()
        self.workflow, self.now = FakeWorkflow(), NOON
        self.reports: Reports = build(
            SETTINGS,
            Ports(
                sales=self.sales, objects=self.objects, raw=self.raw, claims=self.objects, alerts=self.alerts,
                links=FakeLinks(), workflow=self.workflow, clock=lambda: self.now,
            ),
        )  # fmt: skip

    def step(self, **state: Any) -> dict[str, Any]:
        """What a task of the machines is given."""
        return {"execution": EXECUTION, "startedAt": NOON.isoformat(), "state": state}

    def summarized(self, **state: Any) -> dict[str, Any]:
        """The state after the first two steps."""
        state["clean"] = self.reports.clean(self.step(**state))
        state["summary"] = self.reports.summarize(self.step(**state))
        return state

    def report(self, **state: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.objects.json(self.summarized(**state)["summary"]["report"])
        return found

    def page(self, **state: Any) -> str:
        return self.objects.bodies[self.summarized(**state)["summary"]["page"]].decode()
