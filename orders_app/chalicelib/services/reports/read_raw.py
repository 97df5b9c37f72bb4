"""Reads raw files for a Lambda: JSON lines, JSON and CSV, record by record."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from chalicelib.domain.json_values import parsed


class UnreadableFileError(ValueError):
    """The file as a whole is not what its name says."""


Record = dict[str, Any]


def records(key: str, body: bytes) -> Iterator[Record | None]:
    """Every record of the file; None for one that cannot be read. Raises UnreadableFileError."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise UnreadableFileError("is not UTF-8") from fault
    name = key.lower()
    if name.endswith(".csv"):
        yield from _csv(text)
    elif name.endswith(".json") and text.lstrip().startswith("["):
        yield from _array(text)
    else:
        yield from _lines(text)


def _lines(text: str) -> Iterator[Record | None]:
    for line in text.split("\n"):
        if line.strip():
            yield _record(line)


def _record(line: str) -> Record | None:
    try:
        found = parsed(line, parse_float=str)  # an amount is read as it is written
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _array(text: str) -> Iterator[Record | None]:
    try:
        found = parsed(text, parse_float=str)
    except ValueError as fault:
        raise UnreadableFileError("is no JSON") from fault
    yield from (one if isinstance(one, dict) else None for one in found)


def _csv(text: str) -> Iterator[Record | None]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    if reader.fieldnames is None or "order_id" not in reader.fieldnames:
        raise UnreadableFileError("has no column order_id")
    try:
        for row in reader:
            yield None if None in row or None in row.values() else row
    except csv.Error as fault:
        raise UnreadableFileError(f"is no CSV: {fault}") from fault
