"""The order aggregate: its statuses, the moves that are allowed, and the events that record them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.domain import events, money
from chalicelib.domain.errors import IllegalTransitionError
from chalicelib.domain.events import Event


class Status(StrEnum):
    PLACED = "placed"
    PROCESSING = "processing"
    AUTHORISED = "authorised"
    RESERVED = "reserved"
    CAPTURING = "capturing"
    COMPLETED = "completed"
    DECLINED = "declined"
    OUT_OF_STOCK = "out_of_stock"
    COMPENSATING = "compensating"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    COMPENSATION_FAILED = "compensation_failed"


_S = Status
_UNDONE = frozenset({_S.FAILED, _S.CANCELLED, _S.REFUNDED})
TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    _S.PLACED: frozenset({_S.PROCESSING, _S.CANCELLING, _S.COMPENSATING}),
    _S.PROCESSING: frozenset({_S.AUTHORISED, _S.DECLINED, _S.CANCELLING, _S.COMPENSATING}),
    _S.AUTHORISED: frozenset({_S.RESERVED, _S.OUT_OF_STOCK, _S.CANCELLING, _S.COMPENSATING}),
    _S.RESERVED: frozenset({_S.CAPTURING, _S.OUT_OF_STOCK, _S.CANCELLING, _S.COMPENSATING}),
    _S.CAPTURING: frozenset({_S.COMPLETED, _S.COMPENSATING}),
    _S.COMPLETED: frozenset({_S.CANCELLING}),
    _S.DECLINED: frozenset(),
    _S.OUT_OF_STOCK: frozenset({_S.COMPENSATION_FAILED}),
    _S.COMPENSATING: frozenset({_S.FAILED, _S.COMPENSATION_FAILED}),
    _S.FAILED: frozenset(),
    _S.CANCELLING: frozenset({_S.CANCELLED, _S.REFUNDED, _S.COMPENSATION_FAILED}),
    _S.CANCELLED: frozenset(),
    _S.REFUNDED: frozenset(),
    _S.COMPENSATION_FAILED: _UNDONE | {_S.CANCELLING},  # a person has it tried again
}
IN_FLIGHT = frozenset({_S.PROCESSING, _S.AUTHORISED, _S.RESERVED, _S.CAPTURING})
FINAL = frozenset({_S.DECLINED, _S.OUT_OF_STOCK, _S.COMPLETED, _S.COMPENSATION_FAILED}) | _UNDONE


@dataclass(frozen=True)
class Line:
    """One line; `line_amount` is what is charged, `unit_price` only explains it."""

    number: int
    product_id: str
    quantity: int
    unit_price: int
    line_amount: int


@dataclass
class Order:
    """One order. Every change goes through `move` or `record`, so that each has its event."""

    id: str
    subject: str
    customer_id: str
    currency: str
    total: int
    lines: Sequence[Line]
    correlation_id: str
    placed_at: datetime
    updated_at: datetime
    payment_token: str
    region: str | None = None
    admitted: bool = False
    status: Status = Status.PLACED
    version: int = 0  # of the stored row; 0 before it is stored
    sequence: int = 0
    execution: str | None = None
    cancellation: str | None = None  # the execution that cancels
    cancel_requested: bool = False
    reason: str | None = None
    completed_at: datetime | None = None
    attempts: int = 0
    last_event: str | None = None  # its id: what the next one follows from
    pending: list[Event] = field(default_factory=list)

    def record(
        self, kind: str, data: Mapping[str, Any], *, id: str, time: datetime, causation: str | None = None
    ) -> Event:
        """Append an event; it is stored, with its outbox row, when the order is saved.

        `causation` is the request that led to it; without one that is the order's event before it.
        """
        self.sequence += 1
        self.updated_at = time
        event = Event(
            id=id,
            type=kind,
            time=time,
            order_id=self.id,
            sequence=self.sequence,
            correlation_id=self.correlation_id,
            causation_id=causation or self.last_event,
            data=data,
            version=events.CATALOGUE[kind].version,
        )
        self.last_event = event.id
        self.pending.append(event)
        return event

    def move(self, to: Status) -> None:
        """Change the status. Raises IllegalTransitionError where the table does not allow it."""
        if to not in TRANSITIONS[self.status]:
            raise IllegalTransitionError(f"order {self.id!r} cannot go from {self.status!s} to {to!s}")
        self.status = to

    def wire_lines(self) -> list[dict[str, Any]]:
        return [
            {
                "lineNumber": line.number,
                "productId": line.product_id,
                "quantity": line.quantity,
                "unitPrice": money.to_text(line.unit_price, self.currency),
                "lineAmount": money.to_text(line.line_amount, self.currency),
            }
            for line in self.lines
        ]

    def sale(self) -> dict[str, Any]:
        """What the lake needs to know of a completed or refunded order."""
        completed = self.completed_at or self.updated_at
        return {
            "customerId": self.customer_id,
            "currency": self.currency,
            "region": self.region,
            "placedAt": events.timestamp(self.placed_at),
            "completedAt": events.timestamp(completed),
            "total": money.to_text(self.total, self.currency),
            "lines": self.wire_lines(),
            "orderVersion": self.sequence + 1,  # the sequence of the event that carries this
        }
