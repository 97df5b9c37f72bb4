"""What may be asked of the application: commands, queries and the inputs of workflow tasks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from chalicelib.domain.json_values import parsed

OPS = "ops"
# What goes into events and logs must not be able to hold a name, an address, a phone number or a sentence.
REFERENCE = r"(?!(?:[Tt][Ee][Ll]:)?\+[0-9][0-9._:/-]*$)[A-Za-z0-9._:/+=-]+"  # a client's id of its customer
REFERENCE_WORDS = "letters, digits and . _ : / + = - only, and no phone number"
CORRELATION_ID = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}"
TOKEN = r"[\x21-\x7e]+"  # a payment provider's
ADMISSION_SUBJECT = "bus"


def plain_id(value: Any) -> str | None:
    """The value if it has the form of an id; a foreign sender may have put anything in its place."""
    return value if isinstance(value, str) and re.fullmatch(CORRELATION_ID, value) else None


def correlation_of(order: Mapping[str, Any]) -> str | None:
    """The correlation id of an event, a task or a foreign order: without one it goes by its order's id."""
    return plain_id(order.get("correlationId")) or plain_id(order.get("orderId"))


@dataclass(frozen=True)
class Principal:
    """Who asks. Without scope `ops` a subject sees and cancels its own orders only."""

    subject: str
    scopes: frozenset[str] = frozenset()

    def may_see(self, subject: str) -> bool:
        return OPS in self.scopes or subject == self.subject


@dataclass(frozen=True)
class CustomerInput:
    """The customer as the request names it: an id, a name, or both."""

    name: str
    id: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True)
class LineInput:
    """One requested line; `product` is a product's id or name, `unit_price` is checked, never trusted."""

    product: str
    quantity: int
    unit_price: Decimal | None = None


@dataclass(frozen=True)
class PlaceOrder:
    subject: str
    customer: CustomerInput
    lines: tuple[LineInput, ...]
    correlation_id: str
    idempotency_key: str | None = None
    fingerprint: str = ""
    amount: Decimal | None = None
    currency: str | None = None
    payment_token: str | None = None
    region: str | None = None
    shipping: Mapping[str, Any] | None = None
    order_id: str | None = None  # given by the sender of a foreign order, else made here
    admitted: bool = False  # True: came over the bus or the workflow, not through the API


@dataclass(frozen=True)
class CancelOrder:
    order_id: str
    viewer: Principal
    correlation_id: str
    reason: str = "customer_request"
    idempotency_key: str | None = None
    fingerprint: str = ""


@dataclass(frozen=True)
class ListOrders:
    viewer: Principal
    status: str | None = None
    customer: str | None = None  # a customer's id or name
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True)
class Reply:
    """A status and body to be sent as they are; `replayed` when they were stored by an earlier request."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


@dataclass(frozen=True)
class ClaimOrder:
    """The workflow's input as it came, an envelope or a foreign order, and the execution that claims it."""

    order: Mapping[str, Any]
    execution: str

    @classmethod
    def from_input(cls, event: Mapping[str, Any]) -> Self:
        """An input that is no object holds no order: it is refused like any other that cannot be admitted."""
        order = event["order"]
        return cls(order=order if isinstance(order, Mapping) else {}, execution=event["execution"])


@dataclass(frozen=True)
class OrderTask:
    """One workflow task on one order."""

    order_id: str
    execution: str
    correlation_id: str = ""
    error: str | None = None  # the name of the fault that the workflow caught, never its message
    channel: str | None = None  # for send_notification
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_input(cls, event: Mapping[str, Any]) -> Self:
        known = {"orderId", "execution", "correlationId", "error", "channel", "state"}
        return cls(
            order_id=event["orderId"],
            execution=event["execution"],
            correlation_id=event.get("correlationId") or "",
            error=_error_name(event),
            channel=event.get("channel"),
            extra={name: value for name, value in event.items() if name not in known},
        )


def _error_name(task: Mapping[str, Any]) -> str | None:
    """What was caught: told, or in the state of a task that is entered without a fault, too."""
    state = task.get("state") or {}
    error = task.get("error") or state.get("fault") or {}
    return str(error if isinstance(error, str) else error.get("Error") or "") or None


@dataclass(frozen=True)
class StoppedExecution:
    """A Step Functions execution that ended FAILED, TIMED_OUT or ABORTED."""

    execution: str
    status: str
    input: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_detail(cls, detail: Mapping[str, Any]) -> Self:
        """`detail` of a Step Functions status change; its input is JSON text, left out where it is large."""
        try:
            given = parsed(detail.get("input") or "{}")
        except ValueError:
            given = {}
        return cls(
            str(detail["executionArn"]), str(detail["status"]), given if isinstance(given, dict) else {}
        )
