"""What the report's steps hand to each other: orders as read, sales as cleaned, and what a day came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Self

from chalicelib.domain.errors import OrdersError

UNKNOWN_REGION = "unknown"


class ReportInputError(OrdersError):
    """A workflow was started with something that is no date, or a step was given no input of its own."""


@dataclass(frozen=True)
class OrderLine:
    """Money in minor units, as everywhere in this package."""

    number: int
    product_id: str
    product: str
    quantity: int
    amount: int


@dataclass(frozen=True)
class OrderRow:
    """One order of the day, in whatever status it is."""

    order_id: str
    status: str
    customer_id: str
    region: str | None
    currency: str
    total: int
    placed_at: datetime
    lines: Sequence[OrderLine]


@dataclass(frozen=True)
class SaleLine:
    """One clean line: completed or refunded. The lines of an order follow each other."""

    order_id: str
    line: int
    customer_id: str
    product_id: str
    product: str
    region: str
    quantity: int
    amount: int
    hour: int | None  # of placing, UTC; None where the source knows only the day
    refunded: bool

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        return cls(**fields)


@dataclass(frozen=True)
class DayTotals:
    """What the clean orders of one UTC day came to."""

    day: date
    orders: int = 0
    revenue: int = 0
    units: int = 0
    customers: int = 0
    refunded_orders: int = 0
    refunded: int = 0

    @property
    def average(self) -> int:
        """Revenue of one order, rounded half up; 0 without orders."""
        return (2 * self.revenue + self.orders) // (2 * self.orders) if self.orders else 0


@dataclass(frozen=True)
class Task:
    """What every step is given: the execution, when it started, and the state as it stands."""

    execution: str
    started_at: datetime
    state: Mapping[str, Any]

    @classmethod
    def from_input(cls, given: Mapping[str, Any]) -> Self:
        """Raises ReportInputError naming what is missing or wrong."""
        try:
            started = datetime.fromisoformat(str(given["startedAt"])).astimezone(UTC)
            return cls(str(given["execution"]), started, dict(given["state"]))
        except (KeyError, TypeError, ValueError) as fault:
            raise ReportInputError(f"not the input of a step: {fault}") from fault

    @property
    def name(self) -> str:
        """The execution's own name, without its ARN."""
        return self.execution.rsplit(":", 1)[-1]

    @property
    def day(self) -> date:
        """The day asked for, else the UTC day on which the execution started."""
        asked = self.state.get("date")
        if asked is None:
            return self.started_at.date()
        try:
            return date.fromisoformat(asked)
        except (TypeError, ValueError) as fault:
            raise ReportInputError(f"date {asked!r} is not of the form YYYY-MM-DD") from fault

    def result(self, step: str) -> Mapping[str, Any]:
        """What an earlier step left beside the input."""
        found = self.state.get(step)
        if not isinstance(found, Mapping):
            raise ReportInputError(f"the state holds no result of {step!r}")
        return found
