"""What PostgreSQL says of money and customers, on orders that the whole application placed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from chalicelib.adapters.pipeline_ledger import PostgresCustomerExports, PostgresLedger
from chalicelib.adapters.postgres.connections import Connections

PLACED = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
DAY = PLACED.date()
LATER = PLACED + timedelta(hours=1)


@pytest.fixture
def connections(database_url: str) -> Iterator[Connections]:
    connections = Connections(lambda: database_url)
    yield connections
    connections.close()


@pytest.fixture
def ledger(connections: Connections) -> PostgresLedger:
    return PostgresLedger(connections.transaction, "USD", timedelta(minutes=2))


def order(
    url: str,
    order_id: str,
    *entries: tuple[str, str, int],
    placed: datetime = PLACED,
    customer: str = "C1",
    name: str = "Jane Doe",
) -> None:
    """An order with its entries of the gateway's ledger: kind, state, amount."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into orders (id, subject, customer_id, status, version, sequence, currency, total_minor,"
            " payment_token, correlation_id, placed_at, updated_at, swept_at)"
            " values (%s, 'local', %s, 'completed', 1, 1, 'USD', 1, 't', 'c', %s, %s, %s)",
            (order_id, customer, placed, placed, placed),
        )
        connection.execute(
            "insert into customers (subject, id, name, named) values ('local', %s, %s, false)"
            " on conflict (subject, id) do update set name = excluded.name",
            (customer, name),
        )
        for kind, state, amount in entries:
            connection.execute(
                "insert into gateway.ledger (key, kind, state, amount, currency, token)"
                " values (%s, %s, %s, %s, 'USD', 't')",
                (f"{order_id}:{kind}", kind, state, amount),
            )


def test_revenue_is_what_was_captured_and_not_refunded(database_url: str, ledger: PostgresLedger) -> None:
    order(database_url, "ORD-1", ("authorise", "approved", 1999), ("capture", "approved", 1999))
    order(database_url, "ORD-2", ("authorise", "approved", 500), ("void", "voided", 500))
    order(database_url, "ORD-3", ("capture", "approved", 700), ("refund", "approved", 700))
    order(database_url, "ORD-4", ("authorise", "declined", 900))
    order(database_url, "ORD-5", ("capture", "approved", 1))
    assert ledger.revenue([DAY], LATER) == [{"order_date": "2026-11-20", "revenue": "20.00", "moving": False}]


def test_a_day_is_the_utc_day_of_placing(database_url: str, ledger: PostgresLedger) -> None:
    order(database_url, "ORD-1", ("capture", "approved", 100))
    order(database_url, "ORD-2", ("capture", "approved", 25), placed=PLACED + timedelta(minutes=31))
    days = [DAY + timedelta(days=1), DAY]
    found = ledger.revenue(days, LATER + timedelta(hours=1))
    assert [(one["order_date"], one["revenue"]) for one in found] == [
        ("2026-11-20", "1.00"),
        ("2026-11-21", "0.25"),
    ]


def test_a_day_with_an_order_of_this_moment_is_moving(database_url: str, ledger: PostgresLedger) -> None:
    order(database_url, "ORD-1", ("capture", "approved", 100))
    assert ledger.revenue([DAY], PLACED + timedelta(minutes=1))[0]["moving"]
    assert not ledger.revenue([DAY], PLACED + timedelta(minutes=3))[0]["moving"]


def test_completed_orders_are_counted_by_the_time_of_placing(
    database_url: str, ledger: PostgresLedger
) -> None:
    order(database_url, "ORD-1")
    order(database_url, "ORD-2", placed=LATER)
    with psycopg.connect(database_url) as connection:
        connection.execute("update orders set status = 'refunded' where id = 'ORD-2'")
    order(database_url, "ORD-3", placed=LATER)
    assert ledger.completed_between(PLACED, LATER) == 1
    assert ledger.completed_between(PLACED - timedelta(seconds=1), LATER) == 2
    assert ledger.completed_between(PLACED, LATER - timedelta(seconds=1)) == 0


def test_no_days_ask_nothing(ledger: PostgresLedger) -> None:
    assert ledger.revenue([], LATER) == []


def test_customers_are_exported_once_until_they_change(database_url: str, connections: Connections) -> None:
    exports = PostgresCustomerExports(connections.transaction)
    order(database_url, "ORD-1", customer="C1", name="Jane Doe", placed=datetime.now(UTC))
    order(database_url, "ORD-2", customer="C2", name="Old Timer", placed=PLACED - timedelta(days=900))
    found = {row.customer_id: row for row in exports.changed(10)}
    assert {key: (row.name, row.status) for key, row in found.items()} == {
        "C1": ("Jane Doe", "active"),
        "C2": ("Old Timer", "inactive"),
    }
    assert found["C2"].registration_date == str((PLACED - timedelta(days=900)).date())
    exports.exported({key: row.fingerprint for key, row in found.items()})
    assert exports.changed(10) == []
    order(database_url, "ORD-3", customer="C1", name="Jane Smith", placed=datetime.now(UTC))
    assert [(row.customer_id, row.name) for row in exports.changed(10)] == [("C1", "Jane Smith")]


def test_an_export_takes_no_more_than_its_batch(database_url: str, connections: Connections) -> None:
    for number in range(3):
        order(database_url, f"ORD-{number}", customer=f"C{number}")
    assert len(PostgresCustomerExports(connections.transaction).changed(2)) == 2
