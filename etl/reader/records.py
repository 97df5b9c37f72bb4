"""The landed record, and the words for what is wrong with one that cannot be parsed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from etl.schemas import Schema

MAX_LINE = 1 << 20
DAMAGED = "unreadable_file"

# A row's parse error is its quarantine reason; the messages are what the report prints.
PARSE_ERRORS: Mapping[str, str] = {
    "empty_file": "the file has no bytes",
    "wrong_header": "the header lacks required columns or repeats one",
    "wrong_kind": "sales in a file of customers",
    "wrong_field_count": "more or fewer fields than the header",
    "bad_quotes": "a quote inside an unquoted field, text after a closing quote, or an open quote",
    "invalid_utf8": "not UTF-8",
    "control_character": "a NUL or a bare carriage return",
    "line_too_long": "a line of more than 1 MiB",
    "not_a_json_object": "not one JSON object on one line",
    "repeated_column": "a column (or a key within an object) that comes twice: which value is meant?",
    "nested_value": "an object or a list where a single value belongs",
    "object_gone": "deleted after it was listed: there is nothing left to read",
    DAMAGED: "damaged, truncated or in a format or compression that is not read here",
}


@dataclass(frozen=True)
class Record:
    """One physical record: its texts (trimmed, never empty) or its error; `number` counts from 1."""

    number: int
    values: Mapping[str, str | None]
    raw: str
    error: str | None = None
    extra: str | None = None


@dataclass
class FileNotes:
    """What was seen of a file's shape: evolution is kept and reported, never refused.

    `damage` says where and how the file ended before its end. Half of a file gives tables that look right:
    then all of its records are rejected, until it comes whole.
    """

    unknown: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    damage: str = ""

    def missing(self, schema: Schema) -> list[str]:
        return sorted(set(schema.names) - self.seen) if self.seen else []


def column_name(header: str) -> str:
    return header.strip().lower().replace(" ", "_")


def broken(number: int, error: str, raw: str) -> Record:
    return Record(number, {}, raw, error)


def extra_json(pairs: Iterable[tuple[str, str | None]]) -> str | None:
    """The unknown columns of a record as a JSON object of texts, in name order; None when there are none."""
    kept = {name: value for name, value in pairs if value is not None and value != ""}
    if not kept:
        return None
    return json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def shape(number: int, pairs: Mapping[str, str | None], raw: str, schema: Schema, notes: FileNotes) -> Record:
    """A parsed record split into the schema's columns and the unknown rest."""
    if schema.is_foreign(pairs.keys()):
        return broken(number, "wrong_kind", raw)
    known = {name: (pairs[name] or "").strip(" ") or None for name in schema.names if name in pairs}
    rest = [(name, value) for name, value in pairs.items() if name not in known]
    notes.seen.update(known)
    notes.unknown.update(name for name, _ in rest)
    return Record(number, known, raw, extra=extra_json(rest))
