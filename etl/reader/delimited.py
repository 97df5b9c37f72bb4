"""A strict CSV reader: no guess, no repair. A bad line is one bad record and the next line starts clean."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from etl.reader.records import (
    MAX_LINE,
    FileNotes,
    Record,
    broken,
    column_name,
    extra_json,
)
from etl.schemas import Schema

MAX_QUOTED_LINES = 100
_FIELD = re.compile(r'"((?:[^"]|"")*)"|([^",]*)', re.DOTALL)


class Lines:
    """Lines of a byte stream without their terminators; unread lines can be given back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._back: deque[bytes] = deque()

    def next(self) -> bytes | None:
        if self._back:
            return self._back.popleft()
        line = self._stream.readline(MAX_LINE + 1)
        return line or None

    def returned(self, most: int) -> bytes:
        """The next of those that were given back, so many at most."""
        return b"".join(self._back.popleft() for _ in range(min(most, len(self._back))))

    def give_back(self, lines: list[bytes]) -> None:
        self._back.extendleft(reversed(lines))


@dataclass(frozen=True)
class Columns:
    """The names of a usable header, and the way from a line to its record."""

    names: tuple[str, ...]
    schema: Schema

    @cached_property
    def _known(self) -> list[tuple[int, str]]:
        return [(i, n) for i, n in enumerate(self.names) if n in self.schema.names]

    @cached_property
    def _rest(self) -> list[tuple[int, str]]:
        return [(i, n) for i, n in enumerate(self.names) if n not in self.schema.names]

    def note(self, notes: FileNotes) -> None:
        notes.seen.update(n for _, n in self._known)
        notes.unknown.update(n for _, n in self._rest)

    def record(self, number: int, line: bytes, lines: Lines) -> Record:
        """The record that begins with `line`; if that is quoted, it may take more of the lines."""
        raw, fields, error = _parse(line, lines)
        if error is None and len(fields) != len(self.names):
            error = "wrong_field_count"
        if error is not None:
            return broken(number, error, raw)
        extra = extra_json((n, fields[i]) for i, n in self._rest) if self._rest else None
        return Record(number, {n: fields[i].strip(" ") or None for i, n in self._known}, raw, None, extra)


def read_delimited(stream: BinaryIO, schema: Schema, notes: FileNotes) -> Iterator[Record]:
    """Every record after the header. Blank lines are no records; a header alone is an empty file, noted."""
    lines = Lines(stream)
    first = skip_blank(lines)
    if first is None:
        yield broken(1, "empty_file", "")
        return
    names = header(first, lines)
    if not usable(names, schema):
        wrong = "wrong_kind" if schema.is_foreign(set(names)) else "wrong_header"
        yield from _all_broken(first, lines, wrong)
        return
    columns = Columns(names, schema)
    columns.note(notes)
    number = 0
    while (line := lines.next()) is not None:
        if line.strip(b"\r\n"):
            number += 1
            yield columns.record(number, line, lines)


def skip_blank(lines: Lines) -> bytes | None:
    """The first line that is not blank, without a byte order mark."""
    line = lines.next()
    if line is not None and line.startswith(b"\xef\xbb\xbf"):
        line = line[3:]
    while line is not None and not line.strip(b"\r\n"):
        line = lines.next()
    return line


def header(first: bytes, lines: Lines) -> tuple[str, ...]:
    """The names of the columns; none if they cannot be read."""
    _, fields, error = _parse(first, lines)
    return () if error else tuple(column_name(name) for name in fields)


def usable(names: tuple[str, ...], schema: Schema) -> bool:
    return len(set(names)) == len(names) and schema.accepts_header(frozenset(names))


def _all_broken(first: bytes, lines: Lines, error: str) -> Iterator[Record]:
    """A wrong header quarantines every record, and itself where it stands alone."""
    number = 0
    while (line := lines.next()) is not None:
        if line.strip(b"\r\n"):
            number += 1
            yield broken(number, error, as_text(_strip(line)))
    if number == 0:
        yield broken(1, error, as_text(_strip(first)))


def _parse(line: bytes, lines: Lines) -> tuple[str, list[str], str | None]:
    """(raw text, fields, error) of the record that begins with `line`; it may take more lines if quoted."""
    if len(line) > MAX_LINE:
        return as_text(line), [], "line_too_long"
    body = _strip(line)
    if b'"' in body:
        return _parse_quoted(line, lines)
    text, error = _decode(body)
    return text, text.split(",") if error is None else [], error


def _parse_quoted(line: bytes, lines: Lines) -> tuple[str, list[str], str | None]:
    taken: list[bytes] = []
    whole = line
    while True:
        text, error = _decode(_strip(whole))
        if error == "invalid_utf8" or (error and not taken):
            break
        fields = _split(text)
        if fields is not None:
            return text, fields, error
        more = _to_next_quote(lines, taken, len(whole)) if _is_open(text) else b""
        if not more:
            error = "bad_quotes"
            break
        whole += more
    lines.give_back(taken)
    text, decode_error = _decode(_strip(line))
    return text, [], decode_error or error


def _to_next_quote(lines: Lines, taken: list[bytes], size: int) -> bytes:
    """The lines up to one that may close the quote or is not UTF-8, also put to `taken`; none if too many."""
    found: list[bytes] = []
    while len(taken) < MAX_QUOTED_LINES and (more := lines.next()) is not None:
        size += len(more)
        if size > MAX_LINE:
            lines.give_back([more])
            break
        taken.append(more)
        found.append(more)
        if b'"' in more or _decode(more)[1] == "invalid_utf8":
            return b"".join(found)
    return b""


def _split(text: str) -> list[str] | None:
    """Fields of a complete record, or None if its quotes are wrong or still open."""
    fields, position = [], 0
    while True:
        match = _FIELD.match(text, position)
        if match is None:  # cannot be: the second branch matches the empty field
            return None
        quoted = match.group(1)
        fields.append(quoted.replace('""', '"') if quoted is not None else match.group(2))
        position = match.end()
        if position == len(text):
            return fields
        if text[position] != ",":
            return None
        position += 1


def _is_open(text: str) -> bool:
    """True if the text ends inside a quoted field that began properly."""
    position = 0
    while position <= len(text):
        if text[position : position + 1] == '"':
            match = re.compile(r'"(?:[^"]|"")*"(?!")').match(text, position)
            if match is None:
                return True
            position = match.end()
        else:
            found = text.find(",", position)
            stray = text.find('"', position, found if found >= 0 else len(text))
            if stray >= 0 or found < 0:
                return False
            position = found
        if text[position : position + 1] != ",":
            return False
        position += 1
    return False


def _strip(line: bytes) -> bytes:
    if line.endswith(b"\n"):
        line = line[:-1]
        if line.endswith(b"\r"):
            line = line[:-1]
    return line


def _decode(body: bytes) -> tuple[str, str | None]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return as_text(body), "invalid_utf8"
    if "\x00" in text or "\r" in text.replace("\r\n", ""):
        return as_text(body), "control_character"
    return text, None


def as_text(body: bytes) -> str:
    """Bytes as something that can be stored and shown: what is not UTF-8 or is NUL becomes an escape."""
    return body[:MAX_LINE].decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
