"""Decimals as Trino divides them: the type of the quotient is exact, the last digit is rounded half up.

https://trino.io/docs/current/functions/decimal.html
"""

from scripts.local_cloud.athena.errors import not_supported

_WHOLE = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "HUGEINT": 38}
# Beyond it DuckDB's 128-bit integers would not hold the shifted numerator's fraction.
_LARGEST_SCALE = 18


def is_exact(kind: str) -> bool:
    return kind in _WHOLE or kind.startswith("DECIMAL")


def shape(kind: str) -> tuple[int, int]:
    """Precision and scale; an integer's are those that Trino coerces it to."""
    if kind in _WHOLE:
        return _WHOLE[kind], 0
    precision, _, scale = kind[8:-1].partition(",")
    return int(precision), int(scale)


def divide(a: str, left: str, b: str, right: str) -> str:
    """`a / b` in DuckDB's SQL, with the precision and scale that Trino gives the quotient."""
    (p1, s1), (_, s2) = shape(left), shape(right)
    scale = max(s1, s2)
    precision = min(38, p1 + s2 + max(0, s2 - s1))
    return quotient(a, left, b, right, precision, scale)


def quotient(a: str, left: str, b: str, right: str, precision: int, scale: int) -> str:
    """The quotient as decimal(precision, scale), rounded half up, exact throughout."""
    if scale > _LARGEST_SCALE:
        raise not_supported(f"a decimal quotient with {scale} digits after the point")
    s1, s2 = shape(left)[1], shape(right)[1]
    shift = scale - s1 + s2
    top = f"({_unscaled(a, left)} * {10 ** max(0, shift)}::HUGEINT)"
    bottom = f"({_unscaled(b, right)} * {10 ** max(0, -shift)}::HUGEINT)"
    up = f"CASE WHEN 2 * (abs({top}) % abs({bottom})) >= abs({bottom}) THEN 1 ELSE 0 END"
    whole = f"(abs({top}) // abs({bottom}) + {up})"
    signed = f"({whole} * sign({top}) * sign({bottom}))"
    return _scaled(signed, precision, scale)


def _unscaled(sql: str, kind: str) -> str:
    scale = shape(kind)[1]
    if not scale:
        return f"CAST({sql} AS HUGEINT)"
    return f"CAST(CAST({sql} AS DECIMAL(38,{scale})) * {10**scale} AS HUGEINT)"


def _scaled(sql: str, precision: int, scale: int) -> str:
    if not scale:
        return f"CAST({sql} AS DECIMAL({precision},0))"
    unit = 10**scale
    step = "0." + "1".rjust(scale, "0")
    fraction = f"CAST(({sql}) % {unit} AS DECIMAL(18,0)) * CAST('{step}' AS DECIMAL({scale},{scale}))"
    return (
        f"CAST(CAST(({sql}) // {unit} AS DECIMAL(38,{scale})) + {fraction} AS DECIMAL({precision},{scale}))"
    )
