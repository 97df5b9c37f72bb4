"""A column that no file brings is a constant in DuckDB's views: what the rules make of an empty text."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from etl.pipeline import run
from etl.schemas import CUSTOMERS, SALES, Schema
from etl.sqlgen import absent_values, checked_sql, empty_landed
from tests.etl.builders import csv_file, customers_file, line, manifest_of
from tests.etl.lake import Lake


@pytest.mark.parametrize("schema", [SALES, CUSTOMERS], ids=["sales", "customers"])
def test_the_constant_has_the_value_and_type_that_the_rules_give(schema: Schema) -> None:
    one = empty_landed(schema).removesuffix(" where 1 = 0")
    checked = checked_sql(
        schema, f"(select * replace (5 as source_version) from ({one}))", date(2024, 12, 31)
    )
    absent = absent_values(schema, set())
    assert {"version", "status"} <= absent.keys()
    assert "line_amount" not in absent  # other columns decide it
    with duckdb.connect() as connection:
        for column, value in absent.items():
            row = f"{column}, typeof({column}), {value}, typeof({value})"
            found = connection.execute(f"select {row} from ({checked})").fetchone()
            assert found is not None
            assert found[:2] == found[2:], column
            assert column not in absent_values(schema, {column})


def test_a_column_that_only_one_file_brings_is_kept(tmp_path: Path) -> None:
    said = csv_file(tmp_path / "a.csv", [line("1", status="refunded", currency="EUR", coupon="X")])
    silent = csv_file(tmp_path / "b.csv", [line("2")], 2)
    run(manifest_of(tmp_path / "lake", said, silent, customers_file(tmp_path)))
    lake = Lake(tmp_path / "lake")
    columns = "order_id, status, currency, extra, version = source_version, source"
    assert lake.silver(columns) == [
        ("1", "refunded", "EUR", '{"coupon":"X"}', True, said.name),
        ("2", "completed", None, None, True, silent.name),
    ]
    run(manifest_of(tmp_path / "alone", silent, customers_file(tmp_path)))
    assert Lake(tmp_path / "alone").silver(columns) == [("2", "completed", None, None, True, silent.name)]


def test_a_constant_is_the_same_text_in_silver_as_what_a_file_brings(tmp_path: Path) -> None:
    said = csv_file(
        tmp_path / "a.csv", [line("1", status="completed", currency="EUR", coupon="X", region=None)], 2
    )
    silent = csv_file(tmp_path / "b.csv", [line("2")])
    for name, files in (("first", (silent,)), ("merged", (silent, said))):
        run(manifest_of(tmp_path / name, *files, customers_file(tmp_path)))
    first, merged = (schema_of(tmp_path / name) for name in ("first", "merged"))
    assert first == merged
    assert ("status", "BYTE_ARRAY", "UTF8", "OPTIONAL") in first


def schema_of(lake: Path) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"select name, type, converted_type, repetition_type "
            f"from parquet_schema('{lake}/silver/sales/**/*.parquet')"
        ).fetchall()
