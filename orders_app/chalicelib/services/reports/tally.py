"""Adds clean lines up: by region, product, customer and hour, in minor units, in one pass."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from operator import attrgetter

from chalicelib.services.reports.model import DayTotals, SaleLine


@dataclass
class Sum:
    """Of one region, product, customer or hour. Refunded orders count only as refunded."""

    orders: int = 0
    units: int = 0
    revenue: int = 0
    refunded_orders: int = 0
    refunded: int = 0
    label: str = ""

    def add(self, lines: Sequence[SaleLine]) -> None:
        """Lines of one order."""
        amount = sum(line.amount for line in lines)
        if lines[0].refunded:
            self.refunded_orders += 1
            self.refunded += amount
        else:
            self.orders += 1
            self.units += sum(line.quantity for line in lines)
            self.revenue += amount


@dataclass
class Tally:
    lines: int = 0
    total: Sum = field(default_factory=Sum)
    regions: dict[str, Sum] = field(default_factory=dict)
    products: dict[str, Sum] = field(default_factory=dict)
    customers: dict[str, Sum] = field(default_factory=dict)
    hours: dict[int, Sum] = field(default_factory=dict)
    refunds: list[tuple[str, int]] = field(default_factory=list)  # the largest: order id, amount

    def totals(self, day: date) -> DayTotals:
        return DayTotals(
            day=day,
            orders=self.total.orders,
            revenue=self.total.revenue,
            units=self.total.units,
            customers=sum(1 for one in self.customers.values() if one.orders),
            refunded_orders=self.total.refunded_orders,
            refunded=self.total.refunded,
        )


SHOWN_REFUNDS = 20


def tally(lines: Iterable[SaleLine]) -> Tally:
    """Lines of one order must follow each other."""
    found = Tally()
    for order_id, group in groupby(lines, key=attrgetter("order_id")):
        _add_order(found, order_id, list(group))
    return found


def _add_order(to: Tally, order_id: str, lines: list[SaleLine]) -> None:
    first = lines[0]
    to.lines += len(lines)
    to.total.add(lines)
    to.regions.setdefault(first.region, Sum()).add(lines)
    to.customers.setdefault(first.customer_id, Sum()).add(lines)
    if first.hour is not None:
        to.hours.setdefault(first.hour, Sum()).add(lines)
    by_product: dict[str, list[SaleLine]] = {}
    for line in lines:
        by_product.setdefault(line.product_id, []).append(line)
    for product_id, of_product in by_product.items():
        to.products.setdefault(product_id, Sum(label=of_product[0].product)).add(of_product)
    if first.refunded:
        to.refunds.append((order_id, sum(line.amount for line in lines)))
        to.refunds = sorted(to.refunds, key=lambda one: (-one[1], one[0]))[:SHOWN_REFUNDS]


def ranked(sums: dict[str, Sum]) -> list[tuple[str, Sum]]:
    """The largest revenue first; equal ones by their names, so that two runs agree."""
    return sorted(sums.items(), key=lambda one: (-one[1].revenue, -one[1].refunded, one[0]))
