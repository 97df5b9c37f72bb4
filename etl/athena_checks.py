"""Checks of the published tables, asked through Athena: each a name, an SQL scalar, what it must equal.

Also the Lambda `etl-athena-checks`: it gets a run's report and the ledger's revenue, and says what it found.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

Rows = list[dict[str, Any]]
Query = Callable[[str], Rows]


@dataclass(frozen=True)
class Check:
    """`sql` yields one value. `expect` is a number, or its path in the facts (`report.tables.sales.rows`).

    `{days}` in the SQL stands for the days that the run touched.
    """

    name: str
    sql: str
    expect: str


@dataclass(frozen=True)
class Finding:
    name: str
    passed: bool
    found: str
    expected: str
    detail: str
    moving: bool = False


_DONE = "from sales where status = 'completed'"
CHECKS = (
    Check("sales revenue", f"select sum(line_amount) {_DONE}", "report.tables.daily_sales.revenue"),
    Check("sales rows", "select count(*) from sales", "report.tables.sales.rows"),
    Check("daily_sales rows", "select count(*) from daily_sales", "report.tables.daily_sales.rows"),
    Check(
        "daily_sales revenue",
        "select sum(daily_revenue) from daily_sales",
        "report.tables.daily_sales.revenue",
    ),
    Check(
        "customer_metrics rows",
        "select count(*) from customer_metrics",
        "report.tables.customer_metrics.rows",
    ),
    Check(
        "customer_metrics revenue",
        "select sum(total_spent) from customer_metrics",
        "report.tables.customer_metrics.revenue",
    ),
    Check(
        "fresh days missing in daily_sales",
        f"select count(distinct order_date) {_DONE} and order_date in ({{days}})"
        " and cast(order_date as varchar) not in (select order_date from daily_sales)",
        "0",
    ),
    Check(
        "duplicate sales",
        "select count(*) from (select order_id, line_number from sales"
        " group by order_id, line_number having count(*) > 1) as repeated",
        "0",
    ),
    Check(
        "duplicate daily_sales",
        "select count(*) from (select order_date, region from daily_sales"
        " group by order_date, region having count(*) > 1) as repeated",
        "0",
    ),
    Check(
        "duplicate customer_metrics",
        "select count(*) from (select customer_id from customer_metrics"
        " group by customer_id having count(*) > 1) as repeated",
        "0",
    ),
    Check(
        "nulls in sales",
        "select count(*) from sales where order_id is null or line_number is null or customer_id is null"
        " or order_date is null or line_amount is null",
        "0",
    ),
    Check(
        "nulls in daily_sales",
        "select count(*) from daily_sales where region is null or daily_revenue is null"
        " or daily_orders is null or unique_customers is null",
        "0",
    ),
    Check(
        "nulls in customer_metrics",
        "select count(*) from customer_metrics where customer_id is null or total_spent is null"
        " or total_orders is null or avg_order_value is null",
        "0",
    ),
)
# The platform's own orders come by one prefix only, whatever their ids look like.
LEDGER_SQL = (
    "select cast(order_date as varchar) as order_day, cast(sum(line_amount) as varchar) as found"
    f" {_DONE} and source like '%raw-data/orders/%' and order_date in ({{days}}) group by order_date"
)


def check(facts: Mapping[str, Any], query: Query) -> list[Finding]:
    """Every finding; a query that fails is one that failed."""
    days = _listed(facts["report"].get("dates_touched") or ())
    findings = [_judged(one, found, facts) for one, found in _values(CHECKS, days, query)]
    return [*findings, _freshness(facts.get("freshness") or {}), *_ledger(facts, query)]


def table(findings: Sequence[Mapping[str, Any]]) -> str:
    """The findings for people, a line each."""
    width = max([len(one["name"]) for one in findings], default=0)
    return "\n".join(
        f"{'ok  ' if one['passed'] else 'FAIL'} {one['name']:{width}}  {one['detail']}" for one in findings
    )


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """`{"run_id", "database", "report", "ledger"}` -> `{"passed", "findings"}`, and the table in the log."""
    findings = [asdict(one) for one in check(event, athena(event["database"], os.environ))]
    print(table(findings))
    return {"passed": all(one["passed"] for one in findings), "findings": findings}


def athena(database: str, env: Mapping[str, str]) -> Query:
    """Queries through awswrangler, in the workgroup and to the place that the environment names."""
    import awswrangler as wr

    options = {"ATHENA_WORKGROUP": "workgroup", "ATHENA_OUTPUT": "s3_output"}
    chosen: dict[str, Any] = {argument: env[name] for name, argument in options.items() if env.get(name)}

    def query(sql: str) -> Rows:
        frame = wr.athena.read_sql_query(sql, database=database, ctas_approach=False, **chosen)
        rows: Rows = frame.to_dict("records")
        return rows

    return query


def _values(checks: Sequence[Check], days: str, query: Query) -> Iterator[tuple[Check, Any]]:
    """The value of each check, all in one query; where that fails, each alone, to find the one to blame."""
    scalars = [(one, f"cast(({one.sql.format(days=days)}) as varchar)") for one in checks]
    try:
        rows = query(
            " union all ".join(f"select '{one.name}' as name, {sql} as found" for one, sql in scalars)
        )
        found = {row["name"]: row["found"] for row in rows}
        yield from ((one, found.get(one.name)) for one in checks)
    except Exception:
        for one, sql in scalars:
            yield one, _alone(sql, query)


def _alone(sql: str, query: Query) -> Any:
    try:
        return query(f"select {sql} as found")[0]["found"]
    except Exception as error:
        return error


def _judged(one: Check, found: Any, facts: Mapping[str, Any]) -> Finding:
    expected = _expected(one.expect, facts)
    if isinstance(found, Exception):
        return _finding(one.name, False, "nothing", expected, f"the query failed: {str(found)[:300]}")
    if expected is None:
        return _finding(one.name, False, found, "nothing", f"{one.expect} is not among the facts")
    value = _number(found)
    return _finding(one.name, value == _number(expected), value, expected)


def _freshness(told: Mapping[str, Any]) -> Finding:
    """No completed order waits longer than it may for the tables to be published."""
    waiting, hours, at = told.get("waiting"), told.get("hours"), told.get("published_at")
    if waiting is None or not at:
        return _finding("freshness", False, "nothing", 0, "the report does not say when it was published")
    said = f"published {at}; {waiting} completed orders placed since wait longer than {hours} hours"
    return _finding("freshness", waiting == 0, waiting, 0, said)


def _ledger(facts: Mapping[str, Any], query: Query) -> Iterator[Finding]:
    """The lake's revenue of the platform's own orders against the payment ledger, to the cent, by day.

    A day whose money moved a moment ago may be ahead of the lake: that is told and does not fail.
    """
    ledger = facts.get("ledger") or []
    days = [one["order_date"] for one in ledger]
    try:
        rows = query(LEDGER_SQL.format(days=_listed(days)))
    except Exception as error:
        yield _finding("ledger", False, "nothing", "an answer", f"the query failed: {str(error)[:300]}")
        return
    found = {row["order_day"]: _number(row["found"]) for row in rows}
    for one in ledger:
        day, lake, money = (
            one["order_date"],
            found.get(one["order_date"], Decimal(0)),
            _number(one["revenue"]),
        )
        moving = bool(one.get("moving")) and lake != money
        note = f"difference {lake - money:.2f}" + (", still moving" if moving else "")
        said = f"lake {lake}, ledger {money}: {note}"
        yield _finding(f"ledger {day}", lake == money or moving, lake, money, said, moving)
    if not ledger:
        yield _finding("ledger", False, "nothing", "days", "no day was given to compare")


def _finding(
    name: str, passed: bool, found: Any, expected: Any, detail: str | None = None, moving: bool = False
) -> Finding:
    said = detail or (f"{found}" if passed else f"{found}, expected {expected}")
    return Finding(name, passed, str(found), str(expected), said, moving)


def _expected(path: str, facts: Any) -> Any:
    """A number written in the check, or the value at a dotted path in the facts; None if it is not there."""
    if path.isdigit():
        return path
    for step in path.split("."):
        facts = facts.get(step) if isinstance(facts, Mapping) else None
    return facts


def _number(value: Any) -> Decimal:
    """NULL, the sum of nothing, is 0."""
    if value is None or value != value or str(value) in ("", "<NA>", "nan", "None"):
        return Decimal(0)
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal("NaN")


def _listed(days: Sequence[str]) -> str:
    quoted = [f"date '{day}'" for day in sorted(days) if len(day) == 10 and day.replace("-", "").isdigit()]
    return ", ".join(quoted) or "date '0001-01-01'"
