"""Where Trino and DuckDB differ: each kind of node is known to mean the same, is rewritten, or is refused.

The types that decide come from the oracle. https://trino.io/docs/current/functions.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from scripts.local_cloud.athena import (
    casts,
    decimals,
    macros,
    rules_arrays,
    rules_text,
    rules_times,
    rules_types,
)
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.nodes import (
    FLOATS,
    INTEGERS,
    Rule,
    Typed,
    duck,
    fail,
    macro,
    mismatch,
    raw,
    unexpected,
)
from scripts.local_cloud.athena.oracle import TypeOracle


@dataclass
class Rewriter:
    """One statement's rewriting."""

    oracle: TypeOracle

    def run(self, tree: exp.Expr) -> None:
        """Rewrite in place, the innermost queries first."""
        for node in tree.walk():
            _require_known(node)
        _require_plain_try(tree)
        selects = sorted(tree.find_all(exp.Select), key=_depth, reverse=True)
        for select in selects:
            self._check_aliases(select)
            for node in list(_own_nodes(select)):
                if (new := self._rewrite(node)) is not None:
                    node.replace(new)
        for operation in tree.find_all(exp.SetOperation):
            self._check_columns(operation)

    def _rewrite(self, node: exp.Expr) -> exp.Expr | None:
        rule = _RULES.get(type(node))
        return rule(self, node) if rule else None

    def type(self, node: exp.Expr) -> str | None:
        return self.oracle.type_of(node)

    def _check_columns(self, operation: exp.SetOperation) -> None:
        """UNION, INTERSECT and EXCEPT join columns of one kind."""
        left, right = self.oracle.columns_of(operation.left), self.oracle.columns_of(operation.right)
        name = type(operation).__name__.upper()
        if left is None or right is None:
            return
        if len(left) != len(right):
            raise QueryError("TYPE_MISMATCH", f"line 1:1: {name} query has different number of fields")
        for pair in zip(left, right, strict=True):
            rules_types.one_family(pair, f"column in {name} query has incompatible types")

    def _check_aliases(self, select: exp.Select) -> None:
        """Trino knows a SELECT's aliases in ORDER BY only; DuckDB would take them anywhere."""
        aliases = {item.alias.lower() for item in select.expressions if isinstance(item, exp.Alias)}
        if not aliases:
            return
        for node in _own_nodes(select, skip=("order",)):
            if isinstance(node, exp.Column) and not node.table and node.name.lower() in aliases:
                if _is_itself(node) or self.type(node) is not None:
                    continue
                raise QueryError(
                    "COLUMN_NOT_FOUND", f"line 1:1: Column '{node.name.lower()}' cannot be resolved"
                )


def _is_itself(node: exp.Expr) -> bool:
    return node.find_ancestor(exp.Lambda) is not None


def _depth(node: exp.Expr) -> int:
    depth, parent = 0, node.parent
    while parent is not None:
        depth, parent = depth + 1, parent.parent
    return depth


def _own_nodes(node: exp.Expr, skip: tuple[str, ...] = ()) -> Iterator[exp.Expr]:
    """The nodes of a SELECT, children and FROM first, without those of the queries inside it."""
    first = [(key, node.args[key]) for key in ("from_", "joins", "laterals") if node.args.get(key)]
    for key, value in dict([*first, *node.args.items()]).items():
        if key in skip or key == "with_":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, exp.Expr) and not isinstance(child, exp.Query):
                yield from _own_nodes(child)
                yield child


# --- arithmetic: https://trino.io/docs/current/functions/math.html, functions/decimal.html


def _divide(self: Typed, node: exp.Expr) -> exp.Expr:
    left, right = self.type(node.left), self.type(node.right)  # type: ignore[attr-defined]
    a, b = duck(node.left), duck(node.right)  # type: ignore[attr-defined]
    if left is None or right is None:
        raise not_supported("division where the types are not known, as in a lambda")
    if left in FLOATS or right in FLOATS:
        return raw(f"CAST({a} AS DOUBLE) / CAST({b} AS DOUBLE)")
    if left in INTEGERS and right in INTEGERS:
        return raw(f"CAST(({a}) // ({b}) AS {_wider(left, right)})")
    if decimals.is_exact(left) and decimals.is_exact(right):
        return raw(decimals.divide(a, left, b, right))
    raise mismatch("/", left, right)


def _wider(left: str, right: str) -> str:
    order = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"]
    return max(left, right, key=order.index).replace("HUGEINT", "BIGINT")


def _modulo(self: Typed, node: exp.Expr) -> exp.Expr | None:
    left, right = self.type(node.left), self.type(node.right)  # type: ignore[attr-defined]
    a, b = duck(node.left), duck(node.right)  # type: ignore[attr-defined]
    if left in FLOATS or right in FLOATS:
        return raw(f"CASE WHEN ({b}) = 0 THEN CAST('NaN' AS DOUBLE) ELSE ({a}) % ({b}) END")
    return raw(
        f"CASE WHEN ({b}) = 0 THEN {fail('DIVISION_BY_ZERO', 'Division by zero')} ELSE ({a}) % ({b}) END"
    )


def _add(self: Typed, node: exp.Expr) -> exp.Expr | None:
    sides = (node.left, node.right)  # type: ignore[attr-defined]
    left, right = (self.type(side) for side in sides)
    operator = "+" if isinstance(node, exp.Add) else "-"
    if left is None or right is None:
        return None
    if "VARCHAR" in (left, right):
        raise mismatch(operator, left, right)
    if (left == "DATE" and right in {*INTEGERS, "DATE"}) or (right == "DATE" and left in INTEGERS):
        raise (
            mismatch(operator, left, right)
            if right != left
            else not_supported("subtracting dates; use date_diff")
        )
    if {left, right} == {"DATE", "INTERVAL"}:
        if any(_has_clock(side) for side in sides):
            raise QueryError("INVALID_FUNCTION_ARGUMENT", "Cannot add hour, minutes or seconds to a date")
        return raw(f"CAST({duck(node)} AS DATE)")
    if left.startswith("TIMESTAMP") and right.startswith("TIMESTAMP"):
        raise not_supported("subtracting timestamps; use date_diff")
    return None


def _has_clock(node: exp.Expr) -> bool:
    return any(
        str(one.args.get("unit")).upper() in {"HOUR", "MINUTE", "SECOND"}
        for one in node.find_all(exp.Interval)
    )


def _multiply(self: Typed, node: exp.Expr) -> exp.Expr | None:
    left, right = self.type(node.left), self.type(node.right)  # type: ignore[attr-defined]
    if left is not None and right is not None and "VARCHAR" in (left, right):
        raise mismatch("*", left, right)
    return None


def _round(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """round keeps the scale of a decimal and the type of an integer."""
    kind = self.type(node.this)
    if kind is None:
        raise not_supported("round where the type is not known, as in a lambda")
    if kind in INTEGERS:
        return raw(f"CAST({duck(node)} AS {kind})")
    if kind.startswith("DECIMAL") and node.args.get("decimals"):
        precision, scale = decimals.shape(kind)
        return raw(f"CAST({duck(node)} AS DECIMAL({min(38, precision + 1)},{scale}))")
    return None


def _log(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """log takes a base."""
    if node.args.get("expression") is None:
        raise unexpected("log", str(self.type(node.this)))
    return None


def _whole(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """ceil and floor of an integer are that integer."""
    kind = self.type(node.this)
    return raw(f"CAST({duck(node)} AS {kind})") if kind in INTEGERS else None


# --- aggregates: https://trino.io/docs/current/functions/aggregate.html


def _aggregate(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """An aggregate with all that belongs to it: FILTER, OVER."""
    if isinstance(node.parent, exp.Filter | exp.Window) and node.parent.this is node:
        return None
    inner = node
    while isinstance(inner, exp.Filter | exp.Window | exp.IgnoreNulls | exp.RespectNulls):
        inner = inner.this
    if isinstance(inner, exp.Sum):
        return _sum(self, node)
    if isinstance(inner, exp.Avg):
        return _average(self, node, inner)
    if isinstance(inner, exp.Min | exp.Max):
        return _extreme(self, node, inner)
    if isinstance(inner, exp.CountIf):
        return raw(f"coalesce(CAST({duck(node)} AS BIGINT), 0)")
    return None


def _extreme(self: Typed, node: exp.Expr, inner: exp.Expr) -> exp.Expr | None:
    """Of doubles: refused where NaN is among them, which Trino's versions count differently."""
    operand = inner.this.expressions[0] if isinstance(inner.this, exp.Distinct) else inner.this
    if self.type(operand) not in FLOATS:
        return None
    copy = node.copy()
    target = copy
    while not isinstance(target, exp.Min | exp.Max):
        target = target.this
    asked = exp.Var(this=f"bool_or(isnan({duck(operand)}))")
    found = duck(asked) if target is copy else (target.replace(asked), duck(copy))[1]
    refused = fail("NOT_SUPPORTED", "the local Athena does not support min and max over NaN")
    return raw(f"CASE WHEN {found} THEN {refused} ELSE {duck(node)} END")


def _sum(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """The sum of integers is a bigint, and fails where it is too large."""
    kind = self.type(node)
    if kind == "HUGEINT":
        return raw(f"CAST({duck(node)} AS BIGINT)")
    return None


def _average(self: Typed, node: exp.Expr, inner: exp.Expr) -> exp.Expr | None:
    """The average of decimal(p,s) is a decimal(p,s), rounded half up."""
    operand = inner.this.expressions[0] if isinstance(inner.this, exp.Distinct) else inner.this
    kind = self.type(operand)
    if kind is None or not kind.startswith("DECIMAL"):
        return None
    total, count = (duck(_with_function(node, name, inner)) for name in (exp.Sum, exp.Count))
    precision, scale = decimals.shape(kind)
    quotient = decimals.quotient(total, f"DECIMAL(38,{scale})", count, "DECIMAL(19,0)", precision, scale)
    return raw(f"CASE WHEN {count} = 0 THEN NULL ELSE {quotient} END")


def _with_function(node: exp.Expr, function: type[exp.Expr], inner: exp.Expr) -> exp.Expr:
    if node is inner:
        return function(this=inner.this.copy())
    copy = node.copy()
    target = copy
    while not isinstance(target, type(inner)):
        target = target.this
    target.replace(function(this=target.this.copy()))
    return copy


def _max_by(name: str) -> Rule:
    def rule(_: Typed, node: exp.Expr) -> exp.Expr:
        if node.args.get("count") or node.args.get("expressions"):
            raise not_supported("max_by and min_by of several values")
        return raw(f"{name}({duck(node.this)}, {duck(node.expression)})")

    return rule


def _anonymous(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """Functions that sqlglot has no node for."""
    name, args = str(node.this).lower(), node.expressions
    if name == "format_datetime" and len(args) == 2:
        return rules_times.format_datetime(self, args)
    if name == "json_array_length":
        return macro("json_length", args[0])
    if name == "at_timezone" and args[1].name.upper() == "UTC":
        return raw(duck(args[0]))
    if name in {"is_finite", "is_infinite"}:
        return raw(f"{name.replace('is_', 'is').replace('infinite', 'inf')}({duck(args[0])})")
    if name in {"infinity", "nan"}:
        return raw(f"CAST('{name}' AS DOUBLE)")
    if name == "map_values":
        return raw(f"map_values({duck(args[0])})")
    raise not_supported(f"the function {name}")


# --- comparisons and casts: https://trino.io/docs/current/language/types.html


def _cast(self: Typed, node: exp.Expr) -> exp.Expr | None:
    target = node.args["to"]
    if isinstance(node.this, exp.Literal) and node.this.is_string and target.is_type("date", "timestamp"):
        constant = casts.literal(str(node.this.this), target.is_type("date"))
        if constant is not None:
            return raw(constant)
    source = self.type(node.this)
    return raw(casts.cast(duck(node.this), source, target, safe=isinstance(node, exp.TryCast)))


_TELLS_NULL = (
    exp.Coalesce, exp.Case, exp.If, exp.Is, exp.Nullif, exp.NullSafeEQ, exp.NullSafeNEQ, exp.And, exp.Or,
    exp.Not, exp.AggFunc, exp.Window, exp.Query, exp.Array, exp.Lambda,
)  # fmt: skip


def _try(_: Typed, node: exp.Expr) -> exp.Expr:
    """TRY is NULL where its inside fails.

    DuckDB's TRY takes no error(…), so inside of it our failures become NULL at once. That is the same as long
    as nothing in between makes a value out of NULL again.
    """
    return raw(f"TRY({macros.quieted(duck(node.this))})")


def _require_plain_try(tree: exp.Expr) -> None:
    for node in tree.find_all(exp.Try):
        if any(isinstance(inner, _TELLS_NULL) and not _is_constant(inner) for inner in node.this.walk()):
            raise not_supported("TRY around anything that looks at NULL, an aggregate or a condition")


def _is_constant(node: exp.Expr) -> bool:
    plain = exp.Array | exp.Literal | exp.Column | exp.Identifier | exp.Neg
    return all(isinstance(inner, plain) for inner in node.walk())


_RULES: dict[type[exp.Expr], Rule] = {
    exp.Div: _divide, exp.Mod: _modulo, exp.Add: _add, exp.Sub: _add, exp.Mul: _multiply,
    exp.Round: _round, exp.Ceil: _whole, exp.Floor: _whole, exp.Sum: _aggregate, exp.Avg: _aggregate,
    exp.CountIf: _aggregate, exp.Min: _aggregate, exp.Max: _aggregate, exp.Filter: _aggregate,
    exp.Window: _aggregate,
    exp.ArgMax: _max_by("arg_max_null"), exp.ArgMin: _max_by("arg_min_null"), exp.Anonymous: _anonymous,
    exp.Log: _log, exp.Cast: _cast, exp.TryCast: _cast, exp.Try: _try,
    **rules_text.RULES, **rules_arrays.RULES, **rules_times.RULES, **rules_types.RULES,
}  # fmt: skip

# Kinds of node that mean the same in both, as DuckDB's SQL is generated for them.
_SAME = {
    "Abs", "Alias", "Any", "AnyValue", "ApproxDistinct", "ArrayAgg", "ArrayFilter", "ArraySort",
    "Boolean", "CTE", "Column", "ColumnDef", "Cube", "CumeDist", "CurrentDate", "DataType",
    "DataTypeParam", "Day", "DayOfMonth", "DayOfWeekIso", "DayOfYear", "DenseRank", "Distinct", "Dot",
    "Except", "Exists", "Exp", "FirstValue", "Flatten", "From", "Group", "Grouping", "GroupingSets",
    "Hour", "Identifier", "IgnoreNulls", "Intersect", "Interval", "IntervalSpan", "Is", "IsNan",
    "JSONPath", "JSONPathKey", "JSONPathRoot", "JSONPathSubscript", "Lambda", "LastValue", "Lateral",
    "Like", "Literal", "Ln", "Lower", "MapKeys", "Minute", "Month", "Neg", "Null", "Order", "Ordered",
    "Paren", "PercentRank", "Pow", "Quarter", "Rank", "RespectNulls", "Rollup", "RowNumber", "Second",
    "Select", "Sqrt", "Star", "StartsWith", "Stddev", "StddevPop", "StddevSamp", "StrPosition",
    "Subquery", "Table", "TableAlias", "TimeToUnix", "Transform", "Tuple", "Union", "Var", "Variance",
    "VariancePop", "WeekOfYear", "WindowSpec", "With", "WithinGroup", "Year",
}  # fmt: skip


def _require_known(node: exp.Expr) -> None:
    """Refuse what nobody has compared: a wrong answer would be worse than none."""
    if type(node) in _RULES or type(node).__name__ in _SAME:
        return
    name = node.sql_name() if isinstance(node, exp.Func) else type(node).__name__
    raise not_supported(f"{name.lower()}")
