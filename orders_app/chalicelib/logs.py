"""JSON log lines: a constant message, its fields, and the order and correlation ids of the work at hand.

No line carries personal data: fields that name a person are dropped, values that look like one are masked.
"""

import functools
import json
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_bound: ContextVar[Mapping[str, Any]] = ContextVar("bound", default=_NOTHING)

_PERSONAL_WORDS = (
    "name", "customer", "recipient", "contact", "email", "mail", "mail_from", "phone", "address", "shipping",
    "token", "authorization", "password", "secret", "card",
)  # fmt: skip
_MASKS = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[mail]"),
    (re.compile(r"\+\d[\d ()-]{6,18}\d"), "[phone]"),
    (re.compile(r"(?<![\w-])(?:\d{4}[ -]?){3}\d{1,7}(?![\w-])"), "[number]"),
    (re.compile(r"\b(?:tok|pm|card)_[\w-]+"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+\S+"), r"\1 [token]"),
    (re.compile(r"://[^/@\s]+@"), "://[credentials]@"),
)
# What every text that a mask changes has in it: most texts have none of it, and are looked at once.
_SUSPECT = re.compile(r"@|\+\d|(?:\d{4}[ -]?){3}\d|\b(?:tok|pm|card)_|(?i:bearer|basic)\s")
_TEXT_LIMIT = 500
_DEEPEST = 24
_encoded = json.JSONEncoder(default=repr, ensure_ascii=False).encode


@contextmanager
def bound(**ids: Any) -> Iterator[None]:
    """Every line written inside carries these fields; empty ones do not hide an outer value."""
    token = _bound.set({**_bound.get(), **{key: value for key, value in ids.items() if value}})
    try:
        yield
    finally:
        _bound.reset(token)


def info(message: str, **fields: Any) -> None:
    _write("INFO", message, fields)


def warning(message: str, error: object = None, **fields: Any) -> None:
    _write("WARNING", message, {**fields, **_described(error)})


def error(message: str, error: object = None, **fields: Any) -> None:
    """A fault that somebody should look at, with its class, its first line and where it happened."""
    _write("ERROR", message, {**fields, **_described(error)})


def _described(fault: object) -> dict[str, Any]:
    if not isinstance(fault, BaseException):
        return {} if fault is None else {"error": fault}
    frames = traceback.extract_tb(fault.__traceback__)[-3:]
    return {
        "error_type": type(fault).__name__,
        # The first line only: PostgreSQL's DETAIL line quotes the row.
        "error": str(fault).split("\n", 1)[0],
        "error_at": [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _write(level: str, message: str, fields: Mapping[str, Any]) -> None:
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        "message": message,
        **redacted({**_bound.get(), **fields}),
    }
    sys.stdout.write(_encoded(line) + "\n")
    sys.stdout.flush()


def redacted(value: Any, depth: int = 0) -> Any:
    """The value without personal data: for logs, and for anything else that leaves the database."""
    if isinstance(value, str):
        return _masked(value)
    if isinstance(value, Mapping | Sequence) and not isinstance(value, bytes) and depth >= _DEEPEST:
        return "…"  # never as text: that would spell out the fields that are left out
    if isinstance(value, Mapping):
        return {key: redacted(item, depth + 1) for key, item in value.items() if not _is_personal(str(key))}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [redacted(item, depth + 1) for item in value]
    return value if isinstance(value, int | float | bool | None) else _masked(str(value))


@functools.lru_cache(1024)
def _is_personal(key: str) -> bool:
    field = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", key).lower()
    if field.endswith(("_id", "_type", "_count", "_arn")):
        return False
    return any(field == word or field.endswith(f"_{word}") for word in _PERSONAL_WORDS)


def _masked(text: str) -> str:
    if _SUSPECT.search(text):
        for pattern, mask in _MASKS:
            text = pattern.sub(mask, text)
    return text if len(text) <= _TEXT_LIMIT else text[:_TEXT_LIMIT] + "…"
