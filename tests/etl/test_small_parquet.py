"""Parquet of our own, read by the readers of others: values, NULLs, types and files without rows."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.engines.small_parquet import KINDS, SmallParquet
from etl.pipeline import run
from tests.etl.builders import csv_file, customers_file, line, manifest_of
from tests.etl.lake import Lake

COLUMNS = (("region", "VARCHAR"), ("daily_revenue", "DECIMAL(18,2)"), ("daily_orders", "BIGINT"))
CENTS = st.integers(-(10**18) + 1, 10**18 - 1)
ROWS = st.lists(
    st.tuples(
        st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
        st.none() | CENTS,
        st.none() | st.integers(-(2**63), 2**63 - 1),
    ),
    max_size=40,
)


def as_read(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(text, None if cents is None else Decimal(cents).scaleb(-2), n) for text, cents, n in rows]


@settings(deadline=None)  # the first look at a reader loads it
@given(rows=ROWS)
def test_others_read_what_was_written(rows: list[tuple[Any, ...]], tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("small") / "made.parquet"
    path.write_bytes(SmallParquet(COLUMNS).file(rows))
    expected = as_read(rows)
    with duckdb.connect() as connection:
        assert connection.execute(f"select * from read_parquet('{path}')").fetchall() == expected
    table = pq.read_table(path)
    assert [tuple(row.values()) for row in table.to_pylist()] == expected
    assert table.schema.types == [pa.string(), pa.decimal128(18, 2), pa.int64()]


@pytest.mark.parametrize("columns", [1, 14, 15, 40])
def test_a_file_has_as_many_columns_as_it_likes(tmp_path: Path, columns: int) -> None:
    small = SmallParquet([(f"c{n}", "BIGINT") for n in range(columns)])
    (tmp_path / "wide.parquet").write_bytes(small.file([tuple(range(columns))]))
    (row,) = pq.read_table(tmp_path / "wide.parquet").to_pylist()
    assert row == {f"c{n}": n for n in range(columns)}


def test_gold_of_a_few_rows_has_the_columns_that_duckdb_gives_it(tmp_path: Path) -> None:
    files = (customers_file(tmp_path), csv_file(tmp_path / "a.csv", [line("1"), line("2", region="Süd")]))
    run(manifest_of(tmp_path / "lake", *files))
    (path,) = (tmp_path / "lake").glob("daily_sales/*/data.parquet")
    assert b"orders-etl" in path.read_bytes()
    with duckdb.connect() as connection:
        shape = connection.execute(
            f"describe select * from read_parquet('{path}', hive_partitioning = false)"
        ).fetchall()
    assert [row[:2] for row in shape] == [
        ("region", "VARCHAR"),
        ("daily_revenue", "DECIMAL(18,2)"),
        ("daily_orders", "BIGINT"),
        ("unique_customers", "BIGINT"),
    ]
    assert {kind for _, kind, *_ in shape} == KINDS.keys()
    assert [row[1:] for row in Lake(tmp_path / "lake").daily_sales()] == [
        ("North", Decimal("10.00"), 1, 1),
        ("Süd", Decimal("10.00"), 1, 1),
    ]


def test_a_partition_that_lost_its_rows_is_a_file_without_any(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(manifest_of(lake, customers_file(tmp_path), csv_file(tmp_path / "a.csv", [line("1")])))
    moved = csv_file(tmp_path / "b.csv", [line("1", order_date="2024-01-17")], 2)
    run(manifest_of(lake, moved, run_id="run-2"))
    rows = {path.parent.name: pq.read_table(path).num_rows for path in lake.glob("daily_sales/*/*.parquet")}
    assert rows == {"order_date=2024-01-15": 0, "order_date=2024-01-17": 1}
