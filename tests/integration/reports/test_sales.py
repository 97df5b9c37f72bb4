"""What PostgreSQL tells the report: every order of a UTC day, once, and totals that the cleaning confirms."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from chalicelib.adapters.postgres.connections import Connections
from chalicelib.adapters.report_sales import PostgresSales
from chalicelib.domain.errors import DatabaseUnavailableError
from chalicelib.services.reports.clean_lines import clean_order
from chalicelib.services.reports.model import DayTotals
from chalicelib.services.reports.tally import tally

DAY = date(2026, 11, 20)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Orders:
    """Writes orders straight into the tables, dirty ones too."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.pool = Connections(lambda: url)
        self.sales = PostgresSales(self.pool.transaction, "USD")

    def add(
        self, order_id: str, at: datetime, *amounts: int, status: str = "completed", currency: str = "USD",
        total: int | None = None, customer: str = "C-1",
    ) -> None:  # fmt: skip
        self.connection.execute(
            "insert into orders (id, subject, customer_id, status, version, sequence, currency, total_minor,"
            " payment_token, region, correlation_id, placed_at, updated_at, swept_at)"
            " values (%s, 's', %s, %s, 1, 1, %s, %s, 't', 'north', 'c', %s, %s, %s)",
            (order_id, customer, status, currency, sum(amounts) if total is None else total, at, at, at),
        )
        for number, amount in enumerate(amounts, 1):
            self.connection.execute(
                "insert into order_lines values (%s, %s, 'P-1001', 2, 1, %s)", (order_id, number, amount)
            )

    def cleaned(self, day: date) -> DayTotals:
        """The day's totals as the report's first steps make them."""
        with self.sales.snapshot(day) as snapshot:
            verdicts = [clean_order(order, "USD") for order in snapshot.orders]
        return tally(line for verdict in verdicts for line in verdict.lines).totals(day)


@pytest.fixture
def orders(database_url: str) -> Iterator[Orders]:
    made = Orders(database_url)
    yield made
    made.connection.close()
    made.pool.close()


def test_a_day_is_from_midnight_to_midnight_utc(orders: Orders) -> None:
    for order_id, at in {
        "ORD-before": MIDNIGHT - SECOND,
        "ORD-first": MIDNIGHT,
        "ORD-last": MIDNIGHT + timedelta(days=1) - SECOND,
        "ORD-after": MIDNIGHT + timedelta(days=1),
    }.items():
        orders.add(order_id, at, 100)
    with orders.sales.snapshot(DAY, 1) as snapshot:
        assert [order.order_id for order in snapshot.orders] == ["ORD-first", "ORD-last"]
        assert [(one.day, one.orders) for one in snapshot.history] == [(DAY - timedelta(days=1), 1), (DAY, 2)]


def test_a_day_in_another_zone_is_told_in_utc(orders: Orders) -> None:
    eastern = datetime.fromisoformat("2026-11-19T23:30:00-05:00")
    orders.add("ORD-1", eastern, 100)
    with orders.sales.snapshot(DAY) as snapshot:
        [order] = snapshot.orders
    assert clean_order(order, "USD").lines[0].hour == 4


def test_an_order_comes_with_all_its_lines_in_order(orders: Orders) -> None:
    orders.add("ORD-1", MIDNIGHT, 300, 200, 100)
    with orders.sales.snapshot(DAY) as snapshot:
        [order] = snapshot.orders
    assert [(line.number, line.product, line.amount) for line in order.lines] == [
        (1, "Widget", 300),
        (2, "Widget", 200),
        (3, "Widget", 100),
    ]


def test_history_in_sql_and_the_cleaning_agree_whatever_the_orders_are_like(orders: Orders) -> None:
    for number, status in enumerate(("completed", "refunded", "declined", "cancelled", "placed")):
        orders.add(f"ORD-a{number}", MIDNIGHT, 100 + number, 7, status=status)
        orders.add(f"ORD-b{number}", MIDNIGHT, 100, status=status, total=99)
        orders.add(f"ORD-c{number}", MIDNIGHT, 100, status=status, currency="EUR", customer="C-2")
        orders.add(f"ORD-d{number}", MIDNIGHT, status=status, customer="C-3")
        orders.add(f"ORD-e{number}", MIDNIGHT, 10**12, status=status, customer="C-4")
    with orders.sales.snapshot(DAY) as snapshot:
        [told] = snapshot.history
    assert told == orders.cleaned(DAY)
    assert told == DayTotals(
        DAY, orders=2, revenue=10**12 + 107, units=6, customers=2, refunded_orders=2, refunded=10**12 + 108
    )


def test_days_without_orders_are_there_with_nothing(orders: Orders) -> None:
    with orders.sales.snapshot(DAY, 7) as snapshot:
        assert [one.orders for one in snapshot.history] == [0] * 8
        assert list(snapshot.orders) == []


def test_an_order_that_is_placed_meanwhile_is_in_neither(orders: Orders) -> None:
    orders.add("ORD-1", MIDNIGHT, 100)
    with orders.sales.snapshot(DAY) as snapshot:
        orders.add("ORD-2", MIDNIGHT, 100)
        assert len(list(snapshot.orders)) == snapshot.history[0].orders == 1


def test_more_orders_than_one_batch_are_all_read(orders: Orders) -> None:
    orders.connection.execute(
        "insert into orders (id, subject, customer_id, status, version, sequence, currency, total_minor,"
        " payment_token, correlation_id, placed_at, updated_at, swept_at)"
        " select 'ORD-' || n, 's', 'C', 'placed', 1, 1, 'USD', 1, 't', 'c', %(at)s, %(at)s, %(at)s"
        " from generate_series(1, 4500) n",
        {"at": MIDNIGHT},
    )
    with orders.sales.snapshot(DAY) as snapshot:
        assert len({order.order_id for order in snapshot.orders}) == 4500


def test_a_lost_database_is_a_fault_that_the_workflows_retry() -> None:
    away = PostgresSales(Connections(lambda: "postgresql://x@127.0.0.1:1/none").transaction, "USD")
    with pytest.raises(DatabaseUnavailableError), away.snapshot(DAY):
        pass
