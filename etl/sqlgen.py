"""SQL made from schemas and rules, in the subset that DuckDB and Spark run alike (a test holds the subset).

The way of a record: landed (text) -> checked (typed, with the names of the failed rules).
"""

import re
from collections.abc import Mapping, Set
from datetime import date

from etl.rules import ERROR, WARN, rules_of
from etl.schemas import KINDS, MAX_ID, Column, Schema

_NAME = re.compile(r"\b[a-z_]+\b")


def text(value: str) -> str:
    """A SQL string literal; backslashes are refused because Spark would read them as escapes."""
    if "\\" in value:
        raise ValueError(f"backslash in a SQL literal: {value!r}")
    return "'" + value.replace("'", "''") + "'"


def day(value: date) -> str:
    return f"cast('{value.isoformat()}' as date)"


def empty_landed(schema: Schema) -> str:
    """The shape of landed records, without any."""
    texts = ", ".join(f"cast(null as string) as {n}" for n in ("error", "raw", "extra", *schema.names))
    numbers = "cast(0 as bigint) as source_version, cast(0 as bigint) as record"
    return f"select * from (select '' as source, {numbers}, {texts}) as none_yet where 1 = 0"


def checked_sql(schema: Schema, landed: str, as_of: date, currency: str | None = None) -> str:
    """One pass over the landed text: types, all rules, the reasons. Rejects are read again for their text."""
    given = {"as_of": day(as_of), "currency": _spellings(currency)}
    texts = ", ".join(f"{n} as {n}_text" for n in schema.names)
    typed = ", ".join(f"{_typed(c)} as {c.name}" for c in schema.columns)
    values = ", ".join(f"{schema.derived.get(n, n)} as {n}" for n in schema.names)
    return f"""
select source, source_version, record, extra, {values},
  coalesce(error, {_reasons(schema, ERROR, given)}) as failed,
  case when error is null then {_reasons(schema, WARN, given)} end as warned
from (
  select *, {typed} from (
    select source, source_version, record, error, extra, {texts} from {landed}
  ) as texts
) as typed"""


def absent_values(schema: Schema, seen: Set[str]) -> dict[str, str]:
    """What `checked_sql` gives in columns of which no record has a text, where no other column decides it."""
    found = {}
    for column in schema.columns:
        value = schema.derived.get(column.name, column.name)
        named = set(_NAME.findall(value)) & set(schema.names)
        if column.name not in seen and named == {column.name}:
            null = f"cast(null as {KINDS[column.kind].sql_type})"
            found[column.name] = re.sub(rf"\b{column.name}\b", null, value)
    return found


def _spellings(currency: str | None) -> str:
    """How rows may write the currency; of none NULL, which no row is in or out of."""
    return f"{text(currency)}, {text(currency.lower())}" if currency else "cast(null as string)"


def _typed(column: Column) -> str:
    name, kind = f"{column.name}_text", KINDS[column.kind]
    if column.kind == "id":
        return f"case when length({name}) <= {MAX_ID} then {name} end"
    if kind.pattern is None:
        return name
    matched = f"regexp_extract({name}, '{kind.pattern}', 0) = {name}"
    if column.kind == "timestamp":
        typed = f"case when {matched} then {_utc_day(name)} end"
    else:
        typed = f"try_cast(case when {matched} then {name} end as {kind.sql_type})"
    if kind.canonical is None:
        return typed
    plain = f"try_cast({name} as {kind.sql_type})"
    canonical = f"length({name}) {kind.canonical} and cast({plain} as string) = {name}"
    return f"case when {canonical} then {plain} else {typed} end"


def _utc_day(name: str) -> str:
    """The UTC date of an ISO date or time with offset; no engine's own time parsing is trusted with it."""
    digits = f"replace(substr({name}, greatest(length({name}) - 5, 17)), ':', '')"
    offset = (
        f"case when length({name}) > 16 then nullif(regexp_extract({digits}, '[+-][0-9]{{4}}', 0), '') end"
    )
    clock = f"(try_cast(substr({name}, 12, 2) as int) * 60 + try_cast(substr({name}, 15, 2) as int))"
    shift = (
        f"(try_cast(substr({offset}, 1, 1) || '1' as int) * "
        f"(try_cast(substr({offset}, 2, 2) as int) * 60 + try_cast(substr({offset}, 4, 2) as int)))"
    )
    date_ = f"try_cast(substr({name}, 1, 10) as date)"
    return (
        f"case when length({name}) <= 10 then {date_} when {offset} is null then {date_} "
        f"when {clock} - {shift} < 0 then {date_} - 1 "
        f"when {clock} - {shift} >= 1440 then {date_} + 1 else {date_} end"
    )


def _reasons(schema: Schema, severity: str, given: Mapping[str, str]) -> str:
    """The names of the failed rules, or NULL; they are only put together for a row that failed one."""
    failed = {
        rule.name: rule.predicate.format_map(given) for rule in rules_of(schema) if rule.severity == severity
    }
    cases = [f"case when {predicate} then '{name}' end" for name, predicate in failed.items()]
    any_failed = " or ".join(f"({predicate})" for predicate in failed.values())
    return f"case when {any_failed} then concat_ws(',', {', '.join(cases)}) end"
