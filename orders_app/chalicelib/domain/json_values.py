"""Reads JSON that others wrote: whatever is wrong with it is one error, so that it can be set aside alone."""

import json
from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 100  # far more than any event has, far less than what ends in a RecursionError anywhere


class JsonValueError(ValueError):
    """The text is no JSON, or nests deeper than anything that is meant to be read."""


def parsed(text: str | bytes, **options: Any) -> Any:
    """The value of the JSON text, read with the options of `json.loads`. Raises JsonValueError."""
    try:
        value = json.loads(text, **options)
    except RecursionError as error:
        raise JsonValueError("nests too deeply") from error
    except ValueError as error:
        raise JsonValueError(str(error)) from error
    if _brackets(text) > MAX_DEPTH and is_too_deep(value):
        raise JsonValueError(f"nests deeper than {MAX_DEPTH} levels")
    return value


def is_too_deep(value: Any) -> bool:
    """Whether a value nests deeper than MAX_DEPTH; looked at level by level, without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for one in level for inner in inside(one)]
        if not level:
            return False
    return True


def _brackets(text: str | bytes) -> int:
    return text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")


def inside(value: Any) -> Iterable[Any]:
    """The values right within an object or array."""
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
