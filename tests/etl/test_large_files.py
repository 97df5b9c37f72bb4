"""A large clean file is read by several cores at a time: each record keeps its number in the file."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.engines.base import Landing
from etl.engines.duckdb_engine import DuckDbEngine
from etl.manifest import SourceFile
from etl.pipeline import run
from etl.schemas import SALES, Schema
from etl.storage import LocalStorage
from tests.etl.builders import csv_file, customers_file, json_file, line, manifest_of
from tests.etl.lake import Lake

LINES = 60_000  # several of DuckDB's vectors, in several parts of a file


@pytest.mark.parametrize("large", [0, 1 << 40])
def test_records_are_numbered_as_they_stand_in_their_file(tmp_path: Path, large: int) -> None:
    files = [
        csv_file(tmp_path / "a.csv", [line(f"A{n}") for n in range(LINES)]),
        json_file(tmp_path / "b.jsonl", [line(f"B{n}") for n in range(10)], 2),
        csv_file(tmp_path / "c.csv", [line(f"C{n}", quantity="x" if n == 7 else 1) for n in range(20)], 3),
        customers_file(tmp_path),
    ]
    (tmp_path / "work").mkdir()
    engine = DuckDbEngine(tmp_path / "work", large=large)
    report = run(manifest_of(tmp_path / "lake", *files), engine=engine)
    engine.close()
    silver = Lake(tmp_path / "lake").silver("order_id, record")
    assert len(silver) == LINES + 29
    assert [row for row in silver if int(row[0][1:]) + 1 != row[1]] == []
    assert '"record":8,' in Path(report.quarantine[0]).read_text()


def test_one_file_alone_is_numbered_by_places_that_no_table_keeps(tmp_path: Path) -> None:
    rows = [line(f"A{n}", quantity="x" if n == 40_000 else 1) for n in range(LINES)]
    files = (csv_file(tmp_path / "a.csv", rows), customers_file(tmp_path))
    (tmp_path / "work").mkdir()
    engine = DuckDbEngine(tmp_path / "work", large=0)
    report = run(manifest_of(tmp_path / "lake", *files), engine=engine)
    kept = {name for name, *_ in engine.rows("describe checked_sales_rows")}
    engine.close()
    assert kept.isdisjoint({"record", "source", "source_version", "version", "status", "currency", "extra"})
    silver = Lake(tmp_path / "lake").silver("order_id, record, source, source_version")
    own = (files[0].name, files[0].version)
    assert sorted(silver, key=lambda row: row[1]) == [
        (f"A{n}", n + 1, *own) for n in range(LINES) if n != 40_000
    ]
    assert '"record":40001,' in Path(report.quarantine[0]).read_text()


class Watched(DuckDbEngine):
    """Notes which threads ask it about sales; lands those only once customers are looked at."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        self.threads: set[int] = set()
        self.looking = threading.Event()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if "sales" in sql:
            self.threads.add(threading.get_ident())
        return super().rows(sql)

    def land(self, schema: Schema, files: Sequence[SourceFile], view: str) -> Landing:
        assert schema is not SALES or self.looking.wait(30)
        return super().land(schema, files, view)

    def check(self, name: str, landing: Landing, sql: str) -> None:
        self.looking.set()
        super().check(name, landing, sql)


def test_duckdb_looks_at_customers_meanwhile_but_is_asked_one_thing_at_a_time_about_sales(
    tmp_path: Path,
) -> None:
    """Of two large queries side by side, one is left with one core to its end: that cost 0.3 s."""
    (tmp_path / "work").mkdir()
    engine = Watched(tmp_path / "work")
    files = (csv_file(tmp_path / "a.csv", [line("1")]), customers_file(tmp_path))
    run(manifest_of(tmp_path / "lake", *files), engine=engine)
    engine.close()
    assert engine.threads == {threading.get_ident()}


def test_all_rows_of_a_partition_are_in_its_one_object_however_many_there_are(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    engine = DuckDbEngine(tmp_path / "work")
    rows = "select n % 240 as part, n from range(1300000) as r(n) where n % 240 <> 7"
    keys = {str(part): f"part-{part}.parquet" for part in range(240)}
    lake = LocalStorage(tmp_path / "lake")
    engine.put_partitions(rows, "part", keys, lake, keys.__getitem__, "silver sales")
    engine.close()
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select parse_filename(filename), count(*), sum(n) "
            f"from read_parquet('{lake.root}/*.parquet', filename = true) group by 1"
        ).fetchall()
        expected = connection.execute(
            f"select 'part-' || part || '.parquet', count(*), sum(n) from ({rows}) group by 1"
        )
        assert sorted(found) == sorted(expected.fetchall())
    assert {path.name for path in lake.root.iterdir()} == set(keys.values())
