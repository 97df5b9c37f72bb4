"""The words of every message about an order, for customers and for operators."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

SHIPPING_DAYS = 3


@dataclass(frozen=True)
class Facts:
    """What a message may say. `customer` is for the customer's own mail only; `amount` is decimal text."""

    order_id: str
    amount: str
    currency: str
    customer: str | None = None
    completed_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Words:
    subject: str
    text: str


_WHAT_HAPPENED: Mapping[str, str] = {
    "completed": "has been completed",
    "declined": "could not be paid",
    "out_of_stock": "is out of stock",
    "cancelled": "has been cancelled",
    "refunded": "has been cancelled and refunded",
    "failed": "could not be completed",
}
_WHAT_FOLLOWS: Mapping[str, str] = {
    "completed": "Thank you for your order.",
    "declined": "Your payment was declined and nothing was charged.",
    "out_of_stock": "Something you ordered is no longer available. Nothing was charged.",
    "cancelled": "Nothing was charged.",
    "refunded": "The full amount goes back to the way you paid with.",
    "failed": "Nothing was charged, or it has been returned. We are sorry.",
}
KINDS = tuple(_WHAT_HAPPENED)


def compose(about: str, channel: str, facts: Facts) -> Words:
    """The message on one channel (`email`, `sms`, `operators`) about an order that is now `about`."""
    subject = f"Order {facts.order_id} Update"
    headline = f"Order {facts.order_id} {_WHAT_HAPPENED[about]}"
    amount = f"{facts.amount} {facts.currency}"
    if channel == "sms":
        return Words(subject, f"{headline}. {_WHAT_FOLLOWS[about]} Amount: {amount}")
    lines = [f"{headline}{'!' if about == 'completed' else '.'}"]
    if channel == "email":
        lines += [f"Customer: {facts.customer}"] if facts.customer else []
        lines += [f"Amount: {amount}", *_shipping(about, facts), "", _WHAT_FOLLOWS[about]]
    else:  # operators learn what happened, not to whom
        lines += [f"Amount: {amount}", *_shipping(about, facts)]
        lines += [f"Reason: {facts.reason}"] if facts.reason else []
    return Words(subject, "\n".join(lines))


def estimated_shipping(completed_at: datetime | None) -> str:
    """The UTC date of shipping as text, or `TBD`."""
    if completed_at is None:
        return "TBD"
    return (completed_at + timedelta(days=SHIPPING_DAYS)).date().isoformat()


def _shipping(about: str, facts: Facts) -> list[str]:
    return [f"Estimated Shipping: {estimated_shipping(facts.completed_at)}"] if about == "completed" else []
