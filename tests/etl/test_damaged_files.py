"""A damaged file is accepted whole or not at all; what the machine cannot read is no bad data."""

import bz2
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.job import main
from etl.pipeline import run
from etl.reader.files import read_file
from etl.reader.parquet import duckdb_rows
from etl.reader.records import FileNotes
from etl.schemas import CUSTOMERS
from tests.etl.builders import csv_file, customers_file, line, manifest_of, source
from tests.etl.lake import Lake

CSV = b"customer_id,name\n" + b"".join(b"C%d,Ann\n" % n for n in range(3000))


def accepted(path: Path) -> int:
    notes = FileNotes()
    records = list(read_file(path, CUSTOMERS, notes))
    return 0 if notes.damage else sum(record.error is None for record in records)


@settings(deadline=None)
@given(kept=st.floats(0, 1), pack=st.sampled_from([gzip.compress, bz2.compress]))
def test_a_packed_file_that_was_cut_off_anywhere_is_accepted_whole_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, kept: float, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path_factory.mktemp("cut") / "c.csv"
    whole = pack(CSV)
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert accepted(path) == (3000 if kept == 1 else 0)


def avro_bytes() -> bytes:
    out = io.BytesIO()
    schema = {"type": "record", "name": "R", "fields": [{"name": "customer_id", "type": "string"}]}
    rows = [{"customer_id": f"C{n}"} for n in range(2000)]
    fastavro.writer(out, schema, rows, codec="deflate", sync_interval=2000)
    return out.getvalue()


def parquet_bytes() -> bytes:
    out = io.BytesIO()
    table = pa.table({"customer_id": [f"C{n}" for n in range(2000)], "name": ["Ann"] * 2000})
    pq.write_table(table, out, row_group_size=200, compression="none", use_dictionary=False)
    return out.getvalue()


def without_the_middle(content: bytes) -> bytes:
    return content[: len(content) // 2] + content[len(content) // 2 + 50 :]


def without_the_data(content: bytes) -> bytes:
    """A Parquet file whose footer tells of more than is there."""
    footer = int.from_bytes(content[-8:-4], "little") + 8
    return content[:4] + content[-footer:]


@pytest.mark.parametrize(
    ("make", "damage"),
    [
        (avro_bytes, without_the_middle),
        (parquet_bytes, without_the_middle),
        (parquet_bytes, without_the_data),
    ],
)
def test_a_typed_file_of_which_a_part_is_missing_is_not_accepted(
    tmp_path: Path, make: Callable[[], bytes], damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "c"
    path.write_bytes(make())
    assert accepted(path) == 2000
    path.write_bytes(damage(make()))
    assert accepted(path) == 0


def test_the_rows_before_the_damage_are_quarantined_with_their_texts_and_the_report_says_so(
    tmp_path: Path,
) -> None:
    whole = csv_file(tmp_path / "whole.csv", [line(f"W{n}") for n in range(400)])
    cut = csv_file(tmp_path / "cut.csv", [line(f"C{n}") for n in range(90)])
    path = Path(cut.key)
    path.write_bytes(gzip.compress(path.read_bytes(), compresslevel=0)[:-20])
    report = run(manifest_of(tmp_path / "lake", customers_file(tmp_path), whole, source(path, 2)))
    rejects = [json.loads(text) for text in Path(report.quarantine[0]).read_text().splitlines()]
    assert {row["reasons"] for row in rejects} == {"unreadable_file"}
    assert [row["order_id"] for row in rejects[:-1]] == [f"C{n}" for n in range(len(rejects) - 1)]
    assert len(rejects) > 50
    assert report.rows_in == 7 + 400 + len(rejects) == report.accepted + report.quarantined
    assert {order[0] for (order,) in Lake(tmp_path / "lake").silver("order_id")} == {"W"}
    (note,) = report.notes
    assert note.startswith(f"{path}: unreadable after {len(rejects) - 1} records, none of them is accepted")
    told = f"none of its {len(rejects)} rows is accepted (unreadable_file {len(rejects)})"
    assert report.left_out == [f"{path}: {told}"], "an alert, though these are too few to stop the run"


def test_people_are_told_of_files_that_gave_nothing_however_small(tmp_path: Path) -> None:
    bad = line("B1", quantity="none")
    half, none, odd, header = (
        csv_file(tmp_path / f"{name}.csv", rows)
        for name, rows in (
            ("half", [line("H1"), bad]),
            ("none", [bad, bad]),
            ("odd", [bad]),
            ("header", [bad]),
        )
    )
    Path(odd.key).write_bytes(b"%PDF-1.7\n\x00\xff")
    Path(header.key).write_text(",".join(bad) + "\n")
    report = run(manifest_of(tmp_path / "lake", customers_file(tmp_path), half, none, odd, header))
    assert sorted(told.removeprefix(f"{tmp_path}/") for told in report.left_out) == [
        "none.csv: none of its 2 rows is accepted (quantity_invalid 2)",
        "odd.csv: the header lacks required columns or repeats one",
    ]


def test_half_of_a_large_file_stops_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = csv_file(tmp_path / "cut.csv", [line(f"C{n}") for n in range(5000)])
    path = Path(cut.key)
    path.write_bytes(gzip.compress(path.read_bytes())[:-100])
    assert main(["--sales", str(path), "--output", str(tmp_path / "lake")]) == 3
    assert "rows are quarantined (sales)" in capsys.readouterr().err
    assert not (tmp_path / "lake" / "_published.json").exists()


def test_a_file_that_the_machine_cannot_read_fails_the_run_and_is_no_reject(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = csv_file(tmp_path / "good.csv", [line("1")])
    memory = "/proc/self/mem"  # a regular file whose first byte is an I/O error
    assert main(["--sales", memory, good.key, "--output", str(tmp_path / "lake")]) == 1
    assert capsys.readouterr().err == "error: [Errno 5] Input/output error\n"
    assert not (tmp_path / "lake" / "quarantine").exists()
    with pytest.raises(OSError, match="Input/output error"):
        list(read_file(Path(memory), CUSTOMERS, FileNotes()))


def test_parquet_that_the_machine_cannot_read_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(duckdb_rows(tmp_path / "gone.parquet"))


def test_a_schema_of_parquet_that_duckdb_calls_an_io_error_is_damage(tmp_path: Path) -> None:
    path, content = tmp_path / "c.parquet", bytearray(parquet_bytes())
    content[-1989] = 0  # the number of children of the schema's root
    path.write_bytes(content)
    with pytest.raises(duckdb.IOException, match="no children"), duckdb.connect() as connection:
        connection.execute("select * from read_parquet(?)", [str(path)])
    assert accepted(path) == 0
