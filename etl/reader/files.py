"""A file of any format and compression as records; what cannot be read becomes one record that says so."""

import bz2
import gzip
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from etl.reader.avro import MAGIC as AVRO
from etl.reader.avro import read_avro
from etl.reader.delimited import read_delimited
from etl.reader.json_lines import read_json_lines
from etl.reader.parquet import Row, UnreadableError, read_parquet
from etl.reader.records import DAMAGED, FileNotes, Record, broken
from etl.reader.typed import typed_record
from etl.schemas import Schema

PARQUET = b"PAR1"
_GZIP, _BZIP2, _ZSTD = b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd"
_BLOCK, _BLANK = 4096, b" \t\r\n"


def read_file(path: Path, schema: Schema, notes: FileNotes) -> Iterator[Record]:
    """All physical records of a file in order. Damage ends the file with one `unreadable_file` record.

    Then it is noted, too: whoever keeps the records accepts none of them. A fault of this machine is raised.
    """
    number = 0
    try:
        for record in _records(path, schema, notes):
            number = record.number
            yield record
    except DAMAGE as error:
        if _is_fault(error):
            raise
        told = f"{type(error).__name__}: {error}"[:500]
        notes.damage = f"unreadable after {number} records, none of them is accepted ({told})"
        yield broken(number + 1, DAMAGED, told)


def _is_fault(error: BaseException) -> bool:
    """Of the machine, not of the file: the system gives its errors a number, decompression does not."""
    return isinstance(error, OSError) and error.errno is not None


def compression_of(path: Path) -> str | None:
    """By content, never by name: gzip, bzip2, zstd or None."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if head[:2] == _GZIP:
        return "gzip"
    if head[:3] == _BZIP2:
        return "bzip2"
    return "zstd" if head == _ZSTD else None


def format_of(path: Path) -> str:
    """`parquet`, `avro`, `json` or `csv`, by the first bytes of the (decompressed) content."""
    with open_bytes(path) as stream:
        head = stream.read(64)
        rest = head.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
        while not rest and (more := stream.read(_BLOCK)):
            rest = more.lstrip(_BLANK)
    if head[:4] == PARQUET:
        return "parquet"
    if head[:4] == AVRO:
        return "avro"
    return "json" if rest[:1] in (b"{", b"[") else "csv"


def open_bytes(path: Path) -> BinaryIO:
    match compression_of(path):
        case "gzip":
            return cast(BinaryIO, gzip.open(path, "rb"))
        case "bzip2":
            return cast(BinaryIO, bz2.open(path, "rb"))
        case "zstd":
            raise UnreadableError("zstd is not read: send gzip or bzip2, or Parquet, zstd within it")
    return path.open("rb")


DAMAGE = (
    *(OSError, EOFError, zlib.error, struct.error, ValueError, LookupError, ArithmeticError),
    *(TypeError, AttributeError, RecursionError),
)


def _records(path: Path, schema: Schema, notes: FileNotes) -> Iterator[Record]:
    match format_of(path):
        case "parquet":
            yield from _typed(read_parquet(path), schema, notes)
        case "avro":
            with open_bytes(path) as stream:
                yield from _typed((list(row.items()) for row in read_avro(stream)), schema, notes)
        case "json":
            with open_bytes(path) as stream:
                yield from read_json_lines(stream, schema, notes)
        case _:
            with open_bytes(path) as stream:
                yield from read_delimited(stream, schema, notes)


def _typed(rows: Iterator[Row], schema: Schema, notes: FileNotes) -> Iterator[Record]:
    for number, row in enumerate(rows, 1):
        yield typed_record(number, row, schema, notes)
