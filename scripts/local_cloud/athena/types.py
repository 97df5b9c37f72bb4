"""Types as the catalog writes them (Hive), as DuckDB runs them, and as Athena names them in its answers."""

from collections.abc import Iterator

from scripts.local_cloud.athena.errors import not_supported

_PLAIN = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "binary": "BLOB",
}
_ATHENA = {
    "VARCHAR": "varchar",
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "BLOB": "varbinary",
    "JSON": "json",
    '"NULL"': "unknown",
    "NULL": "unknown",
}
_HIVE = {
    "VARCHAR": "string",
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "HUGEINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "BLOB": "binary",
}
# Precision and scale of a result column, as GetQueryResults gives them.
_PRECISION = {
    "varchar": 2147483647,
    "bigint": 19,
    "integer": 10,
    "smallint": 5,
    "tinyint": 3,
    "double": 17,
    "float": 17,
    "timestamp": 3,
    "timestamp with time zone": 3,
}


def from_hive(hive: str) -> str:
    """`array<struct<a:int>>` as DuckDB's `STRUCT("a" INTEGER)[]`."""
    text = hive.strip().lower()
    base, _, inner = text.partition("<")
    if base == "array":
        return f"{from_hive(inner[:-1])}[]"
    if base == "map":
        key, value = _split(inner[:-1])
        return f"MAP({from_hive(key)}, {from_hive(value)})"
    if base == "struct":
        fields = (field.partition(":") for field in _split(inner[:-1]))
        return "STRUCT(" + ", ".join(f'"{name.strip()}" {from_hive(kind)}' for name, _, kind in fields) + ")"
    if text.startswith("decimal"):
        return text.upper() if "(" in text else "DECIMAL(10,0)"
    if text.startswith("varchar"):
        return "VARCHAR"
    if text.startswith("char"):
        raise not_supported(f"the column type {hive!r}, which pads its values; use varchar")
    if text not in _PLAIN:
        raise not_supported(f"the column type {hive!r}")
    return _PLAIN[text]


def _split(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for index, char in enumerate(text):
        depth += (char in "<(") - (char in ">)")
        if char == "," and not depth:
            yield text[start:index]
            start = index + 1
    yield text[start:]


def to_athena(duck: str) -> str:
    """The type's name in GetQueryResults."""
    text = duck.upper()
    if text.endswith("]"):
        return "array"
    if text.startswith("DECIMAL"):
        return "decimal"
    if text.startswith("STRUCT"):
        return "row"
    if text.startswith("MAP"):
        return "map"
    if text not in _ATHENA:
        raise not_supported(f"a result column of type {duck}")
    return _ATHENA[text]


def precision_scale(duck: str) -> tuple[int, int]:
    if to_athena(duck) == "decimal":
        precision, _, scale = duck[8:-1].partition(",")
        return int(precision), int(scale)
    return _PRECISION.get(to_athena(duck), 0), 0


def to_hive(duck: str) -> str:
    """The type that CREATE TABLE AS writes into the catalog."""
    text = duck.strip()
    if text.endswith("[]"):
        return f"array<{to_hive(text[:-2])}>"
    if text.upper().startswith("MAP("):
        key, value = _split(text[4:-1])
        return f"map<{to_hive(key)},{to_hive(value)}>"
    if text.upper().startswith("STRUCT("):
        fields = (field.strip().partition(" ") for field in _split(text[7:-1]))
        inner = ",".join(f"{name.strip(chr(34))}:{to_hive(kind)}" for name, _, kind in fields)
        return f"struct<{inner}>"
    if text.upper().startswith("DECIMAL"):
        return text.lower().replace(" ", "")
    if text.upper() not in _HIVE:
        raise not_supported(f"writing a column of type {duck}")
    return _HIVE[text.upper()]


def to_trino(hive: str) -> str:
    """The catalog's type as DESCRIBE and information_schema show it."""
    return {"string": "varchar", "int": "integer", "float": "real", "binary": "varbinary"}.get(hive, hive)


def readable_as(stored: str, wanted: str) -> bool:
    """Whether Athena reads a Parquet column of one type as the other; else it fails with HIVE_BAD_DATA."""
    widening = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT"]
    if stored == wanted or wanted.startswith(("STRUCT", "MAP")) or wanted.endswith("]"):
        return True
    if stored in widening:
        return wanted in widening or wanted.startswith("DECIMAL")
    if stored.startswith("TIMESTAMP"):
        return wanted == "TIMESTAMP"
    if stored in {"VARCHAR", "BLOB", "JSON"}:
        return wanted in {"VARCHAR", "BLOB"}
    if stored.startswith("DECIMAL"):
        return wanted.startswith("DECIMAL")
    return (stored, wanted) in {("FLOAT", "DOUBLE"), ("UTINYINT", "SMALLINT"), ("UINTEGER", "BIGINT")}


def coercible(have: str, want: str) -> bool:
    """Whether Trino turns one type into the other unasked: only where nothing can be lost.

    https://trino.io/docs/current/sql/insert.html
    """
    numbers = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT"]
    have = have.replace("HUGEINT", "BIGINT")
    if have in {want, '"NULL"'} or want.startswith(("STRUCT", "MAP")) or want.endswith("]"):
        return True
    if want in {"FLOAT", "DOUBLE"}:
        return have in {*numbers, "FLOAT"} or have.startswith("DECIMAL")
    if want.startswith("DECIMAL"):
        digits = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19}
        (p1, s1), (p2, s2) = (
            (digits[have], 0) if have in digits else precision_scale(have),
            precision_scale(want),
        )
        exact = have in digits or have.startswith("DECIMAL")
        return exact and p1 - s1 <= p2 - s2 and s1 <= s2
    if have in numbers and want in numbers:
        return numbers.index(have) <= numbers.index(want)
    return have == "DATE" and want.startswith("TIMESTAMP")
