"""Each check finds its own fault in the tables, and nothing else does."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from etl.athena_checks import CHECKS, Query, Rows, check, table

SALES = """create table sales as select * from (values
    ('1001', 1, 'C001', date '2024-01-15', 59.98::decimal(18,2), 'completed', 'raw-data/s.csv'),
    ('ORD-1', 1, 'C001', date '2026-11-20', 10.00, 'completed', 'raw-data/orders/a.jsonl'),
    ('ORD-2', 1, 'C002', date '2026-11-20', 99.00, 'refunded', 'raw-data/orders/a.jsonl')
) as t(order_id, line_number, customer_id, order_date, line_amount, status, source)"""
DAILY = """create table daily_sales as select * from (values
    ('North', 59.98::decimal(18,2), 1, 1, '2024-01-15'), ('unknown', 10.00::decimal(18,2), 1, 1, '2026-11-20')
) as t(region, daily_revenue, daily_orders, unique_customers, order_date)"""
METRICS = """create table customer_metrics as select * from (values
    ('C001', 'John Smith', 'active', 69.98::decimal(18,2), 2, 34.99::decimal(18,2))
) as t(customer_id, name, status, total_spent, total_orders, avg_order_value)"""


def facts(**changes: Any) -> dict[str, Any]:
    tables = {
        "daily_sales": {"rows": 2, "partitions": 2, "revenue": "69.98"},
        "customer_metrics": {"rows": 1, "revenue": "69.98"},
        "sales": {"rows": 3},
    }
    report = {"tables": tables, "dates_touched": ["2024-01-15", "2026-11-20"]}
    ledger = [
        {"order_date": "2024-01-15", "revenue": "0.00", "moving": False},
        {"order_date": "2026-11-20", "revenue": "10.00", "moving": False},
    ]
    freshness = {"published_at": "2026-11-20T12:00:00+00:00", "waiting": 0, "hours": 3}
    return {"report": report, "ledger": ledger, "freshness": freshness} | changes


class Lake:
    """The tables in DuckDB, asked as Athena is."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        for statement in (SALES, DAILY, METRICS):
            self.connection.execute(statement)
        self.asked = 0

    def __call__(self, sql: str) -> Rows:
        self.asked += 1
        cursor = self.connection.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture
def lake() -> Iterator[Lake]:
    lake = Lake()
    yield lake
    lake.connection.close()


def failed(query: Query, **changes: Any) -> list[str]:
    return [one.name for one in check(facts(**changes), query) if not one.passed]


def test_good_tables_pass_every_check_in_two_queries(lake: Lake) -> None:
    findings = check(facts(), lake)
    assert [one.name for one in findings if not one.passed] == []
    assert (len(findings), lake.asked) == (len(CHECKS) + 3, 2)


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        (
            "delete from sales where order_id = '1001'",
            ["sales revenue", "sales rows"],
        ),
        (
            "delete from daily_sales where order_date = '2024-01-15'",
            ["daily_sales rows", "daily_sales revenue", "fresh days missing in daily_sales"],
        ),
        ("update daily_sales set daily_revenue = daily_revenue + 0.01", ["daily_sales revenue"]),
        ("update customer_metrics set total_spent = null",
         ["customer_metrics revenue", "nulls in customer_metrics"]),
        ("insert into customer_metrics select * from customer_metrics",
         ["customer_metrics rows", "customer_metrics revenue", "duplicate customer_metrics"]),
        ("insert into sales select * from sales where status = 'refunded'",
         ["sales rows", "duplicate sales"]),
        ("update daily_sales set region = null where region = 'North'", ["nulls in daily_sales"]),
        ("update sales set customer_id = null where order_id = '1001'", ["nulls in sales"]),
        ("insert into daily_sales values ('North', 0, 0, 0, '2024-01-15')",
         ["daily_sales rows", "duplicate daily_sales"]),
        (
            "update sales set status = 'refunded' where order_id = 'ORD-1'",
            ["sales revenue", "ledger 2026-11-20"],
        ),
    ],
)  # fmt: skip
def test_a_fault_is_noticed_by_its_checks(lake: Lake, fault: str, noticed: list[str]) -> None:
    lake.connection.execute(fault)
    assert failed(lake) == noticed


def test_a_cent_between_lake_and_ledger_is_told_with_its_day(lake: Lake) -> None:
    ledger = [{"order_date": "2026-11-20", "revenue": "10.01", "moving": False}]
    findings = [one for one in check(facts(ledger=ledger), lake) if not one.passed]
    assert [(one.name, one.detail) for one in findings] == [
        ("ledger 2026-11-20", "lake 10.00, ledger 10.01: difference -0.01")
    ]


def test_money_that_moved_a_moment_ago_is_told_and_does_not_fail(lake: Lake) -> None:
    ledger = [{"order_date": "2026-11-20", "revenue": "10.01", "moving": True}]
    findings = check(facts(ledger=ledger), lake)
    assert (findings[-1].passed, findings[-1].moving) == (True, True)
    assert findings[-1].detail.endswith("difference -0.01, still moving")


def test_a_report_that_does_not_say_fails_instead_of_passing(lake: Lake) -> None:
    report: dict[str, Any] = {"dates_touched": []}
    assert failed(lake, report=report)[:3] == ["sales revenue", "sales rows", "daily_sales rows"]


def test_a_missing_table_fails_its_own_checks_only(lake: Lake) -> None:
    lake.connection.execute("drop table customer_metrics")
    assert failed(lake) == [one.name for one in CHECKS if "customer_metrics" in one.name]


def test_an_empty_lake_equals_an_empty_report(lake: Lake) -> None:
    for name in ("sales", "daily_sales", "customer_metrics"):
        lake.connection.execute(f"delete from {name}")
    nothing = {"rows": 0, "revenue": Decimal(0)}
    tables = dict.fromkeys(("sales", "daily_sales", "customer_metrics"), nothing)
    ledger = [{"order_date": "2026-11-20", "revenue": "0.00", "moving": False}]
    assert failed(lake, report={"tables": tables, "dates_touched": []}, ledger=ledger) == []


def test_without_a_day_of_the_ledger_nothing_is_taken_for_compared(lake: Lake) -> None:
    assert failed(lake, ledger=[]) == ["ledger"]


def test_completed_orders_that_wait_too_long_for_the_tables_are_told(lake: Lake) -> None:
    freshness = {"published_at": "2026-11-20T12:00:00+00:00", "waiting": 2, "hours": 3}
    [found] = [one for one in check(facts(freshness=freshness), lake) if not one.passed]
    said = "2026-11-20T12:00:00+00:00; 2 completed orders placed since wait longer than 3 hours"
    assert (found.name, found.detail) == ("freshness", f"published {said}")


def test_tables_of_no_known_time_are_not_fresh(lake: Lake) -> None:
    assert failed(lake, freshness={}) == ["freshness"]


def test_days_are_written_into_sql_only_if_they_are_days(lake: Lake) -> None:
    report = facts()["report"] | {"dates_touched": ["2024-01-15", "'); drop table sales; --"]}
    assert failed(lake, report=report) == []


def test_the_table_for_people_has_a_line_for_each_finding() -> None:
    findings = [
        {"name": "sales rows", "passed": True, "detail": "2"},
        {"name": "nulls", "passed": False, "detail": "3, expected 0"},
    ]
    assert table(findings).splitlines() == ["ok   sales rows  2", "FAIL nulls       3, expected 0"]
