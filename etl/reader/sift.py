"""A dirty CSV parted: clean lines are copied for a native reader, others become records of the strict one.

A place holder stands in the copy for each of those records, so that the place of a line there is its record's
number. A block of clean lines is copied as it is; another one is halved until its dirty lines stand alone.
"""

import codecs
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from etl.reader.clean import CleanCsv, is_dirty, plain_names
from etl.reader.delimited import Columns, Lines, header, skip_blank, usable
from etl.reader.files import DAMAGE, format_of, open_bytes
from etl.reader.records import MAX_LINE, Record
from etl.schemas import Schema

HOLDER = "\x01"  # the first field of a place holder; a line that has it is not clean
_BLOCK = 1 << 14
_NO_COMMA_OR_END = bytes(set(range(256)) - set(b",\n"))


def sift(path: Path, schema: Schema, copy: BinaryIO, keep: Callable[[Record], None]) -> CleanCsv | None:
    """The shape of the copy, or None: then nothing written counts, the strict reader must read the file."""
    try:
        if format_of(path) != "csv":
            return None
        with open_bytes(path) as stream:
            return _sift(stream, schema, copy, keep)
    except DAMAGE:
        return None


def _sift(
    stream: BinaryIO, schema: Schema, copy: BinaryIO, keep: Callable[[Record], None]
) -> CleanCsv | None:
    lines = Lines(stream)
    first = skip_blank(lines)
    names = header(first, lines) if first is not None else ()
    if len(names) < 2 or not usable(names, schema) or not plain_names(names):
        return None
    copy.write(",".join(names).encode() + b"\n")
    columns, number, most = Columns(names, schema), 0, 1
    holder = HOLDER.encode() + b"," * (len(names) - 1) + b"\n"
    while block := lines.returned(most) or stream.read(_BLOCK) + stream.readline(MAX_LINE + 1):
        if len(block) - block.rfind(b"\n", 0, -1) - 1 > MAX_LINE:
            return None  # the strict reader says what such a line is
        most *= 2
        plain = _plain(block, len(names) - 1)
        if plain is not None:
            copy.write(plain)
            number += plain.count(b"\n")
        elif len(found := BytesIO(block).readlines()) > 1:
            lines.give_back(found)
            most = len(found) // 2
        elif block.strip(b"\r\n"):
            number += 1
            keep(columns.record(number, block, lines))
            copy.write(holder)
    return CleanCsv(names, number > 0)


def _plain(block: bytes, commas: int) -> bytes | None:
    """The lines as the native reader may have them, or None if one of them is dirty."""
    plain = block.replace(b"\r\n", b"\n") if b"\r" in block else block
    if not plain.endswith(b"\n"):
        plain += b"\n"
    if plain.translate(None, _NO_COMMA_OR_END) != (b"," * commas + b"\n") * plain.count(b"\n"):
        return None
    if HOLDER.encode() in plain:
        return None
    try:
        return None if is_dirty(plain, b"\n", codecs.getincrementaldecoder("utf-8")()) else plain
    except UnicodeDecodeError:
        return None
