"""A column that no file brings is a constant in DuckDB's views: what the rules make of an empty text."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from etl.assessment import ask_all
from etl.engines.duckdb_engine import DuckDbEngine
from etl.manifest import SourceFile
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


@pytest.mark.parametrize("files", [1, 2])
@pytest.mark.parametrize("quantity", [1, "x"], ids=["accepted", "rejected"])
def test_the_profile_of_a_constant_is_what_all_rows_give(
    engine: DuckDbEngine, tmp_path: Path, quantity: object, files: int
) -> None:
    rows = [line("1", quantity=quantity), line("2", quantity=quantity)]
    check(engine, *(csv_file(tmp_path / f"{n}.csv", rows, n) for n in range(1, files + 1)))
    asked = ask_all(engine.rows, SALES, "checked_sales", "count(distinct order_id)")
    assert engine.assessed(SALES, "checked_sales") == asked


@pytest.mark.parametrize(
    ("ids", "different"), [("ABC", 3), ("ACB", 3), ("AAB", 2), ("ABA", 2), ("A", 1), ("AA ", 1), ("A B", 2)]
)
def test_ids_are_counted_whether_they_rise_or_not(
    engine: DuckDbEngine, tmp_path: Path, ids: str, different: int
) -> None:
    check(engine, csv_file(tmp_path / "a.csv", [line(order_id.strip()) for order_id in ids]))
    found = engine.assessed(SALES, "checked_sales")
    assert (found.records, found.ids) == (len(ids.replace(" ", "")), different)


def check(engine: DuckDbEngine, *files: SourceFile) -> None:
    landing = engine.land(SALES, files, "landed_sales")
    engine.check("checked_sales", landing, checked_sql(SALES, "landed_sales", date(2024, 12, 31)))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDbEngine]:
    (tmp_path / "work").mkdir()
    engine = DuckDbEngine(tmp_path / "work")
    yield engine
    engine.close()


def schema_of(lake: Path) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"select name, type, converted_type, repetition_type "
            f"from parquet_schema('{lake}/silver/sales/**/*.parquet')"
        ).fetchall()
