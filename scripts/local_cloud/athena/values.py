"""Values as the text that Athena's results carry."""

import datetime as dt
import decimal
import math
from collections.abc import Callable, Mapping
from typing import Any

Format = Callable[[Any], str]


def as_text(duck_type: str) -> Format:
    """The formatter for a column of that DuckDB type."""
    return _BY_TYPE.get(duck_type, _any)


def double(value: float) -> str:
    """As Java's Double.toString: `1.0`, `1.0E10`, `NaN`, `Infinity`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    size = abs(value)
    if size == 0 or 1e-3 <= size < 1e7:
        text = repr(value)
        return text if "e" not in text else format(decimal.Decimal(text), "f")
    digits, _, exponent = f"{decimal.Decimal(repr(value)):E}".partition("E")
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return f"{digits}{'' if '.' in digits else '.0'}E{int(exponent)}"


def single(value: float) -> str:
    """As Java's Float.toString: the shortest digits that a 32-bit float needs."""
    import struct

    for digits in range(1, 10):
        short = float(f"{value:.{digits}g}")
        if struct.pack("f", short) == struct.pack("f", value):
            return double(short)
    return double(value)


def timestamp(value: dt.datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"


def zoned(value: dt.datetime) -> str:
    return f"{timestamp(value.astimezone(dt.UTC))} UTC"


def _binary(value: bytes) -> str:
    return value.hex(" ")


def _any(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double(value)
    if isinstance(value, dt.datetime):
        return zoned(value) if value.tzinfo else timestamp(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_any(key)}={_any(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_any, value)) + "]"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return value.hex(" ") if isinstance(value, bytes) else str(value)


_BY_TYPE: dict[str, Format] = {
    "VARCHAR": str,
    "BIGINT": str,
    "INTEGER": str,
    "DOUBLE": double,
    "FLOAT": single,
    "TIMESTAMP": timestamp,
    "BLOB": _binary,
}
