"""What counts as a sale: pure, from orders and raw records to clean lines, or a reason why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Any

from chalicelib.domain.money import to_minor
from chalicelib.services.reports.model import UNKNOWN_REGION, OrderRow, SaleLine

SOLD = {"completed": False, "refunded": True}


@dataclass(frozen=True)
class Verdict:
    """Clean lines; or the status of an order that is no sale; or why an order is rejected."""

    lines: tuple[SaleLine, ...] = ()
    left_out: str | None = None
    rejected: str | None = None


def clean_order(order: OrderRow, currency: str) -> Verdict:
    """An order is a sale when it was paid; its money must be the stage's and add up."""
    if order.status not in SOLD:
        return Verdict(left_out=order.status)
    if order.currency != currency:
        return Verdict(rejected=f"in {order.currency}, not {currency}")
    if not order.lines:
        return Verdict(rejected="has no lines")
    if sum(line.amount for line in order.lines) != order.total:
        return Verdict(rejected="lines do not add up to the total")
    return Verdict(
        tuple(
            SaleLine(
                order_id=order.order_id,
                line=line.number,
                customer_id=order.customer_id,
                product_id=line.product_id,
                product=line.product,
                region=region_of(order.region),
                quantity=line.quantity,
                amount=line.amount,
                hour=order.placed_at.astimezone(UTC).hour,
                refunded=SOLD[order.status],
            )
            for line in order.lines
        )
    )


def clean_record(record: Mapping[str, Any], ordinal: int, currency: str) -> SaleLine | str:
    """A record of the lake's raw zone as a clean line, or the reason why it is none."""
    missing = [name for name in ("order_id", "product_id", "customer_id") if not record.get(name)]
    if missing:
        return f"lacks {', '.join(missing)}"
    if (found := str(record.get("currency") or currency)) != currency:
        return f"in {found}, not {currency}"
    if (status := str(record.get("status") or "completed")) not in SOLD:
        return f"status {status!r} is no sale"
    try:
        quantity = int(str(record.get("quantity")))
        amount = _amount(record, quantity, currency)
        line = int(str(record.get("line_number") or ordinal))
    except (ValueError, ArithmeticError):
        return "quantity or amount is no number"
    if quantity < 1 or amount < 0:
        return "quantity or amount is negative"
    product = str(record["product_id"])
    return SaleLine(
        order_id=str(record["order_id"]),
        line=line,
        customer_id=str(record["customer_id"]),
        product_id=product,
        product=str(record.get("product") or product),
        region=region_of(record.get("region")),
        quantity=quantity,
        amount=amount,
        hour=None,
        refunded=SOLD[status],
    )


def version_of(record: Mapping[str, Any]) -> int:
    """Of the record's order; 0 where the file knows none."""
    text = str(record.get("version") or 0)
    return int(text) if text.isdigit() else 0


def region_of(text: Any) -> str:
    """Without stray blanks; a missing one is `unknown`, as in the tables of the lake."""
    return " ".join(str(text or "").split()) or UNKNOWN_REGION


def _amount(record: Mapping[str, Any], quantity: int, currency: str) -> int:
    """`line_amount` where there is one; else price times quantity, exact before it is rounded to nothing."""
    given = record.get("line_amount")
    if given not in (None, ""):
        return to_minor(str(given), currency)
    return to_minor(Decimal(str(record.get("price"))) * quantity, currency)
