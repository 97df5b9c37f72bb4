"""Columns that are alike in all checked rows: no table keeps them, views have them as constants."""

from collections.abc import Collection, Mapping, Sequence

from etl import model
from etl.assessment import Ask
from etl.engines.duckdb_landing import LandedFile, text
from etl.reader.records import FileNotes
from etl.schemas import Schema
from etl.sqlgen import absent_values

_NO_TEXT = "cast(null as varchar)"
_FIRST = 2048  # rows, which one look at a table reads


def alike(schema: Schema, landed: Sequence[LandedFile], notes: Collection[FileNotes]) -> dict[str, str]:
    """By column its value as SQL: what no file brings, and what a landing's only file decides."""
    late = absent_values(schema, {name for note in notes for name in note.seen})
    if not any(note.unknown for note in notes):
        late["extra"] = _NO_TEXT
    if len(landed) != 1:
        return late
    [file] = landed
    return file.origin.values() | ({"record": "rowid + 1"} if file.unnumbered else {}) | late


def constant_names(values: Mapping[str, str]) -> set[str]:
    """Those that are alike in all rows, not only in all of a file."""
    by_file = "source_version" not in values
    return {name for name, value in values.items() if not (by_file and "source_version" in value)}


def rises(checked: str, key: str, ask: Ask) -> bool:
    """Is each id larger than the one before? Then all differ, and that is seen in half the time of counting.

    Where the first rows already say no, the others are not looked at.
    """
    for rows in (f"(select {key} from {checked} limit {_FIRST})", checked):
        up = f"{key} > lag({key}) over () as up"
        [(others,)] = ask(f"select count(*) from (select {up} from {rows}) where up is not true")
        if others > 1:  # the first row has none before it
            return False
    return True


def unsaid(rows: str, ask: Ask) -> dict[str, str]:
    """The same of failures and warnings, where a table of checked rows has none."""
    [(failed, warned)] = ask(f"select count(failed), count(warned) from {rows}")
    counts = {"failed": failed, "warned": warned}
    return {column: _NO_TEXT for column, count in counts.items() if not count}


def short_texts(values: Mapping[str, str], ask: Ask) -> dict[str, str]:
    """Constants that are texts of silver, by column, in types of their one value: a byte, not 16, a row."""
    names = [name for name in ("status", "currency", "extra", "warned") if name in values]
    if not names:
        return {}
    [found] = ask(f"select {', '.join(values[name] for name in names)}")
    return {name: _short(value) for name, value in zip(names, found, strict=True)}


def _short(value: str | None) -> str:
    return f"cast({'null' if value is None else text(value)} as enum ({text(value or '')}))"


def first_lines(checked: str, short: Mapping[str, str]) -> str:
    """Accepted rows as silver's with the month to partition by, where every order has one line, the first."""
    values = {"line_number": "coalesce(line_number, cast(1 as int))", **short}
    columns = ", ".join(f"{values[c]} as {c}" if c in values else c for c in model.SALES_COLUMNS)
    month = model.month("order_date")
    return f"select {columns}, {month} as order_month from {checked} where failed is null"
