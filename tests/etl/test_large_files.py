"""A large clean file is read by several cores at a time: each record keeps its number in the file."""

from pathlib import Path

import pytest

from etl.engines.duckdb_engine import DuckDbEngine
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
