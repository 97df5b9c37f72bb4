"""Avro and Parquet: the texts of their values, and one answer of both Parquet readers."""

import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastavro.utils import generate_many
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.reader.avro import AvroError, read_avro
from etl.reader.files import read_file
from etl.reader.numbers import single
from etl.reader.parquet import Row, arrow_rows, duckdb_rows
from etl.reader.records import FileNotes
from etl.reader.typed import as_plain_text, typed_record
from etl.schemas import CUSTOMERS
from tests.etl.avro_files import avro_file, number, record_of

READERS = (duckdb_rows, arrow_rows)
CENTS = st.integers(-(10**11), 10**11).map(lambda cents: float(np.float32(cents / 100)))


def texts(rows: Iterator[Row]) -> list[list[tuple[str, str | None]]]:
    return [[(name, as_plain_text(value)) for name, value in row] for row in rows]


@given(CENTS)
def test_money_in_single_precision_is_the_shortest_decimal_that_it_can_mean(value: float) -> None:
    assert Decimal(repr(single(value))) == Decimal(str(np.float32(value)))


@given(st.floats(width=32, allow_nan=False))
def test_any_float_of_single_precision_comes_back_from_its_decimal(value: float) -> None:
    assert np.float32(single(value)) == np.float32(value)


@pytest.mark.parametrize("read", READERS)
def test_money_as_float_reads_alike_from_avro_and_parquet(
    tmp_path: Path, read: Callable[[Path], Iterator[Row]]
) -> None:
    written = ["1.1", "123456.79", "131072.25", "0.01", "29.99", "-7.5"]
    schema = {"type": "record", "name": "R", "fields": [{"name": "price", "type": ["null", "float"]}]}
    out = io.BytesIO()
    fastavro.writer(out, schema, [{"price": float(text)} for text in written])
    out.seek(0)
    assert [as_plain_text(row["price"]) for row in read_avro(out)] == written
    path = tmp_path / "p.parquet"
    values = [*map(float, written), None]
    pq.write_table(pa.table({"price": pa.array(values, pa.float32())}), path)
    assert texts(read(path)) == [[("price", text)] for text in (*written, None)]


FIXTURES: dict[str, Any] = {
    "texts": pa.array(["a", None, "ä", 'q"']),
    "bytes": pa.array([b"a", None, b"\xff", b"\x00"]),
    "half": pa.array(np.array([1.1, 2, 3, 0.5], np.float16)),
    "double": pa.array([1.1, None, 1e20, float("nan")]),
    "boolean": pa.array([True, False, None, True]),
    "unsigned": pa.array([1, 2**64 - 1, None, 0], pa.uint64()),
    "decimal": pa.array([Decimal("1.10"), None, Decimal("-0.01"), Decimal("0.00")], pa.decimal128(38, 2)),
    "list": pa.array([[1], None, [], [None]]),
    "struct": pa.array([{"a": 1}, None, {"a": None}, {"a": 2}]),
    "map": pa.array([[("k", 1)], None, [], [("k", None)]], pa.map_(pa.string(), pa.int32())),
    "dictionary": pa.array(["a", "b", None, "a"]).dictionary_encode(),
    "null": pa.nulls(4),
    'odd "name"': pa.array([0, None, 1, 2], pa.timestamp("us", tz="Europe/Berlin")),
}


@pytest.mark.parametrize("name", FIXTURES)
def test_both_parquet_readers_give_the_same_texts(tmp_path: Path, name: str) -> None:
    path = tmp_path / "region=North" / "p.parquet"  # a path that some take for a partition's
    path.parent.mkdir()
    pq.write_table(pa.table({name: FIXTURES[name]}), path)
    found = texts(duckdb_rows(path))
    assert found == texts(arrow_rows(path))
    assert [[n for n, _ in row] for row in found] == [[name]] * 4


DAYS = st.integers(-5_000_000, 10_000_000)
TIMES = st.integers(-7 * 10**13, 7 * 10**13).map(lambda tenths: tenths * 100_000)


@settings(deadline=None)
@given(st.lists(st.tuples(DAYS, TIMES), min_size=1, max_size=20))
def test_days_and_times_of_any_year_are_the_same_texts_in_avro_and_both_parquet_readers(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[int, int]]
) -> None:
    days, times = zip(*values, strict=True)
    path = tmp_path_factory.mktemp("p") / "p.parquet"
    columns = {"d": pa.array(days, pa.int32()).cast(pa.date32()), "t": pa.array(times, pa.timestamp("us"))}
    pq.write_table(pa.table(columns), path)
    found = texts(arrow_rows(path))
    assert found == texts(duckdb_rows(path))
    fields = [
        {"name": "d", "type": {"type": "int", "logicalType": "date"}},
        {"name": "t", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    ]
    block = b"".join(number(d) + number(t) for d, t in values)
    rows = read_avro(avro_file({"type": "record", "name": "R", "fields": fields}, block, len(values)))
    assert texts(list(row.items()) for row in rows) == found


@pytest.mark.parametrize("kind", ["date32", "timestamp"])
@pytest.mark.parametrize("read", READERS)
def test_one_day_out_of_range_in_parquet_costs_no_other_row(
    tmp_path: Path, read: Callable[[Path], Iterator[Row]], kind: str
) -> None:
    days = pa.array([19_000] * 10 + [2_932_897] + [19_000] * 89, pa.int32()).cast(pa.date32())
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"d": days if kind == "date32" else days.cast(pa.timestamp("ms"))}), path)
    found = [row[0][1] or "" for row in texts(read(path))]
    assert len(found) == 100
    assert [n for n, text in enumerate(found) if not text.startswith("2022-01-08")] == [10]
    assert found[10].startswith("10000-01-01")


@pytest.mark.parametrize(
    ("logical", "value"), [("date", 2_932_897), ("timestamp-micros", 2**60), ("timestamp-millis", -(2**60))]
)
def test_one_day_out_of_range_in_avro_costs_no_other_row(tmp_path: Path, logical: str, value: int) -> None:
    path = tmp_path / "a.avro"
    block = number(0) * 10 + number(value) + number(0) * 189
    schema = record_of({"type": "long", "logicalType": logical})
    path.write_bytes(avro_file(schema, block, 200).getvalue())
    found = list(read_file(path, CUSTOMERS, FileNotes()))
    assert [record.error for record in found] == [None] * 200
    assert len({record.values["customer_id"] for record in found}) == 2


@pytest.mark.parametrize("read", READERS)
def test_a_column_that_comes_twice_in_parquet_rejects_each_row(
    tmp_path: Path, read: Callable[[Path], Iterator[Row]]
) -> None:
    path = tmp_path / "p.parquet"
    texts_ = pa.array(["1.10", "2.20"])
    other = pa.array([{"Price": 1, "x": [1]}, {"Price": 2, "x": [2]}])
    names = ["customer_id", "details", "Name", "name"]
    pq.write_table(pa.table([texts_, other, texts_, texts_], names=names), path)
    rows = list(read(path))
    assert [[name for name, _ in row] for row in rows] == [names] * 2
    found = [typed_record(number, row, CUSTOMERS, FileNotes()) for number, row in enumerate(rows, 1)]
    assert [record.error for record in found] == ["repeated_column"] * 2
    assert '["Name", "1.10"], ["name", "1.10"]' in found[0].raw


def test_a_field_that_comes_twice_in_an_avro_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.avro"
    field = {"name": "customer_id", "type": "string"}
    for other, error in (("customer_id", "unreadable_file"), ("Customer_ID", "repeated_column")):
        schema = {"type": "record", "name": "R", "fields": [field, field | {"name": other}]}
        path.write_bytes(avro_file(schema, (number(1) + b"A") * 2).getvalue())
        assert [record.error for record in read_file(path, CUSTOMERS, FileNotes())] == [error]


def type_named(name: str, **more: object) -> dict[str, object]:
    return {"type": "enum", "name": name, "symbols": ["A", "B"], **more}


@pytest.mark.parametrize(
    "fields",
    [
        [type_named("E"), "E", "top.E"],
        [type_named("E", namespace="other"), "other.E"],
        [type_named("E"), type_named("E", namespace="other"), "E", "other.E"],
        [type_named("other.E"), "other.E"],
        [{"type": "array", "items": type_named("E")}, "E", ["null", "top.E"]],
        [{"type": "record", "name": "deep.R", "fields": [{"name": "e", "type": type_named("E")}]}, "deep.E"],
        [
            {
                "type": "record",
                "name": "Q",
                "namespace": "",
                "fields": [{"name": "e", "type": type_named("E")}],
            }
        ],
        [type_named("E"), {"type": "map", "values": "E"}],
    ],
)
def test_avro_types_are_named_within_their_namespace_as_fastavro_has_it(fields: list[Any]) -> None:
    numbered = [{"name": f"f{place}", "type": kind} for place, kind in enumerate(fields)]
    schema = {"type": "record", "name": "top.Sale", "fields": numbered}
    parsed = fastavro.parse_schema(schema)
    records = list(generate_many(parsed, 20))
    out = io.BytesIO()
    fastavro.writer(out, parsed, records)
    raw = io.BytesIO()
    fastavro.schemaless_writer(raw, parsed, records[0])
    written = avro_file(schema, raw.getvalue())  # with the schema as it was written, names short
    assert list(read_avro(written)) == list(fastavro.reader(io.BytesIO(written.getvalue()))) == records[:1]
    out.seek(0)
    assert list(read_avro(out)) == records


def test_an_avro_type_in_no_namespace_is_found_from_within_one() -> None:
    kinds = [type_named("E", namespace=""), "E", {"type": "E"}]
    fields = [{"name": f"f{place}", "type": kind} for place, kind in enumerate(kinds)]
    schema = {"type": "record", "name": "top.Sale", "fields": fields}
    assert list(read_avro(avro_file(schema, number(1) * 3))) == [{"f0": "B", "f1": "B", "f2": "B"}]


def test_an_avro_type_that_inherits_a_namespace_is_not_that_of_no_namespace() -> None:
    kinds = [type_named("E"), type_named("E", namespace="", symbols=["X", "Y"]), "E"]
    fields = [{"name": f"f{place}", "type": kind} for place, kind in enumerate(kinds)]
    schema = {"type": "record", "name": "top.Sale", "fields": fields}
    assert list(read_avro(avro_file(schema, number(1) * 3))) == [{"f0": "B", "f1": "Y", "f2": "B"}]


def test_two_avro_types_of_one_short_name_are_two(tmp_path: Path) -> None:
    one = {"type": "enum", "name": "E", "namespace": "a", "symbols": ["A"]}
    two = {"type": "enum", "name": "E", "namespace": "b", "symbols": ["B"]}
    fields = [{"name": f"f{place}", "type": kind} for place, kind in enumerate((one, two, "a.E", "b.E"))]
    rows = list(read_avro(avro_file({"type": "record", "name": "R", "fields": fields}, number(0) * 4)))
    assert rows == [{"f0": "A", "f1": "B", "f2": "A", "f3": "B"}]


def test_an_avro_type_that_the_schema_does_not_have_is_named_in_the_error() -> None:
    with pytest.raises(AvroError, match=r"does not say what 'Nothing' is"):
        list(read_avro(avro_file(record_of("Nothing"), b"\x00")))


@pytest.mark.parametrize("packed", ["snappy", "gzip", "zstd", "lz4", "brotli", "none"])
def test_parquet_is_read_however_it_is_packed(tmp_path: Path, packed: str) -> None:
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"name": ["Ann"] * 100}), path, compression=packed)
    assert texts(duckdb_rows(path)) == texts(arrow_rows(path)) == [[("name", "Ann")]] * 100
