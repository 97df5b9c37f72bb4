"""Parquet files of a few rows in plain Python: gold has hundreds, and each takes DuckDB almost a millisecond.

One row group, one plain page a column, not compressed. After the Parquet format 2.11 (parquet.thrift, PLAIN,
RLE) and Thrift's compact protocol: https://parquet.apache.org/docs/file-format/
"""

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

_MAGIC = b"PAR1"
_MAKER = b"orders-etl version 1.0.0 (build 1)"
_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
_INT64, _BYTE_ARRAY = 2, 6  # physical types
_PLAIN, _RLE = 0, 3
_OPTIONAL = 1

# By the type in SQL: the physical type, then its converted type and, of money, scale and precision.
_UTF8, _DECIMAL, _INT_64 = 0, 5, 18
KINDS: Mapping[str, tuple[int, tuple[int, ...]]] = {
    "VARCHAR": (_BYTE_ARRAY, (_UTF8,)),
    "BIGINT": (_INT64, (_INT_64,)),
    "DECIMAL(18,2)": (_INT64, (_DECIMAL, 2, 18)),
}


class SmallParquet:
    """Makes files of one shape: names and SQL types, each one of `KINDS`."""

    def __init__(self, columns: Sequence[tuple[str, str]]) -> None:
        self._columns = [(name.encode(), *KINDS[kind]) for name, kind in columns]
        root = _binary(4, b"schema") + _int(1, _I32, len(columns)) + b"\0"
        leaves = [_leaf(*column) for column in self._columns]
        self._head = _int(1, _I32, 1) + _list(1, _STRUCT, [root, *leaves])

    def file(self, rows: Sequence[Sequence[Any]]) -> bytes:
        """A file of the rows; money comes as a whole number of cents, None is NULL."""
        body, chunks = bytearray(_MAGIC), []
        for (name, physical, _), values in zip(self._columns, zip(*rows, strict=True), strict=False):
            page = _page(physical, values)
            chunks.append(_chunk(name, physical, len(values), len(body), len(page)))
            body += page
        size = len(body) - len(_MAGIC)
        group = _list(1, _STRUCT, chunks) + _int(1, _I64, size) + _int(1, _I64, len(rows)) + b"\0"
        groups = _list(1, _STRUCT, [group] if rows else [])
        footer = self._head + _int(1, _I64, len(rows)) + groups + _binary(2, _MAKER) + b"\0"
        return bytes(body + footer + struct.pack("<I", len(footer)) + _MAGIC)


def _page(physical: int, values: Sequence[Any]) -> bytes:
    """A data page with its header: which values are there, then those."""
    present, levels = values, _run(len(values), True)
    if None in values:
        present = [value for value in values if value is not None]
        runs = groupby(value is not None for value in values)
        levels = b"".join(_run(sum(1 for _ in run), there) for there, run in runs)
    if physical == _INT64:
        plain = struct.pack(f"<{len(present)}q", *present)
    else:
        plain = b"".join(struct.pack("<I", len(text)) + text for text in map(str.encode, present))
    data = struct.pack("<I", len(levels)) + levels + plain
    return _page_header(len(values), len(data)) + data


@lru_cache(1024)
def _page_header(count: int, size: int) -> bytes:
    what = _int(1, _I32, count) + _int(1, _I32, _PLAIN) + _int(1, _I32, _RLE) * 2 + b"\0"
    return _int(1, _I32, 0) + _int(1, _I32, size) * 2 + _field(2, _STRUCT) + what + b"\0"


def _run(count: int, there: bool) -> bytes:
    """That so many values in a row are there, or are not."""
    return _varint(count << 1) + bytes((there,))


def _leaf(name: bytes, physical: int, said: tuple[int, ...]) -> bytes:
    """A SchemaElement of an optional column."""
    numbers = [_int(2 if not place else 1, _I32, value) for place, value in enumerate(said)]
    return _int(1, _I32, physical) + _int(2, _I32, _OPTIONAL) + _binary(1, name) + b"".join(numbers) + b"\0"


@lru_cache(1024)  # as often alike as files have as many rows
def _chunk(name: bytes, physical: int, count: int, offset: int, size: int) -> bytes:
    """A ColumnChunk whose one page is at `offset`."""
    meta = (
        _int(1, _I32, physical)
        + _list(1, _I32, [_zigzag(_PLAIN), _zigzag(_RLE)])
        + _list(1, _BINARY, [_varint(len(name)) + name])
        + _int(1, _I32, 0)
        + _int(1, _I64, count)
        + _int(1, _I64, size) * 2
        + _int(2, _I64, offset)
        + b"\0"
    )
    return _int(2, _I64, offset) + _field(1, _STRUCT) + meta + b"\0"


def _field(delta: int, kind: int) -> bytes:
    """The head of a field by its distance to the one before it."""
    return bytes((delta << 4 | kind,))


def _int(delta: int, kind: int, value: int) -> bytes:
    return _field(delta, kind) + _zigzag(value)


def _binary(delta: int, value: bytes) -> bytes:
    return _field(delta, _BINARY) + _varint(len(value)) + value


def _list(delta: int, kind: int, items: Sequence[bytes]) -> bytes:
    size = len(items)
    head = bytes((size << 4 | kind,)) if size < 15 else bytes((0xF0 | kind,)) + _varint(size)
    return _field(delta, _LIST) + head + b"".join(items)


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
