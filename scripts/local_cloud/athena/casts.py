"""Casts as Trino does them: strict about text, half up from fractions, its own text for times.

https://trino.io/docs/current/functions/conversion.html
"""

import re
from datetime import date

from sqlglot import exp

from scripts.local_cloud.athena import types
from scripts.local_cloud.athena.errors import not_supported

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}
_TEXTS = {
    **dict.fromkeys(_INTEGERS, r"[+-]?\d+"),
    "DATE": r"\s*\d{4,}-\d{1,2}-\d{1,2}\s*",
    "TIMESTAMP": r"\s*\d{4,}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?)?\s*",
    "BOOLEAN": r"(?i)t|f|true|false|1|0",
    "DOUBLE": r"\s*([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?Infinity|NaN)\s*",
    "FLOAT": r"\s*([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?Infinity|NaN)\s*",
    "DECIMAL": r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*",
}
_TIMESTAMP_FORMAT = "%Y-%m-%d %H:%M:%S.%g"


def trino_name(duck: str) -> str:
    """A DuckDB type as Trino names it in its messages."""
    return duck.lower() if duck.startswith("DECIMAL") else types.to_athena(duck)


def fails(code: str, message: str) -> str:
    """DuckDB's SQL that fails the query under Athena's name; `message` is SQL text."""
    return f"error('athena:{code}: ' || {message} || '\u00a7')"


def literal(text: str, is_date: bool) -> str | None:
    """DATE '…' and TIMESTAMP '…', if the text is one."""
    kind = "DATE" if is_date else "TIMESTAMP"
    if not re.fullmatch(_TEXTS[kind], text):
        return None
    try:
        date.fromisoformat(_padded(text.split()[0]))
    except ValueError:
        return None
    return f"{kind} '{text}'"


def _padded(day: str) -> str:
    return "-".join(part.zfill(2) for part in day.split("-"))


def cast(sql: str, source: str | None, target: exp.DataType, safe: bool) -> str:
    """CAST or TRY_CAST in DuckDB's SQL; `source` is the type of what is cast."""
    wanted = _duck_type(target)
    if source is None:
        raise not_supported("a cast where the type is not known, as in a lambda")
    if source == "JSON":
        raise not_supported("casts from JSON; use json_extract_scalar")
    word = "TRY_CAST" if safe else "CAST"
    if wanted.endswith("[]"):
        return _array(sql, source, target, safe)
    if wanted == "VARCHAR":
        return _length(to_text(sql, source), source, target)
    if source == "VARCHAR":
        return _from_text(sql, wanted, word)
    if source in {"DOUBLE", "FLOAT"} and wanted in _INTEGERS:
        return f"{word}(round({sql}) AS {wanted})"
    return f"{word}({sql} AS {wanted})"


def _array(sql: str, source: str, target: exp.DataType, safe: bool) -> str:
    """Each element cast; where one fails the whole array is NULL to TRY_CAST, which we cannot tell."""
    inner = target.expressions[0]
    if source == '"NULL"':
        return f"CAST({sql} AS {target.sql('duckdb')})"
    if not source.endswith("[]") or safe:
        raise not_supported(f"casts from {trino_name(source)} to {target.sql('athena').lower()}")
    if source == '"NULL"[]':
        return f"CAST({sql} AS {target.sql('duckdb')})"
    return f"list_transform({sql}, LAMBDA _c : {cast('_c', source[:-2], inner, safe)})"


def _duck_type(target: exp.DataType) -> str:
    if target.is_type("char", "json", "time", "timetz", "interval"):
        raise not_supported(f"casts to {target.sql('athena').lower()}")
    text = target.sql("duckdb")
    plain = re.sub(
        r"^TIMESTAMP(\(\d\))?$", "TIMESTAMP", re.sub(r"^(TEXT|VARCHAR)(\(\d+\))?$", "VARCHAR", text)
    )
    return {"INT": "INTEGER", "REAL": "FLOAT", "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}.get(plain, plain)


def _length(sql: str, source: str, target: exp.DataType) -> str:
    """varchar(n) keeps the first n characters of a text, and takes nothing else that is longer."""
    if not target.expressions:
        return sql
    size = target.expressions[0].this.this
    return f"substring({sql}, 1, {size})" if source == "VARCHAR" else f"trino_fits({sql}, {size})"


def to_text(sql: str, source: str) -> str:
    if source == "VARCHAR":
        return sql
    if source == "TIMESTAMP":
        return f"strftime({sql}, '{_TIMESTAMP_FORMAT}')"
    if source == "DOUBLE":
        return f"trino_double_text({sql})"
    if source == "FLOAT":
        raise not_supported("casts from real to varchar; cast to double first")
    if source in {*_INTEGERS, "HUGEINT", "BOOLEAN", "DATE", '"NULL"'} or source.startswith("DECIMAL"):
        return f"CAST({sql} AS VARCHAR)"
    raise not_supported(f"casts from {trino_name(source)} to varchar")


def _from_text(sql: str, wanted: str, word: str) -> str:
    pattern = _TEXTS.get(wanted.partition("(")[0])
    if pattern is None:
        raise not_supported(f"casts from varchar to {wanted.lower()}")
    good = f"regexp_full_match({sql}, '{pattern}')"
    name = trino_name(wanted).upper()
    refused = fails("INVALID_CAST_ARGUMENT", f"'Cannot cast ''' || ({sql}) || ''' to {name}'")
    otherwise = "" if word == "TRY_CAST" else f" WHEN NOT {good} THEN {refused}"
    value = f"trim({sql})" if "\\s" in pattern else sql
    return f"CASE WHEN {good} THEN {word}({value} AS {wanted}){otherwise} END"
