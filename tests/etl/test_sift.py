"""Of a dirty CSV only the dirty lines are read strictly: all records are those of the strict reader."""

import gzip
import io
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from etl.engines.base import Landing
from etl.engines.duckdb_engine import DuckDbEngine
from etl.engines.duckdb_landing import Way
from etl.manifest import SourceFile
from etl.pipeline import run
from etl.reader import sift
from etl.reader.clean import clean_csv
from etl.reader.files import read_file
from etl.reader.records import MAX_LINE, FileNotes, Record, extra_json
from etl.schemas import CUSTOMERS, SALES, Schema
from etl.sqlgen import checked_sql
from tests.etl.builders import AS_OF, customers_file, manifest_of, source
from tests.etl.dirt import BYTES, DIRT, LINES, NAMES, csv_bytes, make_files, row
from tests.etl.lake import Lake

USABLE = (
    b"customer_id,name,tier\n",
    b"\xef\xbb\xbfcustomer_id,name\r\n",
    b'\n\n"Customer Id",Name\n',
    b"name,customer_id,x,y\n",
)
HEADERS = (
    *USABLE,
    b"customer_id,name",
    b"customer_id,na;me\n",
    b"a,b\n",
    b"",
)
PIECES = (
    *(b'"', b'"', b",", b",", b",", b"\n", b"\n", b"\n", b"\r\n", b"\r", b" ", b'""', b'",', b',"'),
    *(b"\xff", b"\xc3", b"\xc3\xa9", b"\x00", b"\x01", b"\xef\xbb\xbf"),
    *(b"C1,Ann,a\n", b"C2,Bob,a\n", b"C3,,\n", b"C4,Cy\n", b"C5,\xc3\xa9,b\r\n", b"C6", b"word"),
)


def records(path: Path, schema: Schema) -> tuple[list[Record], FileNotes]:
    notes = FileNotes()
    return list(read_file(path, schema, notes)), notes


def sifted(path: Path, schema: Schema) -> list[Record] | None:
    """All records: of the copy as any reader of clean files must understand it, and those that were kept."""
    copy, kept = io.BytesIO(), list[Record]()
    shape = sift.sift(path, schema, copy, kept.append)
    if shape is None:
        return None
    lines = copy.getvalue().decode().split("\n")
    assert lines[0] == ",".join(shape.names)
    assert lines[-1] == ""
    assert shape.has_records == (len(lines) > 2)
    apart = {record.number: record for record in kept}
    found = []
    for number, text in enumerate(lines[1:-1], 1):
        fields = text.split(",")
        assert len(fields) == len(shape.names)
        if fields[0] == sift.HOLDER:
            found.append(apart.pop(number))
            continue
        values = dict(zip(shape.names, fields, strict=True))
        extra = extra_json((n, v) for n, v in values.items() if n not in schema.names)
        known = {n: v or None for n, v in values.items() if n in schema.names}
        found.append(Record(number, known, text, None, extra))
    assert not apart
    path.write_bytes(copy.getvalue().replace(sift.HOLDER.encode(), b"C"))
    assert clean_csv(path, schema) is not None
    return found


@settings(max_examples=400, deadline=None)
@given(header=st.sampled_from(HEADERS), pieces=st.lists(st.sampled_from(PIECES), max_size=60), data=st.data())
def test_what_is_sifted_is_what_the_strict_reader_reads(
    header: bytes, pieces: Sequence[bytes], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "sifted.csv"
    path.write_bytes(header + b"".join(pieces))
    expected, _ = records(path, CUSTOMERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sift, "_BLOCK", data.draw(st.sampled_from((1, 8, 40, 1 << 14))))
        found = sifted(path, CUSTOMERS)
    assert found == expected or (found is None and header not in USABLE)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_dirty_lines_are_parsed(tmp_path: Path, end: str) -> None:
    lines = [f"C{n},Ann,a" for n in range(5_000)]
    lines[700], lines[2_500], lines[-1] = 'C700,"A, B",a', "C2500,Ann", "C4999, Ann,a"
    path = tmp_path / "c.csv"
    path.write_text(end.join(["customer_id,name,status", *lines]), newline="")
    copy, kept = io.BytesIO(), list[Record]()
    assert sift.sift(path, CUSTOMERS, copy, kept.append) is not None
    assert [record.number for record in kept] == [701, 2_501, 5_000]
    assert copy.getvalue().count(b"\n") == 5_001


def test_a_line_that_is_too_long_is_left_to_the_strict_reader(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    for tail in (b'C1,"', b"C1,"):
        path.write_bytes(b"customer_id,name\n" + tail + b"x" * (MAX_LINE + 9) + b"\nC2,B\n")
        assert sifted(path, CUSTOMERS) is None


class Strict(DuckDbEngine):
    """The reference: no file is read natively."""

    def _land(self, schema: Schema, files: Sequence[SourceFile], landing: Landing, way: Way) -> None:
        super()._land(schema, files, landing, Way.STRICT)


def outcome(folder: Path, files: Sequence[SourceFile], engine_of: type[DuckDbEngine], large: int) -> Any:
    folder.mkdir()
    engine = engine_of(folder, large=large)
    report = run(manifest_of(folder / "lake", *files, min_rows_for_threshold=10**9), engine=engine)
    engine.close()
    lake = Lake(folder / "lake")
    quarantine = [path.read_text() for path in sorted((lake.root / "quarantine").rglob("*.jsonl"))]
    left_out = ("seconds", "published_at", "silver_bytes", "quarantine")  # of the run, not of what was read
    told = {key: value for key, value in vars(report).items() if key not in left_out}
    return lake.tables(), lake.silver(), quarantine, told


def assert_as_strict(folder: Path, files: Sequence[SourceFile]) -> Any:
    expected = outcome(folder / "strict", files, Strict, 1 << 40)
    assert outcome(folder / "sifted", files, DuckDbEngine, 1 << 40) == expected
    assert outcome(folder / "in_parts", files, DuckDbEngine, 0) == expected
    return expected


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_run_over_files_of_every_kind_of_dirt_gives_what_strict_reading_gives(
    tmp_path: Path, seed: int
) -> None:
    *_, told = assert_as_strict(tmp_path, make_files(tmp_path, seed))
    assert told["quarantined"] > 50


QUICK = (Phase.explicit, Phase.generate)
VALUES = st.tuples(*(st.one_of(st.sampled_from(DIRT[name]), st.text(max_size=6)) for name in NAMES))
WHOLE = st.sampled_from([*(line.encode() for line in LINES), *BYTES, b"\x01,C001,P,1,1.00,2024-01-01,N"])


@settings(max_examples=4, deadline=None, phases=QUICK, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.one_of(VALUES, WHOLE), max_size=40), seed=st.integers(0, 99), packed=st.booleans())
@example(rows=[b"\x01,C001,P,1,1.00,2024-01-01,N"], seed=1, packed=False)
def test_a_run_over_whatever_hypothesis_writes_gives_what_strict_reading_gives(
    rows: list[tuple[str, ...] | bytes], seed: int, packed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Among clean lines, so that the file is parted, quoted or not where CSV asks for it."""
    folder, random_ = tmp_path_factory.mktemp("made"), random.Random(seed)
    clean = [row(random_, 0) for _ in range(30)]
    lines = csv_bytes([*clean, *(list(r) for r in rows if isinstance(r, tuple))], random_, 0.02).split(b"\n")
    lines += [r for r in rows if isinstance(r, bytes)]
    head, *rest = lines
    random_.shuffle(rest)
    content = b"\n".join([head, *rest])
    path = folder / "made.csv"
    path.write_bytes(gzip.compress(content) if packed else content)
    assert_as_strict(folder, [source(path), customers_file(folder)])


def test_a_wrong_number_of_fields_costs_no_more_than_its_line(tmp_path: Path) -> None:
    """Only DuckDB sees it in a file that is clean else: the file is sifted then, not read strictly."""
    path = tmp_path / "a.csv"
    path.write_text(
        "\n".join([",".join(NAMES), *(",".join(row(random.Random(n), 0)) for n in range(200)), "a,b"])
    )
    work = tmp_path / "work"
    work.mkdir()
    engine = DuckDbEngine(work)
    landing = engine.land(SALES, [source(path)], "landed_sales")
    engine.check("checked_sales", landing, checked_sql(SALES, landing.view, AS_OF))
    assert landing.native == [str(path)]
    assert engine.rows("select record, failed from checked_sales where failed is not null") == [
        (201, "wrong_field_count")
    ]
    assert engine.rows("select count(*) from checked_sales") == [(201,)]
    engine.close()
