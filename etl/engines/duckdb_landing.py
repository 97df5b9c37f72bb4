"""Files as DuckDB's SQL: what is clean of a CSV is read natively, everything else by the strict reader.

Each file is read as surely as it must be: first as it is if it looks clean, then sifted, at last strictly.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import TextIO

from etl.reader.clean import CleanCsv, clean_csv
from etl.reader.files import compression_of
from etl.reader.records import DAMAGED, MAX_LINE, FileNotes, Record
from etl.reader.sift import HOLDER, sift
from etl.schemas import Schema
from etl.sources import records_of
from etl.sqlgen import empty_landed

_RECORD = "record*"  # a name that no clean file has
NewPath = Callable[[str], Path]


class Way(IntEnum):
    """How much is asked of a file before DuckDB reads it."""

    CLEAN = 0
    SIFTED = 1
    STRICT = 2


@dataclass(frozen=True)
class LandedFile:
    """Queries of its records, and of the rejected ones once more: numbered and with their texts.

    Of a large file `records` has no number where the place is to be it; a place holder fails with `HOLDER`.
    `strict` are the records of the strict reader, `rejects` those and what is rejected of the others. A file
    is `unnumbered` where no record of it has a number.
    """

    origin: "Origin"
    records: str
    rejects: str
    strict: str
    notes: FileNotes
    native: bool
    in_parts: bool = False
    unnumbered: bool = False


@dataclass(frozen=True)
class Origin:
    """A file's name and version, the type of names, and the table of rejects (source, record, by_place)."""

    name: str
    version: int
    type: str
    rejects: str

    def values(self) -> dict[str, str]:
        source = f"cast({text(self.name)} as {self.type})"
        return {"source": source, "source_version": f"cast({self.version} as bigint)"}

    def columns(self) -> str:
        return ", ".join(f"{value} as {name}" for name, value in self.values().items())

    def rejected(self, by_place: bool) -> str:
        own = f"source = {text(self.name)}" + (" and by_place" if by_place else "")
        return f"in (select record from {self.rejects} where {own})"


def land_file(
    path: Path | None, origin: Origin, schema: Schema, way: Way, large: int, new_path: NewPath
) -> LandedFile:
    """A CSV of `large` bytes is read in parts, by several cores; of a file that is gone there is no path."""
    if (
        path
        and way is Way.CLEAN
        and compression_of(path) in (None, "gzip")
        and (clean := clean_csv(path, schema))
    ):
        return _natively(path, clean, None, origin, schema, large)
    if path and way < Way.STRICT:
        copy, records = new_path("sifted"), new_path("landed")
        with copy.open("wb") as out, records.open("w", encoding="utf-8") as lines:
            found = sift(path, schema, out, partial(_write, lines))
        if found:
            return _natively(copy, found, records, origin, schema, large)
        copy.unlink()
        records.unlink()
    notes, records = FileNotes(), new_path("landed")
    with records.open("w", encoding="utf-8") as lines:
        for record in records_of(path, origin.name, schema, notes):
            _write(lines, record)
    query = _strict(records, origin, schema, bool(notes.damage))
    return LandedFile(origin, query, query, query, notes, native=False)


def _natively(
    path: Path, clean: CleanCsv, records: Path | None, origin: Origin, schema: Schema, large: int
) -> LandedFile:
    names = set(clean.names)
    notes = FileNotes(unknown=names - set(schema.names), seen=names & set(schema.names))
    csv, columns = _csv(path, clean), _columns(clean, origin, schema, held=records is not None)
    ordered = f'select *, row_number() over () as "{_RECORD}" from {csv}'
    in_parts = path.stat().st_size >= large
    native = f'select *, cast(null as bigint) as "{_RECORD}" from {csv}' if in_parts else ordered
    again = f'select {columns} from ({ordered}) where "{_RECORD}" {origin.rejected(in_parts)}'
    strict = _strict(records, origin, schema) if records else empty_landed(schema)
    return LandedFile(
        origin,
        f"select {columns} from ({native})\nunion all {strict}",
        f"select * from ({again}) where error is null\nunion all {strict}",
        strict,
        notes,
        native=True,
        in_parts=in_parts,
        unnumbered=in_parts and records is None,
    )


def _write(out: TextIO, record: Record) -> None:
    """As a line of JSON: no native reader can misread that."""
    row = {"record": record.number, "raw": record.raw, **record.values}
    if record.error:
        row["error"] = record.error
    if record.extra:
        row["extra"] = record.extra
    out.write(json.dumps(row, ensure_ascii=False))
    out.write("\n")


def _strict(path: Path, origin: Origin, schema: Schema, damaged: bool = False) -> str:
    names = ("error", "raw", "extra", *schema.names)
    columns = ", ".join(["'record': 'bigint'", *(f"'{name}': 'varchar'" for name in names)])
    error = f"coalesce(error, {text(DAMAGED)}) as error" if damaged else "error"
    return (
        f"select {origin.columns()}, record, {', '.join((error, *names[1:]))} "
        f"from read_json({text(str(path))}, format = 'newline_delimited', "
        f"columns = {{{columns}}}, maximum_object_size = {32 * MAX_LINE})"
    )


def _columns(clean: CleanCsv, origin: Origin, schema: Schema, held: bool) -> str:
    """A landed record of the columns of a clean file and its number."""
    known = ", ".join(
        f'"{n}" as {n}' if n in clean.names else f"cast(null as varchar) as {n}" for n in schema.names
    )
    raw = " || ',' || ".join(f"coalesce(\"{n}\", '')" for n in clean.names)
    rest = sorted(n for n in clean.names if n not in schema.names)
    extra = "cast(null as varchar)"
    if rest:
        pairs = ", ".join(f'{text(n)}, "{n}"' for n in rest)
        extra = f"nullif(cast(json_merge_patch('{{}}', json_object({pairs})) as varchar), '{{}}')"
    holder = text(HOLDER)
    error = f'case when "{clean.names[0]}" = {holder} then {holder} end' if held else "null"
    return (
        f'{origin.columns()}, "{_RECORD}" as record, cast({error} as varchar) as error, '
        f"{raw} as raw, {extra} as extra, {known}"
    )


def _csv(path: Path, clean: CleanCsv) -> str:
    columns = ", ".join(f"{text(name)}: 'varchar'" for name in clean.names)
    packed = "gzip" if compression_of(path) else "none"
    return (
        f"read_csv({text(str(path))}, auto_detect = false, header = true, delim = ',', quote = '', "
        f"escape = '', comment = '', new_line = '\\n', strict_mode = true, null_padding = false, "
        f"compression = '{packed}', "
        f"max_line_size = {MAX_LINE}, columns = {{{columns}}})"
    )


def text(value: str) -> str:
    """A literal of DuckDB, where a backslash is a character like any other: of file names, not of rules."""
    return "'" + value.replace("'", "''") + "'"
