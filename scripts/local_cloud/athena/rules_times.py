"""Dates, timestamps and their formats: what Trino means by them, in DuckDB's SQL.

https://trino.io/docs/current/functions/datetime.html
"""

import re
from collections.abc import Mapping

from sqlglot import exp

from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.nodes import INTEGERS, Rule, Typed, duck, macro, raw, unexpected

_DAY_UNITS = {"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"}
_CLOCK_UNITS = {"HOUR", "MINUTE", "SECOND", "MILLISECOND"}
# The fields of EXTRACT, as DuckDB calls them.
_FIELDS = {
    **{name: name for name in ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOY", "HOUR", "MINUTE", "SECOND")},
    "DAY_OF_MONTH": "DAY", "DAY_OF_WEEK": "ISODOW", "DOW": "ISODOW", "DAYOFWEEK": "ISODOW",
    "DAY_OF_YEAR": "DOY", "YEAR_OF_WEEK": "ISOYEAR", "YOW": "ISOYEAR",
}  # fmt: skip


def _unit(node: exp.Expr, kind: str | None) -> str:
    unit = node.args.get("unit")
    name = str(unit.this if unit is not None else "DAY").upper().strip("'")
    what = "DATE" if kind == "DATE" else "Timestamp"
    if name not in (_DAY_UNITS if kind == "DATE" else _DAY_UNITS | _CLOCK_UNITS):
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"'{name.lower()}' is not a valid {what} field")
    return name


def _require_time(function: str, kind: str | None) -> None:
    if kind is None:
        raise not_supported(f"{function} where the type is not known, as in a lambda")
    if kind != "DATE" and not kind.startswith("TIMESTAMP"):
        raise unexpected(function, kind)


def _date_trunc(self: Typed, node: exp.Expr) -> exp.Expr | None:
    kind = self.type(node.this)
    _require_time("date_trunc", kind)
    sql = f"date_trunc('{_unit(node, kind).lower()}', {duck(node.this)})"
    return raw(f"CAST({sql} AS {kind})")


def _date_add(self: Typed, node: exp.Expr) -> exp.Expr | None:
    kind = self.type(node.this)
    _require_time("date_add", kind)
    unit, step_kind = _unit(node, kind), self.type(node.expression)
    if step_kind is not None and step_kind not in INTEGERS and step_kind != '"NULL"':
        raise unexpected("date_add", step_kind, str(kind))
    step = f"CAST({duck(node.expression)} AS BIGINT)"
    factor = {"QUARTER": ("month", 3), "WEEK": ("day", 7)}.get(unit, (unit.lower(), 1))
    sql = f"{duck(node.this)} + to_{factor[0]}s(CAST({step} * {factor[1]} AS {_interval_type(factor[0])}))"
    return raw(f"CAST({sql} AS {kind})")


def _interval_type(unit: str) -> str:
    return "INTEGER" if unit in {"day", "month", "year"} else "BIGINT"


def _date_diff(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """Whole units between, not boundaries crossed."""
    late, early = node.this, node.expression
    kinds = [self.type(side) for side in (late, early)]
    for kind in kinds:
        _require_time("date_diff", kind)
    unit = _unit(node, "DATE" if kinds == ["DATE", "DATE"] else "TIMESTAMP")
    return raw(f"date_sub('{unit.lower()}', {duck(early)}, {duck(late)})")


def _format_of(node: exp.Expr) -> None:
    form = node.args.get("format")
    if not (isinstance(form, exp.Literal) and form.is_string):
        raise not_supported("a date format that is not a constant")
    for letter in re.findall(r"%(.)", str(form.this)):
        if letter not in "YmdHMSfyjbaBApIT%-":
            raise not_supported(f"the date format {form.this!r}")


def _date_format(self: Typed, node: exp.Expr) -> exp.Expr | None:
    _require_time("date_format", self.type(node.this))
    _format_of(node)
    return None


def _date_parse(_: Typed, node: exp.Expr) -> exp.Expr | None:
    _format_of(node)
    return None


_JODA = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "SSS": "%g", "yy": "%y"}


def joda(pattern: str) -> str:
    """A format of format_datetime for strftime; only what reads the same in both."""
    found = []
    for first, more, other in re.findall(r"([A-Za-z])(\1*)|([^A-Za-z])", pattern):
        word = first + more
        if (word and word not in _JODA) or other in {"%", "'"}:
            raise not_supported(f"the date format {pattern!r}")
        found.append(_JODA[word] if word else other)
    return "".join(found)


def format_datetime(self: Typed, arguments: list[exp.Expr]) -> exp.Expr:
    """A function of Trino's that sqlglot does not know."""
    _require_time("format_datetime", self.type(arguments[0]))
    if not isinstance(arguments[1], exp.Literal):
        raise not_supported("a date format that is not a constant")
    return raw(f"strftime({duck(arguments[0])}, '{joda(str(arguments[1].this))}')")


def _extract(self: Typed, node: exp.Expr) -> exp.Expr:
    name, kind = str(node.this.this).upper(), self.type(node.expression)
    if name not in _FIELDS:
        raise QueryError("SYNTAX_ERROR", f"line 1:1: Invalid EXTRACT field: {name}")
    _require_time("extract", kind)
    if kind == "DATE" and name in _CLOCK_UNITS:
        raise QueryError("TYPE_MISMATCH", f"line 1:1: Cannot extract {name} from date")
    return raw(f"EXTRACT({_FIELDS[name]} FROM {duck(node.expression)})")


def _date(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """date(x) is CAST(x AS date)."""
    if node.expressions or node.args.get("zone"):
        raise unexpected("date")
    if self.type(node.this) not in {"VARCHAR", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", '"NULL"'}:
        raise unexpected("date", str(self.type(node.this)))
    return exp.cast(node.this.copy(), "date")


def _from_unixtime(_: Typed, node: exp.Expr) -> exp.Expr | None:
    if any(node.args.get(name) is not None for name in ("zone", "hours", "minutes")):
        raise not_supported("from_unixtime with a time zone")
    return None


def _now(_: Typed, __: exp.Expr) -> exp.Expr:
    return raw("date_trunc('milliseconds', now())")


def _at_time_zone(self: Typed, node: exp.Expr) -> exp.Expr:
    zone = node.args.get("zone")
    if self.type(node.this) != "TIMESTAMP WITH TIME ZONE" or zone is None or str(zone.this).upper() != "UTC":
        raise not_supported("time zones other than UTC")
    return raw(duck(node.this))


def _iso_timestamp(_: Typed, node: exp.Expr) -> exp.Expr:
    return macro("iso_timestamp", node.this)


def _iso_date(_: Typed, node: exp.Expr) -> exp.Expr:
    return macro("iso_date", node.this)


RULES: Mapping[type[exp.Expr], Rule] = {
    exp.TimestampTrunc: _date_trunc, exp.DateTrunc: _date_trunc, exp.DateAdd: _date_add,
    exp.DateDiff: _date_diff, exp.TimeToStr: _date_format, exp.StrToTime: _date_parse, exp.Extract: _extract,
    exp.Date: _date, exp.UnixToTime: _from_unixtime, exp.CurrentTimestamp: _now,
    exp.AtTimeZone: _at_time_zone, exp.FromISO8601Timestamp: _iso_timestamp, exp.FromISO8601Date: _iso_date,
}  # fmt: skip
