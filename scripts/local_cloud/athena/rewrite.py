"""Where Trino and DuckDB differ: each kind of node is known to mean the same, is rewritten, or is refused.

The types that decide come from the oracle. https://trino.io/docs/current/functions.html
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.expressions.builders import apply_index_offset

from scripts.local_cloud.athena import casts, decimals
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.oracle import TypeOracle

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}
_FLOATS = {"DOUBLE", "FLOAT"}
_DAY_UNITS = {"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"}


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

    def _rewrite(self, node: exp.Expr) -> exp.Expr | None:
        rule = _RULES.get(type(node))
        return rule(self, node) if rule else None

    def type(self, node: exp.Expr) -> str | None:
        return self.oracle.type_of(node)

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
    """The nodes of a SELECT, children first, without those of the queries inside it."""
    for key, value in list(node.args.items()):
        if key in skip or key == "with_":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, exp.Expr) and not isinstance(child, exp.Query):
                yield from _own_nodes(child)
                yield child


def raw(sql: str) -> exp.Expr:
    """DuckDB's SQL as a finished node."""
    return exp.Var(this=f"({sql})")


def _duck(node: exp.Expr) -> str:
    return node.sql("duckdb")


def _fail(code: str, message: str) -> str:
    """A DuckDB expression that fails the query under Athena's name."""
    return casts.fails(code, "'" + message.replace("'", "''") + "'")


# --- arithmetic: https://trino.io/docs/current/functions/math.html, functions/decimal.html


def _divide(self: Rewriter, node: exp.Expr) -> exp.Expr:
    left, right = self.type(node.left), self.type(node.right)  # type: ignore[attr-defined]
    a, b = _duck(node.left), _duck(node.right)  # type: ignore[attr-defined]
    if left is None or right is None:
        raise not_supported("division where the types are not known, as in a lambda")
    if left in _FLOATS or right in _FLOATS:
        return raw(f"CAST({a} AS DOUBLE) / CAST({b} AS DOUBLE)")
    if left in _INTEGERS and right in _INTEGERS:
        return raw(f"CAST(({a}) // ({b}) AS {_wider(left, right)})")
    if decimals.is_exact(left) and decimals.is_exact(right):
        return raw(decimals.divide(a, left, b, right))
    raise _mismatch("/", left, right)


def _wider(left: str, right: str) -> str:
    order = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"]
    return max(left, right, key=order.index).replace("HUGEINT", "BIGINT")


def _modulo(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    left, right = self.type(node.left), self.type(node.right)  # type: ignore[attr-defined]
    a, b = _duck(node.left), _duck(node.right)  # type: ignore[attr-defined]
    if left in _FLOATS or right in _FLOATS:
        return raw(f"CASE WHEN ({b}) = 0 THEN CAST('NaN' AS DOUBLE) ELSE ({a}) % ({b}) END")
    return raw(
        f"CASE WHEN ({b}) = 0 THEN {_fail('DIVISION_BY_ZERO', 'Division by zero')} ELSE ({a}) % ({b}) END"
    )


def _mismatch(operator: str, left: str, right: str) -> QueryError:
    names = (casts.trino_name(left), casts.trino_name(right))
    return QueryError("TYPE_MISMATCH", f"line 1:1: Cannot apply operator: {names[0]} {operator} {names[1]}")


def _add(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    sides = (node.left, node.right)  # type: ignore[attr-defined]
    left, right = (self.type(side) for side in sides)
    operator = "+" if isinstance(node, exp.Add) else "-"
    if left is None or right is None:
        return None
    if "VARCHAR" in (left, right):
        raise _mismatch(operator, left, right)
    if (left == "DATE" and right in {*_INTEGERS, "DATE"}) or (right == "DATE" and left in _INTEGERS):
        raise (
            _mismatch(operator, left, right)
            if right != left
            else not_supported("subtracting dates; use date_diff")
        )
    if {left, right} == {"DATE", "INTERVAL"}:
        return raw(f"CAST({_duck(node)} AS DATE)")
    if left.startswith("TIMESTAMP") and right.startswith("TIMESTAMP"):
        raise not_supported("subtracting timestamps; use date_diff")
    return None


def _multiply(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    left, right = self.type(node.left), self.type(node.right)  # type: ignore[attr-defined]
    if left is not None and right is not None and "VARCHAR" in (left, right):
        raise _mismatch("*", left, right)
    return None


def _round(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    """round keeps the scale of a decimal and the type of an integer."""
    kind = self.type(node.this)
    if kind is None:
        raise not_supported("round where the type is not known, as in a lambda")
    if kind in _INTEGERS:
        return raw(f"CAST({_duck(node)} AS {kind})")
    if kind.startswith("DECIMAL") and node.args.get("decimals"):
        precision, scale = decimals.shape(kind)
        return raw(f"CAST({_duck(node)} AS DECIMAL({min(38, precision + 1)},{scale}))")
    return None


# --- aggregates: https://trino.io/docs/current/functions/aggregate.html


def _aggregate(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    """An aggregate with all that belongs to it: FILTER, OVER."""
    if isinstance(node.parent, exp.Filter | exp.Window) and node.parent.this is node:
        return None
    inner = node
    while isinstance(inner, exp.Filter | exp.Window | exp.IgnoreNulls | exp.RespectNulls):
        inner = inner.this
    if isinstance(inner, exp.Sum):
        return self_cast_sum(self, node)
    if isinstance(inner, exp.Avg):
        return _average(self, node, inner)
    if isinstance(inner, exp.CountIf):
        return raw(f"CAST({_duck(node)} AS BIGINT)")
    return None


def self_cast_sum(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    """The sum of integers is a bigint, and fails where it is too large."""
    kind = self.type(node)
    if kind == "HUGEINT":
        return raw(f"CAST({_duck(node)} AS BIGINT)")
    return None


def _average(self: Rewriter, node: exp.Expr, inner: exp.Expr) -> exp.Expr | None:
    """The average of decimal(p,s) is a decimal(p,s), rounded half up."""
    operand = inner.this.expressions[0] if isinstance(inner.this, exp.Distinct) else inner.this
    kind = self.type(operand)
    if kind is None or not kind.startswith("DECIMAL"):
        return None
    total, count = (_duck(_with_function(node, name, inner)) for name in (exp.Sum, exp.Count))
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


def _max_by(name: str) -> Callable[[Rewriter, exp.Expr], exp.Expr]:
    def rule(_: Rewriter, node: exp.Expr) -> exp.Expr:
        if node.args.get("count") or node.args.get("expressions"):
            raise not_supported("max_by and min_by of several values")
        return raw(f"{name}({_duck(node.this)}, {_duck(node.expression)})")

    return rule


# --- dates: https://trino.io/docs/current/functions/datetime.html


def _unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    name = str(unit.this if unit is not None else "DAY").upper().strip("'")
    if name not in {*_DAY_UNITS, "HOUR", "MINUTE", "SECOND", "MILLISECOND"}:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"'{name.lower()}' is not a valid Timestamp field")
    return name


def _date_trunc(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    kind, unit = self.type(node.this), _unit(node)
    _require_time("date_trunc", kind)
    sql = f"date_trunc('{unit.lower()}', {_duck(node.this)})"
    return raw(f"CAST({sql} AS {kind})")


def _require_time(function: str, kind: str | None) -> None:
    if kind is None:
        raise not_supported(f"{function} where the type is not known, as in a lambda")
    if kind != "DATE" and not kind.startswith("TIMESTAMP"):
        name = casts.trino_name(kind)
        raise QueryError("TYPE_MISMATCH", f"line 1:1: Unexpected parameters ({name}) for function {function}")


def _date_add(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    kind, unit = self.type(node.this), _unit(node)
    _require_time("date_add", kind)
    step = f"CAST({_duck(node.expression)} AS BIGINT)"
    factor = {"QUARTER": ("month", 3), "WEEK": ("day", 7)}.get(unit, (unit.lower(), 1))
    sql = f"{_duck(node.this)} + to_{factor[0]}s(CAST({step} * {factor[1]} AS {_interval_type(factor[0])}))"
    return raw(f"CAST({sql} AS {kind})")


def _interval_type(unit: str) -> str:
    return "INTEGER" if unit in {"day", "month", "year"} else "BIGINT"


def _date_diff(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    """Whole units between, not boundaries crossed."""
    late, early = node.this, node.expression
    for side in (late, early):
        _require_time("date_diff", self.type(side))
    return raw(f"date_sub('{_unit(node).lower()}', {_duck(early)}, {_duck(late)})")


def _format_of(node: exp.Expr) -> None:
    form = node.args.get("format")
    if not (isinstance(form, exp.Literal) and form.is_string):
        raise not_supported("a date format that is not a constant")
    for letter in re.findall(r"%(.)", str(form.this)):
        if letter not in "YmdHMSfyjbaBApIT%-":
            raise not_supported(f"the date format {form.this!r}")


def _date_format(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    _require_time("date_format", self.type(node.this))
    _format_of(node)
    return None


def _date_parse(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    _format_of(node)
    return None


_JODA = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "SSS": "%g", "yy": "%y"}


def _joda(pattern: str) -> str:
    """A format of format_datetime for strftime; only what reads the same in both."""
    parts = re.findall(r"([A-Za-z])(\1*)|([^A-Za-z])", pattern)
    found = []
    for first, more, other in parts:
        word = first + more
        if word and word not in _JODA:
            raise not_supported(f"the date format {pattern!r}")
        found.append(_JODA[word] if word else other)
    return "".join(found)


def _anonymous(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    name, args = str(node.this).lower(), node.expressions
    if name == "format_datetime" and isinstance(args[1], exp.Literal):
        return raw(f"strftime({_duck(args[0])}, '{_joda(args[1].this)}')")
    if name in {"from_iso8601_date"}:
        return raw(f"CAST({_duck(args[0])} AS DATE)")
    if name == "json_format":
        return raw(f"CAST({_duck(args[0])} AS VARCHAR)")
    if name == "json_array_length":
        return raw(f"CAST(json_array_length({_duck(args[0])}) AS BIGINT)")
    if name == "at_timezone" and args[1].name.upper() == "UTC":
        return raw(_duck(args[0]))
    if name in {"is_nan", "is_finite", "is_infinite"}:
        return raw(f"{name.replace('is_', 'is').replace('infinite', 'inf')}({_duck(args[0])})")
    if name in {"infinity", "nan"}:
        return raw(f"CAST('{name}' AS DOUBLE)")
    raise not_supported(f"the function {name}")


def _now(_: Rewriter, __: exp.Expr) -> exp.Expr:
    return raw("date_trunc('milliseconds', now())")


def _at_time_zone(self: Rewriter, node: exp.Expr) -> exp.Expr:
    zone = node.args.get("zone")
    if self.type(node.this) != "TIMESTAMP WITH TIME ZONE" or zone is None or str(zone.this).upper() != "UTC":
        raise not_supported("time zones other than UTC")
    return raw(_duck(node.this))


def _iso_timestamp(_: Rewriter, node: exp.Expr) -> exp.Expr:
    text = _duck(node.this)
    shape = r"\d{4}(-\d{2}(-\d{2}(T\d{2}(:\d{2}(:\d{2}([.,]\d+)?)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?)?)?"
    fail = _fail("INVALID_FUNCTION_ARGUMENT", "Invalid format of an ISO 8601 timestamp")
    good = f"regexp_full_match({text}, '{shape}')"
    return raw(f"CASE WHEN {good} THEN CAST({text} AS TIMESTAMPTZ) WHEN NOT {good} THEN {fail} END")


# --- strings and JSON: https://trino.io/docs/current/functions/string.html, regexp.html, json.html


def _concat(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    sides = node.expressions if isinstance(node, exp.Concat) else [node.left, node.right]  # type: ignore[attr-defined]
    kinds = [self.type(side) for side in sides]
    for kind in kinds:
        if kind is not None and kind not in {"VARCHAR", '"NULL"'} and not kind.endswith("[]"):
            raise _mismatch("||", kinds[0] or "VARCHAR", kinds[-1] or "VARCHAR")
    return raw(" || ".join(f"({_duck(side)})" for side in sides))


def _regexp_extract(_: Rewriter, node: exp.Expr) -> exp.Expr:
    """No match is NULL, not an empty text."""
    text, pattern, group = _duck(node.this), _duck(node.expression), node.args.get("group")
    number = _duck(group) if group is not None else "0"
    matches = f"regexp_matches({text}, {pattern})"
    return raw(f"CASE WHEN {matches} THEN regexp_extract({text}, {pattern}, {number}) END")


def _regexp_replace(_: Rewriter, node: exp.Expr) -> exp.Expr:
    replacement = node.args.get("replacement")
    if replacement is None:
        text = "''"
    elif isinstance(replacement, exp.Literal):
        text = "'" + re.sub(r"\$(\d)", r"\\\1", str(replacement.this)).replace("'", "''") + "'"
    else:
        raise not_supported("regexp_replace with a replacement that is not a constant")
    return raw(f"regexp_replace({_duck(node.this)}, {_duck(node.expression)}, {text}, 'g')")


def _json_scalar(_: Rewriter, node: exp.Expr) -> exp.Expr:
    """What is not a scalar, and what is not JSON, is NULL."""
    text, path = _valid_json(node.this), _json_path(node)
    scalar = f"json_type({text}, {path}) NOT IN ('OBJECT', 'ARRAY', 'NULL')"
    return raw(f"CASE WHEN {scalar} THEN ({text}) ->> {path} END")


def _json_extract(_: Rewriter, node: exp.Expr) -> exp.Expr:
    return raw(f"json_extract({_valid_json(node.this)}, {_json_path(node)})")


def _valid_json(node: exp.Expr) -> str:
    text = _duck(node)
    return f"(CASE WHEN json_valid({text}) THEN {text} END)"


def _json_path(node: exp.Expr) -> str:
    path = _duck(node.expression)
    if not re.fullmatch(r"'\$([.\[][\w\"\].\[-]*)?'", path):
        raise not_supported(f"the JSON path {path}")
    return path


# --- arrays and maps: https://trino.io/docs/current/functions/array.html, map.html


def _bracket(self: Rewriter, node: exp.Expr) -> exp.Expr:
    """`a[i]` fails outside of the array, element_at is NULL there; neither takes 0."""
    kind = self.type(node.this)
    container, safe = _duck(node.this), bool(node.args.get("safe"))
    if kind is None or len(node.expressions) != 1:
        raise not_supported("a subscript where the type is not known, as in a lambda")
    index = _duck(_original_index(node))
    if kind.startswith("MAP"):
        missing = _fail("INVALID_FUNCTION_ARGUMENT", "Key not present in map")
        otherwise = "NULL" if safe else missing
        there = f"map_contains({container}, {index})"
        return raw(f"CASE WHEN {there} THEN {container}[{index}] WHEN NOT {there} THEN {otherwise} END")
    zero = _fail("INVALID_FUNCTION_ARGUMENT", "SQL array indices start at 1")
    beyond = _fail("INVALID_FUNCTION_ARGUMENT", "Array subscript must be less than or equal to array length")
    outside = "" if safe else f" WHEN ({index}) > len({container}) OR ({index}) < 0 THEN {beyond}"
    return raw(f"CASE WHEN ({index}) = 0 THEN {zero}{outside} ELSE {container}[{index}] END")


def _original_index(node: exp.Expr) -> exp.Expr:
    """sqlglot counts from 0 inside and adds one again when it writes; we take what was written."""
    offset = 1 - int(node.args.get("offset") or 0)
    found: exp.Expr = apply_index_offset(node.this, node.expressions, offset, dialect="duckdb")[0]
    return found


def _array_size(self: Rewriter, node: exp.Expr) -> exp.Expr:
    kind = self.type(node.this) or ""
    function = "cardinality" if kind.startswith("MAP") else "len"
    return raw(f"CAST({function}({_duck(node.this)}) AS BIGINT)")


def _sequence(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    start = node.args.get("start")
    if start is not None and self.type(start) == "DATE":
        step = node.args.get("step")
        by = _duck(step) if step is not None else "INTERVAL 1 DAY"
        return raw(f"CAST(generate_series({_duck(start)}, {_duck(node.args['end'])}, {by}) AS DATE[])")
    return None


def _unnest(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    if len(node.expressions) != 1:
        raise not_supported("UNNEST of several arrays")
    kind = self.type(node.expressions[0])
    if kind is None or not kind.endswith("[]") or kind.startswith(("STRUCT", "MAP")):
        raise not_supported("UNNEST of anything but an array of plain values")
    return None


# --- comparisons and casts: https://trino.io/docs/current/language/types.html


def _compare(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    """Trino compares like with like only: a string is no number and no date."""
    if isinstance(node, exp.In):
        others = list(node.expressions)
    elif isinstance(node, exp.Between):
        others = [node.args["low"], node.args["high"]]
    else:
        others = [node.expression]
    left = self.type(node.this)
    for other in others:
        right = self.type(other)
        if left is None or right is None or _family(left) is None or _family(right) is None:
            continue
        if _family(left) != _family(right):
            sign = {"EQ": "=", "NEQ": "<>", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}
            raise _mismatch(sign.get(type(node).__name__, type(node).__name__.upper()), left, right)
    return None


def _family(kind: str) -> str | None:
    if kind in _INTEGERS | _FLOATS or kind.startswith("DECIMAL"):
        return "number"
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return "time"
    return {"VARCHAR": "text", "BOOLEAN": "boolean"}.get(kind)


def _cast(self: Rewriter, node: exp.Expr) -> exp.Expr | None:
    target = node.args["to"]
    if isinstance(node.this, exp.Literal) and node.this.is_string and target.is_type("date", "timestamp"):
        constant = casts.literal(str(node.this.this), target.is_type("date"))
        if constant is not None:
            return raw(constant)
    source = self.type(node.this)
    return raw(casts.cast(_duck(node.this), source, target, safe=isinstance(node, exp.TryCast)))


_TELLS_NULL = (
    exp.Coalesce, exp.Case, exp.If, exp.Is, exp.Nullif, exp.NullSafeEQ, exp.NullSafeNEQ, exp.And, exp.Or,
    exp.Not, exp.AggFunc, exp.Window, exp.Query, exp.Array, exp.Lambda,
)  # fmt: skip


def _try(_: Rewriter, node: exp.Expr) -> exp.Expr:
    """TRY is NULL where its inside fails.

    DuckDB's TRY takes no error(…), so inside of it our failures become NULL at once. That is the same as long
    as nothing in between makes a value out of NULL again.
    """
    inside = _duck(node.this)
    if "error('athena:" in inside:
        inside = _FAILURE.sub("NULL", inside)
    return raw(f"TRY({inside})")


_FAILURE = re.compile(r"error\('athena:.*?'\u00a7'\)", re.DOTALL)


def _require_plain_try(tree: exp.Expr) -> None:
    for node in tree.find_all(exp.Try):
        if any(isinstance(inner, _TELLS_NULL) and not _is_constant(inner) for inner in node.this.walk()):
            raise not_supported("TRY around anything that looks at NULL, an aggregate or a condition")


def _is_constant(node: exp.Expr) -> bool:
    plain = exp.Array | exp.Literal | exp.Column | exp.Identifier | exp.Neg
    return all(isinstance(inner, plain) for inner in node.walk())


Rule = Callable[[Rewriter, exp.Expr], exp.Expr | None]

_RULES: dict[type[exp.Expr], Rule] = {
    exp.Div: _divide, exp.Mod: _modulo, exp.Add: _add, exp.Sub: _add, exp.Mul: _multiply,
    exp.Round: _round, exp.Sum: _aggregate, exp.Avg: _aggregate, exp.CountIf: _aggregate,
    exp.Filter: _aggregate, exp.Window: _aggregate, exp.ArgMax: _max_by("arg_max_null"),
    exp.ArgMin: _max_by("arg_min_null"), exp.TimestampTrunc: _date_trunc, exp.DateTrunc: _date_trunc,
    exp.DateAdd: _date_add, exp.DateDiff: _date_diff, exp.TimeToStr: _date_format,
    exp.StrToTime: _date_parse, exp.Anonymous: _anonymous, exp.CurrentTimestamp: _now,
    exp.AtTimeZone: _at_time_zone, exp.FromISO8601Timestamp: _iso_timestamp, exp.Concat: _concat,
    exp.DPipe: _concat, exp.RegexpExtract: _regexp_extract, exp.RegexpReplace: _regexp_replace,
    exp.JSONExtractScalar: _json_scalar, exp.JSONExtract: _json_extract, exp.Bracket: _bracket,
    exp.ArraySize: _array_size, exp.GenerateSeries: _sequence, exp.Unnest: _unnest, exp.EQ: _compare,
    exp.NEQ: _compare, exp.GT: _compare, exp.GTE: _compare, exp.LT: _compare, exp.LTE: _compare,
    exp.In: _compare, exp.Between: _compare, exp.Cast: _cast, exp.TryCast: _cast, exp.Try: _try,
}  # fmt: skip

# Kinds of node that mean the same in both, as DuckDB's SQL is generated for them.
_SAME = {
    "Select", "From", "Join", "Where", "Group", "Having", "Order", "Ordered", "Limit", "Offset", "Fetch",
    "With", "CTE", "TableAlias", "Table", "Subquery", "Union", "Intersect", "Except", "Values", "Tuple",
    "Distinct", "Alias", "Column", "Identifier", "Star", "Literal", "Boolean", "Null", "Paren", "Not",
    "And", "Or", "Neg", "Is", "Like", "Escape", "Exists", "Any", "Case", "If", "Coalesce", "Nullif",
    "Greatest", "Least", "Interval", "IntervalSpan", "Var", "DataType", "DataTypeParam", "NullSafeEQ",
    "NullSafeNEQ", "Lambda", "Cube", "Rollup", "GroupingSets", "Grouping", "ColumnDef", "Dot",
    "ToTableProperty", "Lateral", "Count", "Min", "Max", "AnyValue", "ArrayAgg", "ApproxDistinct",
    "Stddev", "StddevPop", "StddevSamp", "Variance", "VariancePop", "LogicalAnd", "LogicalOr",
    "GroupConcat", "WithinGroup", "WindowSpec", "RowNumber", "Rank", "DenseRank", "PercentRank",
    "CumeDist", "Ntile", "Lag", "Lead", "FirstValue", "LastValue", "NthValue", "IgnoreNulls",
    "RespectNulls", "ApproxQuantile", "Abs", "Ceil", "Floor", "Sqrt", "Pow", "Ln", "Log", "Exp", "Lower",
    "Upper", "Trim", "Length", "Substring", "Replace", "Reverse", "Pad", "Split", "SplitPart",
    "StrPosition", "StartsWith", "RegexpLike", "Chr", "CurrentDate", "Year", "Month", "Day", "Hour",
    "Minute", "Second", "Quarter", "WeekOfYear", "DayOfWeekIso", "DayOfYear", "DayOfMonth", "Extract",
    "Date", "TsOrDsToDate", "UnixToTime", "TimeToUnix", "Week", "DayOfWeek", "Array", "ArrayContains",
    "ArrayToString", "ArrayFilter", "Transform", "ArrayDistinct", "SortArray", "ArraySlice", "Flatten",
    "ArrayMax", "ArrayMin", "ParseJSON", "JSONPath", "JSONPathRoot", "JSONPathKey", "JSONPathSubscript",
    "Map", "MapFromEntries",
}  # fmt: skip


def _require_known(node: exp.Expr) -> None:
    """Refuse what nobody has compared: a wrong answer would be worse than none."""
    if type(node) in _RULES or type(node).__name__ in _SAME:
        return
    name = node.sql_name() if isinstance(node, exp.Func) else type(node).__name__
    raise not_supported(f"{name.lower()}")
