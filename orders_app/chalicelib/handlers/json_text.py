"""Strict JSON (RFC 8259): exact decimals, no NaN, no repeated names, UTF-8 only, bounded size and depth."""

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
_LONGEST_INT = 20  # longer ones become Decimal: no quadratic int(), and no field takes them


class JsonTextError(ValueError):
    """The text is not JSON as this API accepts it; str(error) says why in words for the client."""


class JsonObject(dict[str, Any]):
    """A JSON object that remembers which of its names were repeated."""

    repeated: tuple[str, ...] = ()


def parse(raw: bytes) -> Any:
    """The value of the JSON text: objects as JsonObject, numbers as int or exact Decimal."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonTextError(f"the body is not UTF-8 (byte {error.start})") from error
    if _too_deep(text):
        raise JsonTextError(f"the body nests deeper than {MAX_DEPTH} levels")
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise JsonTextError(
            f"the body is not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        ) from error


def _too_deep(text: str) -> bool:
    """Counts brackets outside strings, before the parser recurses into them."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth, inside, escaped = 0, False, False
    for char in text:
        if inside:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                inside = False
        elif char == '"':
            inside = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif char in "]}":
            depth -= 1
    return False


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    made = JsonObject(pairs)
    if len(made) < len(pairs):
        times = Counter(name for name, _ in pairs)
        made.repeated = tuple(name for name, count in times.items() if count > 1)
    return made


def _int(text: str) -> int | Decimal:
    return int(text) if len(text) <= _LONGEST_INT else Decimal(text)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise JsonTextError(f"the number {text[:40]!r} is out of range") from error


def _refuse_constant(text: str) -> NoReturn:
    raise JsonTextError(f"{text} is not a JSON value")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_int, parse_float=_decimal, parse_constant=_refuse_constant
)
