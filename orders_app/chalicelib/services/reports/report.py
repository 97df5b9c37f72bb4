"""The report as data: everything that report.json holds and the page shows. Money is text with its digits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from chalicelib.domain.money import to_text
from chalicelib.services.reports.model import DayTotals
from chalicelib.services.reports.tally import Sum, Tally, ranked

TOP_CUSTOMERS = 20
COMPARED = ("revenue", "orders", "units", "customers", "averageOrder", "refunded")
Report = dict[str, Any]


@dataclass(frozen=True)
class About:
    """Where a report comes from."""

    stage: str
    currency: str
    execution: str
    generated_at: str


def make_report(
    about: About,
    day: date,
    found: Tally,
    history: Sequence[DayTotals],
    account: Mapping[str, Any],
) -> Report:
    """`history` is oldest first and ends with the day itself; `account` says what became of every order."""
    totals = found.totals(day)
    by_day = {one.day: one for one in history}
    return {
        "report": "daily-sales",
        "date": day.isoformat(),
        "stage": about.stage,
        "currency": about.currency,
        "execution": about.execution,
        "generatedAt": about.generated_at,
        "dayIsOver": about.generated_at[:10] > day.isoformat(),
        "totals": totals_of(totals, about.currency),
        "comparison": {
            "dayBefore": compared(totals, by_day[day - timedelta(days=1)], about.currency),
            "weekBefore": compared(totals, by_day[day - timedelta(days=7)], about.currency),
        },
        "history": [totals_of(by_day[one.day], about.currency) for one in history[:-1]]
        + [totals_of(totals, about.currency)],
        "hours": _hours(found, about.currency),
        "regions": [
            {"region": name, **sum_of(one, about.currency, totals.revenue)}
            for name, one in ranked(found.regions)
        ],
        "products": [
            {"productId": name, "product": one.label, **sum_of(one, about.currency, totals.revenue)}
            for name, one in ranked(found.products)
        ],
        "topCustomers": [
            {"customerId": name, **sum_of(one, about.currency, totals.revenue)}
            for name, one in ranked(found.customers)[:TOP_CUSTOMERS]
            if one.orders
        ],
        "refunds": {
            "orders": totals.refunded_orders,
            "amount": to_text(totals.refunded, about.currency),
            "shareOfOrders": share(totals.refunded_orders, totals.refunded_orders + totals.orders),
            "largest": [
                {"orderId": order_id, "amount": to_text(amount, about.currency)}
                for order_id, amount in found.refunds
            ],
        },
        "account": {name: account[name] for name in ("read", "kept", "leftOut", "rejected", "examples")},
    }


def totals_of(day: DayTotals, currency: str) -> dict[str, Any]:
    return {
        "date": day.day.isoformat(),
        "revenue": to_text(day.revenue, currency),
        "orders": day.orders,
        "units": day.units,
        "customers": day.customers,
        "averageOrder": to_text(day.average, currency),
        "refundedOrders": day.refunded_orders,
        "refunded": to_text(day.refunded, currency),
    }


def compared(day: DayTotals, other: DayTotals, currency: str) -> dict[str, Any]:
    """The other day's totals, and by how many per cent the day is above it; None where that was nothing."""
    ours, theirs = totals_of(day, currency), totals_of(other, currency)
    return {**theirs, "change": {name: change(ours[name], theirs[name]) for name in COMPARED}}


def change(now: str | int, before: str | int) -> str | None:
    """`"110.00", "100.00"` → `"10.0"`: per cent, rounded half up to one digit."""
    was = Decimal(before)
    return _tenths((Decimal(now) - was) * 100 / was) if was else None


def share(part: int, whole: int) -> str:
    """Per cent of the whole, one digit; `"0.0"` of nothing."""
    return _tenths(Decimal(part) * 100 / whole) if whole else "0.0"


def sum_of(one: Sum, currency: str, whole: int) -> dict[str, Any]:
    return {
        "orders": one.orders,
        "units": one.units,
        "revenue": to_text(one.revenue, currency),
        "share": share(one.revenue, whole),
        "refundedOrders": one.refunded_orders,
        "refunded": to_text(one.refunded, currency),
    }


def _hours(found: Tally, currency: str) -> list[dict[str, Any]]:
    hours = ((hour, found.hours.get(hour, Sum())) for hour in range(24))
    return [
        {"hour": hour, "orders": one.orders, "revenue": to_text(one.revenue, currency)} for hour, one in hours
    ]


def _tenths(percent: Decimal) -> str:
    """Never `-0.0`."""
    return str(percent.quantize(Decimal("0.1"), ROUND_HALF_UP) + 0)
