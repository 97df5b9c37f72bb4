"""A large clean file is read by several cores at a time: each record keeps its number in the file."""

import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.engines.duckdb_engine import DuckDbEngine, shares
from etl.pipeline import run
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


class Watched(DuckDbEngine):
    """Notes which threads ask it."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        self.threads: set[int] = set()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        self.threads.add(threading.get_ident())
        return super().rows(sql)


def test_duckdb_is_asked_one_thing_at_a_time(tmp_path: Path) -> None:
    """Of two queries side by side, one is left with one core to its end: it cost a third of a second."""
    (tmp_path / "work").mkdir()
    engine = Watched(tmp_path / "work")
    files = (csv_file(tmp_path / "a.csv", [line("1")]), customers_file(tmp_path))
    run(manifest_of(tmp_path / "lake", *files), engine=engine)
    engine.close()
    assert engine.threads == {threading.get_ident()}


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 9])
def test_every_row_falls_to_one_writer_and_neighbours_to_different_ones(parts: int) -> None:
    rows = "(values (202401), (202402), (202403), (202404), (209912), (null)) as t(m)"
    conditions = shares("m", ["202401", "202402", "202403", "202404"], parts)
    with duckdb.connect() as connection:
        found = [connection.execute(f"select m from {rows} where {c}").fetchall() for c in conditions]
    assert len(found) == min(parts, 4)
    assert sorted(str(m) for part in found for (m,) in part) == sorted(
        ["202401", "202402", "202403", "202404", "209912", "None"]
    )
    assert parts == 1 or all((202401,) not in part or (202402,) not in part for part in found)
