"""What Trino refuses for its types: a condition is a boolean, and values that meet are of one kind.

https://trino.io/docs/current/language/types.html, functions/conditional.html, sql/select.html
"""

from collections.abc import Iterable, Mapping

from sqlglot import exp

from scripts.local_cloud.athena import casts
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.nodes import (
    FLOATS,
    NULL,
    Rule,
    Typed,
    duck,
    family,
    mismatch,
    raw,
    whole,
)
from scripts.local_cloud.athena.rules_arrays import positive

_SIGNS = {"EQ": "=", "NEQ": "<>", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}


def _compare(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """Trino compares like with like only: a string is no number and no date."""
    if isinstance(node, exp.In):
        others = list(node.expressions)
    elif isinstance(node, exp.Between):
        others = [node.args["low"], node.args["high"]]
    else:
        others = [node.expression]
    if any(isinstance(one, exp.Tuple) for one in (node.this, *others)):
        raise not_supported("comparing rows")
    left = self.type(node.this)
    for other in others:
        right = self.type(other)
        _require_comparable(node, left, right)
    return _without_nan(self, node)


def _require_comparable(node: exp.Expr, left: str | None, right: str | None) -> None:
    for kind in (left, right):
        if kind is not None and (kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "JSON"))):
            raise not_supported(f"comparing values of type {casts.trino_name(kind)}")
    if left is None or right is None or family(left) is None or family(right) is None:
        return
    if family(left) != family(right):
        raise mismatch(_SIGNS.get(type(node).__name__, type(node).__name__.upper()), left, right)


def _without_nan(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """NaN equals nothing and is in no order; for DuckDB it is the largest of all."""
    if type(node).__name__ not in _SIGNS:
        return None
    sides = (node.this, node.expression)
    if not any(self.type(side) in FLOATS for side in sides):
        return None
    a, b = (duck(side) for side in sides)
    found = " OR ".join(
        f"isnan(CAST({one} AS DOUBLE)) AND ({other}) IS NOT NULL" for one, other in ((a, b), (b, a))
    )
    unequal = "true" if isinstance(node, exp.NEQ) else "false"
    return raw(f"CASE WHEN {found} THEN {unequal} ELSE {duck(node)} END")


def require_one_kind(self: Typed, nodes: Iterable[exp.Expr], message: str) -> None:
    one_family([self.type(node) for node in nodes], message)


def one_family(types: Iterable[str | None], message: str) -> None:
    """All of one family of types, or TYPE_MISMATCH."""
    kinds = [kind for kind in types if kind is not None and kind != NULL and family(kind)]
    if len({family(kind) for kind in kinds}) > 1:
        names = ", ".join(sorted({casts.trino_name(kind) for kind in kinds}))
        raise QueryError("TYPE_MISMATCH", f"line 1:1: {message}: {names}")


def _coalesce(self: Typed, node: exp.Expr) -> None:
    require_one_kind(self, [node.this, *node.expressions], "All COALESCE operands must be the same type")


def _nullif(self: Typed, node: exp.Expr) -> None:
    require_one_kind(self, [node.this, node.expression], "Types are not comparable with NULLIF")


def _extremes(self: Typed, node: exp.Expr) -> None:
    operands = [node.this, *node.expressions]
    require_one_kind(self, operands, "All operands must be the same type")
    if any(self.type(one) in FLOATS for one in operands):
        raise not_supported("greatest and least of doubles, among which NaN counts otherwise")


def _array(self: Typed, node: exp.Expr) -> None:
    require_one_kind(self, node.expressions, "All ARRAY elements must be the same type")


def _case(self: Typed, node: exp.Expr) -> None:
    branches = list(node.args["ifs"])
    default = node.args.get("default")
    results = [branch.args["true"] for branch in branches] + ([default] if default is not None else [])
    require_one_kind(self, results, "All CASE results must be the same type")
    if node.this is not None:
        require_one_kind(
            self, [node.this, *(branch.this for branch in branches)], "CASE operand type does not match"
        )
        return
    for branch in branches:
        _require_boolean(self, "CASE WHEN clause", branch.this)


def _if(self: Typed, node: exp.Expr) -> None:
    if isinstance(node.parent, exp.Case):
        return
    _require_boolean(self, "IF condition", node.this)
    results = [node.args["true"]] + ([node.args["false"]] if node.args.get("false") is not None else [])
    require_one_kind(self, results, "Result types for IF must be the same")


def _require_boolean(self: Typed, where: str, node: exp.Expr) -> None:
    if isinstance(node, exp.Predicate | exp.Connector | exp.Not):
        return  # a boolean whatever stands in it
    kind = self.type(node)
    if kind not in {None, "BOOLEAN", NULL}:
        raise QueryError(
            "TYPE_MISMATCH", f"line 1:1: {where} must be of type boolean: {casts.trino_name(str(kind))}"
        )


def _logical(self: Typed, node: exp.Expr) -> None:
    for side in (node.this, node.args.get("expression")):
        if side is not None:
            _require_boolean(self, f"{type(node).__name__.upper()} term", side)


def _clause(self: Typed, node: exp.Expr) -> None:
    _require_boolean(self, f"{type(node).__name__.upper()} clause", node.this)


def _all_true(self: Typed, node: exp.Expr) -> None:
    _require_boolean(self, "argument of bool_and and bool_or", node.this)


def _count(_: Typed, node: exp.Expr) -> None:
    inner = node.this
    if node.expressions or (isinstance(inner, exp.Distinct) and len(inner.expressions) > 1):
        raise QueryError("FUNCTION_NOT_FOUND", "line 1:1: Unexpected parameters for function count")


def _percentile(self: Typed, node: exp.Expr) -> exp.Expr:
    """A bigint of integers, else a double; the weighted form is not there."""
    if node.args.get("accuracy") is not None or node.args.get("weight") is not None:
        raise not_supported("approx_percentile with weights or an accuracy")
    kind, share = self.type(node.this), node.args["quantile"]
    value = f"CAST({duck(node.this)} AS DOUBLE)" if (kind or "").startswith("DECIMAL") else duck(node.this)
    for one in share.expressions if isinstance(share, exp.Array) else [share]:
        if not (isinstance(one, exp.Literal) and 0 <= float(one.this) <= 1):
            raise QueryError("INVALID_FUNCTION_ARGUMENT", "Percentile must be between 0 and 1")
    return raw(f"approx_quantile({value}, {duck(share)})")


def _offset(function: str, least: int) -> Rule:
    def rule(_: Typed, node: exp.Expr) -> None:
        positive(function, node.args.get("offset"), least)

    return rule


def _ntile(_: Typed, node: exp.Expr) -> None:
    positive("ntile", node.this, 1)


def _values(self: Typed, node: exp.Expr) -> None:
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
    if len({len(row) for row in rows}) > 1:
        raise QueryError("TYPE_MISMATCH", "line 1:1: Values rows have mismatched sizes")
    for column in zip(*rows, strict=True):
        require_one_kind(self, column, "Values rows have mismatched types")


def _join(self: Typed, node: exp.Expr) -> None:
    if node.args.get("method") or str(node.args.get("kind") or "").upper() not in {
        "",
        "INNER",
        "OUTER",
        "CROSS",
    }:
        raise QueryError("NOT_SUPPORTED", "line 1:1: this kind of join is not supported")
    if (condition := node.args.get("on")) is not None:
        _require_boolean(self, "JOIN ON clause", condition)
    select = node.find_ancestor(exp.Select)
    if select is None or not node.args.get("using"):
        return
    joins = select.args.get("joins") or []
    earlier = [select.args["from_"].this, *(join.this for join in joins[: joins.index(node)])]
    for name in node.args["using"]:
        columns = [_column_at(node, one.alias_or_name, name.name) for one in [*earlier, node.this]]
        require_one_kind(self, columns, "Column types of USING must be the same")


def _column_at(place: exp.Expr, table: str, name: str) -> exp.Expr:
    found: exp.Expr = exp.column(name, table=table or None)
    found.parent = place
    return found


def _limit(_: Typed, node: exp.Expr) -> None:
    if whole(node.expression) is None and node.expression.name.upper() != "ALL":
        raise QueryError("SYNTAX_ERROR", "line 1:1: LIMIT and OFFSET take an integer")


RULES: Mapping[type[exp.Expr], Rule] = {
    exp.EQ: _compare, exp.NEQ: _compare, exp.GT: _compare, exp.GTE: _compare, exp.LT: _compare,
    exp.LTE: _compare, exp.In: _compare, exp.Between: _compare,
    exp.NullSafeEQ: _compare, exp.NullSafeNEQ: _compare, exp.Coalesce: _coalesce, exp.Nullif: _nullif,
    exp.Greatest: _extremes, exp.Least: _extremes, exp.Array: _array, exp.Case: _case, exp.If: _if,
    exp.And: _logical, exp.Or: _logical, exp.Not: _logical, exp.Where: _clause, exp.Having: _clause,
    exp.LogicalAnd: _all_true, exp.LogicalOr: _all_true, exp.Count: _count, exp.ApproxQuantile: _percentile,
    exp.Lag: _offset("lag", 0), exp.Lead: _offset("lead", 0), exp.NthValue: _offset("nth_value", 1),
    exp.Ntile: _ntile, exp.Values: _values, exp.Join: _join, exp.Limit: _limit, exp.Offset: _limit,
}  # fmt: skip
