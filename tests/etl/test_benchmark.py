"""The benchmark takes tables for equal only where every row is, the averages with it."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from scripts.benchmarks.etl import Measured, agree, print_table, tables


def written(out: Path, spent: str, average: str) -> dict[str, Any]:
    """The tables of one contender with one customer, who ordered three times."""
    (out / "daily_sales").mkdir(parents=True)
    (out / "customer_metrics").mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select date '2024-01-15' as order_date, 'North' as region, 9.5 as daily_revenue, "
            f"3 as daily_orders, 1 as unique_customers) to '{out}/daily_sales' "
            f"(format parquet, partition_by (order_date))"
        )
        connection.execute(
            f"copy (select 'C1' as customer_id, 'Ada' as name, 'active' as status, {spent} as total_spent, "
            f"3 as total_orders, {average} as avg_order_value) to '{out}/customer_metrics/part-0.parquet' "
            f"(format parquet)"
        )
    return tables(out)


def test_a_double_and_a_rounded_decimal_are_the_same_money(tmp_path: Path) -> None:
    ours = written(tmp_path / "ours", "9.50::decimal(18,2)", "3.17::decimal(18,2)")
    seed = written(tmp_path / "seed", "9.5::double", "9.5::double / 3")
    assert agree([ours, seed])


@pytest.mark.parametrize(
    ("spent", "average"), [("9.50", "3.18"), ("9.50", "3.16"), ("9.50", "null"), ("9.51", "3.17")]
)
def test_one_cent_in_one_row_is_seen(tmp_path: Path, spent: str, average: str) -> None:
    good, bad = written(tmp_path / "good", "9.50", "3.17"), written(tmp_path / "bad", spent, average)
    assert agree([good, good])
    assert not agree([good, bad])
    assert average == "3.17" or not agree([bad, bad])


def test_the_median_run_counts_and_a_round_that_differs_is_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = written(tmp_path / "good", "9.50", "3.17"), written(tmp_path / "bad", "9.51", "3.17")
    rounds = [[Measured("polars", wall, 1.0, 1.0, good, {})] for wall in (9.0, 1.0, 2.0)]
    assert print_table(1, rounds)
    assert "polars" + " " * 13 + "2.00" in (said := capsys.readouterr().out)
    assert "1.00 - 9.00" in said
    assert not print_table(1, [*rounds, [Measured("polars", 2.0, 1.0, 1.0, bad, {})]])
