"""JSON lines: one object a line, numbers kept as they were written, so that money never becomes a float."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from etl.reader.delimited import Lines, as_text
from etl.reader.records import MAX_LINE, FileNotes, Record, broken, column_name, shape
from etl.schemas import Schema


def read_json_lines(stream: BinaryIO, schema: Schema, notes: FileNotes) -> Iterator[Record]:
    lines, number, first = Lines(stream), 0, True
    while (line := lines.next()) is not None:
        if first:
            line = line.removeprefix(b"\xef\xbb\xbf")
            first = False
        body = line.strip(b" \t\r\n")
        if not body:
            continue
        number += 1
        yield _record(number, body, schema, notes)
    if number == 0:
        yield broken(1, "empty_file", "")


def _record(number: int, body: bytes, schema: Schema, notes: FileNotes) -> Record:
    if len(body) > MAX_LINE:
        return broken(number, "line_too_long", as_text(body))
    try:
        text = body.decode("utf-8")
        found = json.loads(
            text, parse_float=str, parse_int=str, parse_constant=_refuse, object_pairs_hook=_unique
        )
        if not isinstance(found, dict):
            return broken(number, "not_a_json_object", text)
        pairs = _unique([(column_name(storable(name)), plain(value)) for name, value in found.items()])
    except UnicodeDecodeError:
        return broken(number, "invalid_utf8", as_text(body))
    except RepeatedError:
        return broken(number, "repeated_column", as_text(body))
    except (ValueError, RecursionError):
        return broken(number, "not_a_json_object", as_text(body))
    nested = any(isinstance(found[n], dict | list) for n in found if column_name(n) in schema.names)
    if nested:
        return broken(number, "nested_value", text)
    if any(value is not None and "\x00" in value for value in pairs.values()):
        return broken(number, "control_character", text)
    return shape(number, pairs, text, schema, notes)


class RepeatedError(ValueError):
    """A key comes twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RepeatedError
    return found


def plain(value: Any) -> str | None:
    """A JSON value as text; None stays None, objects and lists stay JSON."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return storable(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode("utf-8", "backslashreplace").decode()


def storable(value: str) -> str:
    """Lone surrogates (JSON allows them escaped) cannot be stored as UTF-8: they become escapes."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
