"""A file's schema as the crawler sees it: format, columns in Hive's types, and what its SerDe must know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Column = tuple[str, str]

_INTEGERS = ["tinyint", "smallint", "int", "bigint"]
_ENOUGH_ALIKE = 0.7


@dataclass(frozen=True, slots=True)
class Schema:
    format: str
    columns: tuple[Column, ...]
    serde: str = ""
    serde_options: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    records: int = 0


def alike(left: Schema, right: Schema) -> bool:
    """Whether two files belong to one table: same format, and column names that mostly agree."""
    if left.format != right.format or dict(left.parameters) != dict(right.parameters):
        return False
    ours, theirs = {name for name, _ in left.columns}, {name for name, _ in right.columns}
    if ours <= theirs or theirs <= ours:
        return bool(ours and theirs)
    return len(ours & theirs) / len(ours | theirs) >= _ENOUGH_ALIKE


def merge(schemas: Sequence[Schema]) -> Schema:
    """One schema for all files of a table: every column of any, each in a type that holds all its values."""
    kinds: dict[str, str] = {}
    for schema in schemas:
        for name, kind in schema.columns:
            kinds[name] = wider(kinds.get(name, kind), kind)
    first = schemas[0]
    records = sum(schema.records for schema in schemas)
    return Schema(
        first.format, tuple(kinds.items()), first.serde, first.serde_options, first.parameters, records
    )


def wider(left: str, right: str) -> str:
    """The narrowest type that holds both; text, if nothing else does."""
    if left == right:
        return left
    if left in _INTEGERS and right in _INTEGERS:
        return max(left, right, key=_INTEGERS.index)
    if {left, right} <= {*_INTEGERS, "float", "double"}:
        return "double"
    if left.startswith("decimal") and right.startswith("decimal"):
        return _wider_decimal(left, right)
    return "string"


def _wider_decimal(left: str, right: str) -> str:
    (p1, s1), (p2, s2) = (map(int, kind[8:-1].split(",")) for kind in (left, right))
    scale = max(s1, s2)
    return f"decimal({min(38, max(p1 - s1, p2 - s2) + scale)},{scale})"
