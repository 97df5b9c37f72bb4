"""Events: the envelope, and the catalogue from which docs/events.md is generated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

SOURCE = "order.service"
PLACED = "Order Placed"
CLAIMED = "Order Claimed"
RESUMED = "Order Resumed"
RELEASED = "Order Released"
AUTHORISED = "Payment Authorised"
DECLINED = "Payment Declined"
RESERVED = "Stock Reserved"
REJECTED = "Stock Rejected"
RESERVATION_EXPIRED = "Reservation Expired"
COMPLETED = "Order Completed"
COMPENSATION_STARTED = "Order Compensation Started"
FAILED = "Order Failed"
COMPENSATION_FAILED = "Order Compensation Failed"
CANCELLATION_REQUESTED = "Order Cancellation Requested"
CANCELLED = "Order Cancelled"
REFUNDED = "Order Refunded"
NOTIFIED = "Notification Sent"
NOTIFICATION_FAILED = "Notification Failed"
IGNORED = "Transition Refused"


@dataclass(frozen=True)
class EventType:
    """One line of the catalogue: when it happens, the status it leaves the order in, and its data."""

    name: str
    when: str
    status: str | None = None  # the order's status after it; None leaves it as it was
    data: Mapping[str, str] = field(default_factory=dict)
    version: int = 1


_LINES = "list of {lineNumber, productId, quantity, unitPrice, lineAmount}; amounts are decimal strings"
_SALE = {
    "customerId": "string", "currency": "ISO 4217 code", "region": "string or null",
    "placedAt": "RFC 3339, UTC", "completedAt": "RFC 3339, UTC", "total": "decimal string",
    "lines": _LINES, "orderVersion": "integer, grows with every change of the order",
}  # fmt: skip
_STEP = {"execution": "the workflow execution that did it"}

CATALOGUE: Mapping[str, EventType] = {
    kind.name: kind
    for kind in (
        EventType(
            PLACED, "An order was accepted.", "placed",
            {"customerId": "string", "subject": "who placed it", "currency": "ISO 4217 code",
             "region": "string or null", "placedAt": "RFC 3339, UTC", "total": "decimal string",
             "lines": _LINES, "admitted": "true if it came over the bus"},
        ),
        EventType(CLAIMED, "A workflow execution took the order.", "processing", _STEP),
        EventType(RESUMED, "Another execution took over from a dead one.", None, _STEP),
        EventType(RELEASED, "The owner of the order died; another execution may claim it.", None,
                  {**_STEP, "reason": "string"}),
        EventType(AUTHORISED, "The gateway authorised the total.", "authorised",
                  {"amount": "decimal string", "currency": "ISO 4217 code"}),
        EventType(DECLINED, "The gateway declined the payment.", "declined", {"reason": "string"}),
        EventType(RESERVED, "All lines are reserved.", "reserved", {"expiresAt": "RFC 3339, UTC"}),
        EventType(REJECTED, "Some product has too little stock; nothing is reserved.", "out_of_stock",
                  {"products": "list of product ids that are short"}),
        EventType(RESERVATION_EXPIRED, "The reservation lapsed and its stock went back.", None, {}),
        EventType(COMPLETED, "Paid and taken out of stock.", "completed", _SALE),
        EventType(COMPENSATION_STARTED, "A fault after an effect: the effects are being undone.",
                  "compensating", {"reason": "string"}),
        EventType(FAILED, "Everything that was done for the order is undone.", "failed",
                  {"reason": "string"}),
        EventType(COMPENSATION_FAILED, "An effect could not be undone; a person must look.",
                  "compensation_failed", {"reason": "string"}),
        EventType(CANCELLATION_REQUESTED, "Somebody who may cancels the order.", None,
                  {"reason": "string", "status": "the order's status after the request"}),
        EventType(CANCELLED, "Stopped before any money was taken.", "cancelled", {"reason": "string"}),
        EventType(REFUNDED, "Refunded and back in stock after it had been paid.", "refunded",
                  {**_SALE, "refundedAt": "RFC 3339, UTC", "reason": "string"}),
        EventType(NOTIFIED, "A message about the order was handed to its channel.", None,
                  {"channel": "email, sms or operators", "about": "the status it tells"}),
        EventType(NOTIFICATION_FAILED, "A message about the order could not be handed over.", None,
                  {"channel": "email, sms or operators", "about": "the status it tells",
                   "outcome": "string"}),
        EventType(IGNORED, "A late or illegal transition was asked for; it was not applied.", None,
                  {"from": "the order's status", "to": "the refused status", "execution": "string"}),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    """One thing that happened to one order; `sequence` counts from 1 within the order."""

    id: str
    type: str
    time: datetime
    order_id: str
    sequence: int
    correlation_id: str
    causation_id: str | None
    data: Mapping[str, Any]
    version: int = 1

    def envelope(self) -> dict[str, Any]:
        """The wire form, the same in the event log, on the bus and in the queues."""
        return {
            "id": self.id,
            "source": SOURCE,
            "type": self.type,
            "version": self.version,
            "time": timestamp(self.time),
            "correlationId": self.correlation_id,
            "causationId": self.causation_id,
            "orderId": self.order_id,
            "sequence": self.sequence,
            "data": dict(self.data),
        }

    @classmethod
    def parse(cls, envelope: Mapping[str, Any]) -> Self:
        """The event of an envelope. Raises ValueError naming what is missing or wrong."""
        if not is_envelope(envelope):
            raise ValueError("not an event envelope")
        try:
            return cls(
                id=str(envelope["id"]),
                type=str(envelope["type"]),
                time=parse_timestamp(envelope["time"]),
                order_id=str(envelope["orderId"]),
                sequence=int(envelope["sequence"]),
                correlation_id=str(envelope.get("correlationId") or ""),
                causation_id=envelope.get("causationId"),
                data=envelope["data"],
                version=int(envelope["version"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"bad envelope: {error!r}") from error


def is_envelope(detail: Mapping[str, Any]) -> bool:
    """Whether a bus detail is one of our events, rather than a foreign order."""
    return detail.get("source") == SOURCE and "sequence" in detail and "data" in detail


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    return datetime.fromisoformat(text)
