"""Is a CSV so plain that a native, splittable reader cannot read it otherwise than the strict one?

Clean: UTF-8, no quote, NUL or carriage return, no blank line, no space at the edge of a field, the header
accepted. Then a record is a line and a field is what lies between commas. A wrong number of fields is left to
the native reader: DuckDB refuses the file (it is sifted then), Spark marks the record.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.reader.files import format_of, open_bytes
from etl.reader.records import column_name
from etl.schemas import Schema

_CHUNK = 1 << 18  # stays in a core's cache while it is looked through five times
_PLAIN_NAME = re.compile(r"[\w .:/()+#%&@$-]+")  # a column that needs no escape in either engine's SQL
MAX_COLUMNS = (
    500  # DuckDB takes no expression of a thousand levels, and both engines plan thousands for seconds
)
_BLANK = re.compile(rb"\n\n")  # twice as fast as `in`, which steps from byte to byte for a pair
_UNTRIMMED = re.compile(rb" (?:[,\n]|(?<=[,\n] ))")


@dataclass(frozen=True)
class CleanCsv:
    """The columns of a clean file, in their order, and whether records follow the header."""

    names: tuple[str, ...]
    has_records: bool


def clean_csv(path: Path, schema: Schema) -> CleanCsv | None:
    """The file's shape if it is clean, else None. Damage shows as None: the strict reader reports it."""
    try:
        if format_of(path) != "csv":
            return None
        return _inspect(path, schema)
    except (OSError, EOFError, ValueError):
        return None


def _inspect(path: Path, schema: Schema) -> CleanCsv | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    header: bytes | None = None
    tail, size = b"\n", 0
    with open_bytes(path) as stream:
        while chunk := stream.read(_CHUNK):
            if header is None:
                header, _, rest = chunk.partition(b"\n")
                size = len(rest)
            else:
                size += len(chunk)
            if is_dirty(chunk, tail, decoder):
                return None
            tail = chunk[-1:]
    decoder.decode(b"", final=True)
    if tail == b" ":
        return None
    names = tuple(column_name(name) for name in (header or b"").decode("utf-8").split(","))
    if len(names) < 2 or len(set(names)) != len(names) or not schema.accepts_header(frozenset(names)):
        return None
    if not plain_names(names):
        return None
    return CleanCsv(names, size > 0)


def plain_names(names: Sequence[str]) -> bool:
    return len(names) <= MAX_COLUMNS and all(map(_PLAIN_NAME.fullmatch, names))


def is_dirty(chunk: bytes, tail: bytes, decoder: codecs.IncrementalDecoder) -> bool:
    """One byte is found much faster than a pair: pairs are only looked for where they can be."""
    if b'"' in chunk or b"\r" in chunk or b"\x00" in chunk:
        return True
    seam = tail + chunk[:1]
    if seam == b"\n\n" or _BLANK.search(chunk) or _UNTRIMMED.search(seam) or _UNTRIMMED.search(chunk):
        return True
    if chunk.isascii():
        decoder.decode(chunk[:4])
        return False
    decoder.decode(chunk)
    return b"\xef\xbb\xbf" in chunk
