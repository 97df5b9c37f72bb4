"""Typed values (Avro, Parquet) as the text that a CSV would carry; the raw text of a record is its JSON."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from etl.reader.records import FileNotes, Record, broken, column_name, shape
from etl.schemas import Schema


def typed_record(number: int, row: Sequence[tuple[str, Any]], schema: Schema, notes: FileNotes) -> Record:
    """One record from a file with types of its own."""
    pairs = {column_name(name): as_plain_text(value) for name, value in row}
    if len(pairs) < len(row):
        told = [(name, as_plain_text(value)) for name, value in row]
        return broken(number, "repeated_column", json.dumps(told, ensure_ascii=False))
    raw = json.dumps(pairs, ensure_ascii=False, sort_keys=True)
    if any(isinstance(v, dict | list | tuple) for n, v in row if column_name(n) in schema.names):
        return broken(number, "nested_value", raw)
    if any(value is not None and "\x00" in value for value in pairs.values()):
        return broken(number, "control_character", raw.replace("\\u0000", "\\x00"))
    return shape(number, pairs, raw, schema, notes)


def as_plain_text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case float():
            return _float_text(value)
        case datetime():
            moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            return moment.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case dict() | list() | tuple():
            return json.dumps(value, default=str, ensure_ascii=False, sort_keys=True)
    return str(value)


def _float_text(value: float) -> str:
    """Whole floats as integers (pandas makes them of nullable ints), others as their shortest decimal."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
