"""The strict reader, record by record."""

import codecs
import contextlib
import io
import zlib
from decimal import Decimal
from pathlib import Path

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.reader import avro
from etl.reader.avro import read_avro
from etl.reader.clean import clean_csv
from etl.reader.delimited import as_text, read_delimited
from etl.reader.files import read_file
from etl.reader.json_lines import read_json_lines
from etl.reader.records import FileNotes, Record
from etl.reader.snappy import SnappyError, unpack
from etl.reader.typed import as_plain_text
from etl.schemas import CUSTOMERS
from tests.etl.avro_files import avro_file, number, record_of

HEADER = b"customer_id,name,status\n"


def read(content: bytes) -> list[Record]:
    return list(read_delimited(io.BytesIO(HEADER + content), CUSTOMERS, FileNotes()))


def seen(content: bytes) -> list[str]:
    return [record.error or (record.values["name"] or "-") for record in read(content)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"C1,Ann,a\nC2,Bob,a\n", ["Ann", "Bob"]),
        (b"C1,Ann,a\r\nC2,Bob,a", ["Ann", "Bob"]),
        (b'C1,"Ann, Dr.",a\n', ["Ann, Dr."]),
        (b'C1,"Ann ""A"" B",a\n', ['Ann "A" B']),
        (b'C1,"two\nlines",a\nC2,Bob,a\n', ["two\nlines", "Bob"]),
        (b'C1,"open,a\nC2,Bob,a\n', ["bad_quotes", "Bob"]),
        (b'C1,An"n,a\nC2,Bob,a\n', ["bad_quotes", "Bob"]),
        (b'C1,"Ann"x,a\nC2,Bob,a\n', ["bad_quotes", "Bob"]),
        (b"C1,Ann\nC2,Bob,a,x\nC3,Cy,a\n", ["wrong_field_count", "wrong_field_count", "Cy"]),
        (b"C1,\xff,a\nC2,Bob,a\n", ["invalid_utf8", "Bob"]),
        (b"C1,A\x00,a\nC2,B\rob,a\n", ["control_character", "control_character"]),
        (b"\n\nC1,Ann,a\n\n", ["Ann"]),
        (b"C1," + b"x" * (1 << 20) + b",a\n", ["line_too_long", "wrong_field_count"]),
        (b"C1,,a\n", ["-"]),
        (b"C1,  ,a\nC2,  Bob ,a\n", ["-", "Bob"]),
    ],
)
def test_each_line_is_one_record_or_one_error_and_the_next_starts_clean(
    content: bytes, expected: list[str]
) -> None:
    assert seen(content) == expected


@pytest.mark.parametrize("name", ["c.csv", "c.jsonl"])
@pytest.mark.parametrize("content", [HEADER + b"C1,Ann,a\n", HEADER + b'"C1","Ann",a\r\n'])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, name: str, content: bytes) -> None:
    if name == "c.jsonl":
        content = b'{"customer_id": "C1", "name": "Ann"}\n'
    path = tmp_path / name
    path.write_bytes(codecs.BOM_UTF8 + content)
    notes = FileNotes()
    (record,) = read_file(path, CUSTOMERS, notes)
    assert (record.error, record.values["customer_id"], record.values["name"]) == (None, "C1", "Ann")
    assert not notes.unknown


def test_records_are_numbered_and_carry_their_raw_text() -> None:
    assert [(r.number, r.raw) for r in read(b'C1,"A",a\n\nx\n')] == [(1, 'C1,"A",a'), (2, "x")]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_a_fault_and_no_line_is_lost(content: bytes) -> None:
    records = read(content)
    assert [record.number for record in records] == list(range(1, len(records) + 1))
    rest = "\n".join(record.raw for record in records) + "\n"
    for line in content.split(b"\n"):
        if line.strip(b"\r\n"):  # each line, in its order, as what it can be shown as
            shown = as_text(line.removesuffix(b"\r"))
            assert shown in rest
            rest = rest[rest.index(shown) + len(shown) :]


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=8))
def test_what_a_csv_writer_quotes_comes_back_as_it_was(rows: list[tuple[str, str, str]]) -> None:
    clean = [tuple(v.translate({0: "", 13: ""}) for v in row) for row in rows]
    storable = [r for r in clean if all(v.isprintable() or "\n" in v for v in r)]
    quoted = (
        "".join(",".join('"' + v.replace('"', '""') + '"' for v in r) + "\n" for r in storable)
    ).encode()
    found = [tuple(r.values[n] for n in ("customer_id", "name", "status")) for r in read(quoted)]
    assert found == [tuple(v.strip(" ") or None for v in r) for r in storable]


def test_numbers_in_json_keep_the_digits_they_were_written_with() -> None:
    stream = io.BytesIO(b'{"customer_id": 12345678901234567890, "name": 29.90, "status": true}\n')
    (record,) = read_json_lines(stream, CUSTOMERS, FileNotes())
    assert record.values == {"customer_id": "12345678901234567890", "name": "29.90", "status": "true"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(29.9, "29.9"), (1001.0, "1001"), (1e-7, "0.0000001"), (Decimal("5.00"), "5.00"), (float("nan"), "nan")],
)
def test_typed_values_read_like_a_csv_of_them(value: object, expected: str) -> None:
    assert as_plain_text(value) == expected


def nested(depth: int) -> object:
    kind: object = "int"
    for _ in range(depth):
        kind = {"type": "array", "items": kind}
    return kind


@pytest.mark.parametrize(
    ("schema", "block", "count"),
    [
        (record_of({"type": "array", "items": "null"}), number(1 << 40) + number(0), 1),
        (record_of({"type": "map", "values": "null"}), number(1 << 40) + b"\x00" * 50, 1),
        (record_of("null"), b"", 1 << 40),
        (record_of("int"), b"\x00", -1),
        (record_of("R"), b"\x00" * 9, 1),
        (record_of(nested(300)), number(1) * 400, 1),
        ({"type": "record", "name": "R", "fields": [7]}, b"", 1),
        (7, b"\x00", 1),
    ],
)
def test_an_avro_file_made_to_harm_is_one_record_that_says_so(
    tmp_path: Path, schema: object, block: bytes, count: int
) -> None:
    path = tmp_path / "a.avro"
    path.write_bytes(avro_file(schema, block, count).getvalue())
    records = list(read_file(path, CUSTOMERS, FileNotes()))
    assert [r.error for r in records][-1:] in (["unreadable_file"], ["nested_value"])
    assert len(records) < 20


def test_a_deflated_block_that_swells_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avro, "_MAX_SIZE", 1000)
    block = zlib.compress(b"\x00" * 2000)[2:-4]
    with pytest.raises(avro.AvroError, match="too large"):
        list(read_avro(avro_file(record_of("int"), block, 2000, "deflate")))


def test_a_codec_that_is_not_read_says_which_are() -> None:
    with pytest.raises(avro.AvroError, match=r"'xz' is not read here: .*null, deflate, snappy"):
        list(read_avro(avro_file(record_of("int"), b"", 0, "xz")))


@given(st.lists(st.binary(max_size=80), max_size=30).map(lambda parts: b"".join(parts) * len(parts)))
def test_snappy_unpacks_what_arrow_packs(data: bytes) -> None:
    packed = bytes(pa.Codec("snappy").compress(data)) + zlib.crc32(data).to_bytes(4, "big")
    assert unpack(packed, len(data)) == data
    with pytest.raises(SnappyError):
        unpack(packed[:-1] + bytes([packed[-1] ^ 1]), len(data))


@given(st.binary(max_size=60))
def test_any_bytes_are_snappy_or_an_error(block: bytes) -> None:
    with contextlib.suppress(SnappyError):
        assert len(unpack(block, 1000)) <= 1000


def test_avro_packed_with_snappy_is_read() -> None:
    body = (number(2) + b"C1") * 50
    packed = bytes(pa.Codec("snappy").compress(body)) + zlib.crc32(body).to_bytes(4, "big")
    found = list(read_avro(avro_file(record_of("string"), packed, 50, "snappy")))
    assert found == [{"customer_id": "C1"}] * 50


@pytest.mark.parametrize("depth", [200, 990, 5000, 100_000])
def test_json_of_any_depth_is_one_record(depth: int) -> None:
    line = b'{"customer_id": "C1", "name": "A", "x": ' + b"[" * depth + b"]" * depth + b"}\n"
    records = list(read_json_lines(io.BytesIO(line + b'{"customer_id": "C2"}\n'), CUSTOMERS, FileNotes()))
    assert [record.number for record in records] == [1, 2]
    assert records[0].error in (None, "not_a_json_object")
    assert records[1].error is None


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_avro_is_read_as_fastavro_reads_it(codec: str) -> None:
    schema = {
        "type": "record",
        "name": "R",
        "fields": [
            {"name": "s", "type": ["null", "string"]},
            {"name": "n", "type": "long"},
            {"name": "d", "type": "double"},
            {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
            {"name": "l", "type": {"type": "array", "items": "int"}},
            {"name": "m", "type": {"type": "map", "values": "boolean"}},
            {"name": "t", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "f", "type": {"type": "fixed", "name": "F", "size": 2}},
        ],
    }
    base = {"d": 0.5, "e": "B", "l": [1, -2], "m": {"k": True}, "t": 1_700_000_000_000, "f": b"ab"}
    records = [base | {"s": s, "n": n} for s, n in ((None, 0), ("ä", -(2**62)), ("", 2**62))]
    out = io.BytesIO()
    fastavro.writer(out, schema, records, codec=codec)
    out.seek(0)
    expected = list(fastavro.reader(io.BytesIO(out.getvalue())))
    assert list(read_avro(out)) == expected


def test_a_damaged_file_keeps_what_was_read_and_ends_with_one_record_that_says_so(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(HEADER + b"C1,Ann,a\n" * 50_000)[:-30])
    errors = [record.error for record in read_file(path, CUSTOMERS, FileNotes())]
    assert errors[-1] == "unreadable_file"
    assert set(errors[:-1]) <= {None, "wrong_field_count"}


@pytest.mark.parametrize(
    "dirt",
    [
        b'C1,"A",a\n',
        b"C1,A,a\r\n",
        b"C1,\xff,a\n",
        b"C1,\x00,a\n",
        b"C1,A,a\n\nC2,B,a\n",
        b"C1, A,a\n",
        b"C1,A,a ",
        b"\xef\xbb\xbfC1,A,a\n",
    ],
)
def test_a_file_with_anything_unusual_is_not_taken_for_clean(tmp_path: Path, dirt: bytes) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(HEADER + "C0,Zoë,a\n".encode() + dirt)
    assert clean_csv(path, CUSTOMERS) is None
    path.write_bytes(HEADER + "C0,Zoë,a\n".encode())
    assert clean_csv(path, CUSTOMERS) is not None


@pytest.mark.parametrize("name", ["na\\me", "name,", "na'me", "na\tme", codecs.BOM_UTF8.decode() + "name"])
def test_a_header_that_sql_would_have_to_escape_is_not_taken_for_clean(tmp_path: Path, name: str) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(f"customer_id,email,{name}\nC0,z@x,a,\n".encode())
    assert clean_csv(path, CUSTOMERS) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"customer_id": "C1", "name": "A", "name": "B"}',
        '{"customer_id": "C1", "name": "A", "Name": "A"}',
        '{"customer_id": "C1", "first name": "A", "First_Name": "B"}',
        '{"customer_id": "C1", "x": [{"y": 1, "y": 2}]}',
        '{"customer_id": "C1", "customer_id": null}',
    ],
)
def test_a_key_that_comes_twice_in_a_json_record_rejects_it(text: str) -> None:
    lines = io.BytesIO(f'{text}\n{{"customer_id": "C2", "x": {{"name": 1}}, "y": {{"name": 2}}}}\n'.encode())
    first, second = read_json_lines(lines, CUSTOMERS, FileNotes())
    assert (first.error, first.raw, second.error) == ("repeated_column", text, None)


def test_a_file_of_zstd_is_refused_wherever_it_is_read_and_says_what_to_send(tmp_path: Path) -> None:
    """The Lambda has nothing that unpacks it, so that it is read nowhere, whatever is installed."""
    path = tmp_path / "c.csv.zst"
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as out:
        out.write(HEADER + b"C1,Ann,a\n")
    (record,) = read_file(path, CUSTOMERS, FileNotes())
    assert record.error == "unreadable_file"
    assert "zstd is not read: send gzip or bzip2" in record.raw
    assert clean_csv(path, CUSTOMERS) is None


@pytest.mark.parametrize(
    "blank", [b"", codecs.BOM_UTF8, b" " * 64, b"\r\n" * 50_000, codecs.BOM_UTF8 + b"\t" * 9000]
)
@pytest.mark.parametrize("content", [b'{"customer_id": "C1", "name": "Ann"}\n', HEADER + b"C1,Ann,a\n"])
def test_however_much_blank_comes_first_a_file_is_what_follows(
    tmp_path: Path, blank: bytes, content: bytes
) -> None:
    if content.startswith(HEADER):
        blank = blank.translate(None, b" \t")  # which belong to a name of the header
    path = tmp_path / "c"
    path.write_bytes(blank + content)
    assert [r.values.get("name") for r in read_file(path, CUSTOMERS, FileNotes())] == ["Ann"]
