"""The demo's second half: two files and the demo's own orders, read as tables through Athena."""

from decimal import Decimal

import pytest

from tests.e2e.conftest import DemoRun

pytestmark = pytest.mark.e2e


def test_the_sample_files_are_in_daily_sales_to_the_cent(demo: DemoRun) -> None:
    old = [row for row in demo.record["sales"]["daily_sales"] if row["order_date"] < "2025"]
    assert sum(Decimal(row["daily_revenue"]) for row in old) == Decimal("779.82")
    assert sum(int(row["daily_orders"]) for row in old) == 10


def test_the_tables_hold_what_the_bank_moved_for_the_demos_orders(demo: DemoRun) -> None:
    moved = sum(
        sum(Decimal(one["amount"]) for one in order["charges"])
        - sum(Decimal(one["amount"]) for one in order["refunds"])
        for order in demo.record["orders"]
    )
    told = demo.record["sales"]["orders_in_daily_sales"]
    assert sum(Decimal(row["daily_revenue"]) for row in told) == moved


def test_a_customer_of_the_files_has_metrics(demo: DemoRun) -> None:
    [best] = [row for row in demo.record["sales"]["customer_metrics"] if row["customer_id"] == "C003"]
    assert (best["customer_id"], best["total_spent"], best["total_orders"], best["avg_order_value"]) == (
        "C003",
        "289.95",
        "2",
        "144.98",
    )


def test_the_customers_of_the_demos_completed_orders_have_metrics(demo: DemoRun) -> None:
    spent = {row["name"]: row["total_spent"] for row in demo.record["sales"]["customer_metrics"]}
    assert (spent["Bob Smith"], spent["Eve Lindqvist"]) == ("499.99", "50.00")
    assert "Frank Moreau" not in spent  # got the money back


def test_a_file_that_is_not_what_it_says_is_quarantined_with_its_reason(demo: DemoRun) -> None:
    [rejected] = demo.record["sales"]["quarantine"]
    assert "/raw-data/invalid_data.csv?versionId=" in rejected["source"]
    assert rejected["reasons"] == "wrong_header"


def test_the_default_demo_needs_no_spark(demo: DemoRun) -> None:
    assert demo.record["sales"]["engines"] == ["duckdb"]
