"""Arrays and maps: what Trino means by them, in DuckDB's SQL.

https://trino.io/docs/current/functions/array.html, map.html
"""

from collections.abc import Mapping

from sqlglot import exp
from sqlglot.expressions.builders import apply_index_offset

from scripts.local_cloud.athena import casts
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.nodes import (
    FLOATS,
    INTEGERS,
    NULL,
    Rule,
    Typed,
    duck,
    fail,
    family,
    macro,
    raw,
    unexpected,
    whole,
)


def _bracket(self: Typed, node: exp.Expr) -> exp.Expr:
    """`a[i]` fails outside of the array, element_at is NULL there; neither takes 0."""
    kind = self.type(node.this)
    container, safe = duck(node.this), bool(node.args.get("safe"))
    if kind is None or len(node.expressions) != 1:
        raise not_supported("a subscript where the type is not known, as in a lambda")
    index = duck(_original_index(node))
    if kind.startswith("MAP"):
        missing = fail("INVALID_FUNCTION_ARGUMENT", "Key not present in map")
        otherwise = "NULL" if safe else missing
        there = f"map_contains({container}, {index})"
        return raw(f"CASE WHEN {there} THEN {container}[{index}] WHEN NOT {there} THEN {otherwise} END")
    zero = fail("INVALID_FUNCTION_ARGUMENT", "SQL array indices start at 1")
    beyond = fail("INVALID_FUNCTION_ARGUMENT", "Array subscript must be less than or equal to array length")
    outside = "" if safe else f" WHEN ({index}) > len({container}) OR ({index}) < 0 THEN {beyond}"
    return raw(f"CASE WHEN ({index}) = 0 THEN {zero}{outside} ELSE {container}[{index}] END")


def _original_index(node: exp.Expr) -> exp.Expr:
    """sqlglot counts from 0 inside and adds one again when it writes; we take what was written."""
    offset = 1 - int(node.args.get("offset") or 0)
    found: exp.Expr = apply_index_offset(node.this, node.expressions, offset, dialect="duckdb")[0]
    return found


def _size(self: Typed, node: exp.Expr) -> exp.Expr:
    kind = self.type(node.this) or ""
    function = "cardinality" if kind.startswith("MAP") else "len"
    return raw(f"CAST({function}({duck(node.this)}) AS BIGINT)")


def _sequence(self: Typed, node: exp.Expr) -> exp.Expr:
    start, end, step = node.args["start"], node.args["end"], node.args.get("step")
    kind = self.type(start)
    if kind == "DATE" and step is None:
        return macro("days", start, end)
    if kind == "DATE" and isinstance(step, exp.Interval) and (whole_step(step) or 0) > 0:
        return raw(f"CAST(generate_series({duck(start)}, {duck(end)}, {duck(step)}) AS DATE[])")
    if kind not in INTEGERS or self.type(end) not in INTEGERS:
        raise not_supported("sequence of anything but integers and of dates with a step that is not positive")
    by = duck(step) if step is not None else f"CASE WHEN {duck(start)} > {duck(end)} THEN -1 ELSE 1 END"
    return raw(f"trino_sequence({duck(start)}, {duck(end)}, {by})")


def whole_step(step: exp.Interval) -> int | None:
    text = str(step.this.this) if isinstance(step.this, exp.Literal) else ""
    return int(text) if text.lstrip("-").isdigit() else None


def _slice(_: Typed, node: exp.Expr) -> exp.Expr:
    return macro("slice", node.this, node.args["start"], node.args["end"])


def _contains(self: Typed, node: exp.Expr) -> exp.Expr:
    kind, element = self.type(node.this), self.type(node.expression)
    inner = (kind or NULL).removesuffix("[]")
    if element and NULL not in {element, inner} and family(inner) != family(element):
        raise unexpected("contains", str(kind), element)
    return macro("contains", node.this, node.expression)


def _position(_: Typed, node: exp.Expr) -> exp.Expr:
    return raw(f"CAST({duck(macro('position', node.this, node.expression))} AS BIGINT)")


def _distinct(_: Typed, node: exp.Expr) -> exp.Expr:
    return macro("distinct", node.this)


def _extreme(name: str) -> Rule:
    def rule(self: Typed, node: exp.Expr) -> exp.Expr:
        if (self.type(node.this) or "").removesuffix("[]") in FLOATS:
            raise not_supported(f"{name} of doubles, among which NaN counts otherwise")
        return macro(name, node.this)

    return rule


def _reverse(self: Typed, node: exp.Expr) -> exp.Expr | None:
    kind = self.type(node.this)
    return raw(f"list_reverse({duck(node.this)})") if kind and kind.endswith("[]") else None


def _join(self: Typed, node: exp.Expr) -> exp.Expr:
    """NULL is left out, or replaced; what is not text is written as a cast writes it."""
    kind = (self.type(node.this) or "").removesuffix("[]")
    text = casts.to_text("_x", kind) if kind not in {"", NULL} else "CAST(_x AS VARCHAR)"
    array = f"list_transform({duck(node.this)}, LAMBDA _x : {text})"
    if (null := node.args.get("null")) is not None:
        array = f"list_transform({array}, LAMBDA _x : coalesce(_x, {duck(null)}))"
    return raw(f"array_to_string({array}, {duck(node.expression)})")


def _map(_: Typed, node: exp.Expr) -> exp.Expr | None:
    keys, values = node.args.get("keys"), node.args.get("values")
    if not isinstance(keys, exp.Expr) or not isinstance(values, exp.Expr):
        return None
    return macro("map", keys, values)


def _unnest(self: Typed, node: exp.Expr) -> exp.Expr | None:
    if not node.find_ancestor(exp.From, exp.Join, exp.Lateral):
        raise QueryError("SYNTAX_ERROR", "line 1:1: UNNEST stands in FROM only")
    if len(node.expressions) != 1:
        raise not_supported("UNNEST of several arrays")
    kind = self.type(node.expressions[0])
    if kind is None or not kind.endswith("[]") or kind.startswith(("STRUCT", "MAP")):
        raise not_supported("UNNEST of anything but an array of plain values")
    return None


def positive(function: str, node: exp.Expr | None, least: int) -> None:
    """An argument that Trino wants to be at least so much, and we to be a constant."""
    if node is None:
        return
    value = whole(node)
    if value is None:
        raise not_supported(f"{function} with an offset that is not a constant")
    if value < least:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"{function}: Offset must be at least {least}")


RULES: Mapping[type[exp.Expr], Rule] = {
    exp.Bracket: _bracket, exp.ArraySize: _size, exp.GenerateSeries: _sequence, exp.ArraySlice: _slice,
    exp.ArrayContains: _contains, exp.ArrayPosition: _position, exp.ArrayDistinct: _distinct,
    exp.ArrayMax: _extreme("array_max"), exp.ArrayMin: _extreme("array_min"),
    exp.Reverse: _reverse, exp.ArrayToString: _join, exp.Map: _map, exp.Unnest: _unnest,
}  # fmt: skip
