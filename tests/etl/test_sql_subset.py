"""The SQL of the job stays in the subset that both engines run alike."""

import re
from datetime import date

import pytest

from etl import model
from etl.rules import RULES, rules_of
from etl.schemas import SCHEMAS
from etl.sqlgen import checked_sql, text

# Measured to differ between DuckDB 2.0 and Spark 3.5: results, rounding, null order or syntax.
DENIED = (
    r"\bavg\s*\(",
    r"\bqualify\b",
    r"\brlike\b",
    r"\bregexp_matches\b",
    r"\bregexp_full_match\b",
    r"\bdate_format\b",
    r"\bstrftime\b",
    r"\bto_date\b",
    r"\bsha2\b",
    r"\barray\s*\(",
    r"\bdate_trunc\b",
    r"\bgroup_concat\b",
    r"\bstring_agg\b",
    r"\blist\s*\(",
    r"\bilike\b",
    r"\bexcept\b",
    r"\bexclude\b",
    r"::",
    r"\btrim\s*\((?!both '' from )",
    r"\bcast\s*\([^()]* as double\)",
    r"\bnulls (first|last)\b",
    r"\\",
)
ALLOWED = {
    *("coalesce", "cast", "try_cast", "nullif", "trim", "regexp_extract", "concat_ws", "length", "lower"),
    *(
        "substr",
        "replace",
        "greatest",
        "row_number",
        "max",
        "min",
        "sum",
        "count",
        "md5",
        "in",
        "exists",
        "over",
    ),
    *("decimal", "partition", "values", "from", "as", "where", "and", "or", "select", "not", "when", "then"),
}


def statements() -> list[str]:
    made = [checked_sql(schema, "landed", date(2024, 1, 1)) for schema in SCHEMAS.values()]
    made += [model.numbered("checked", True), model.accepted("n"), model.orders_of("b")]
    made += [model.superseded("s", "o"), model.winners("b", "o"), model.current("s", "o", "w")]
    made += [model.merged_customers("k", "c"), model.dates_touched("b", "o")]
    made += [model.customers_touched("b", "o", "c", "k"), model.of_months("c", ["2024-01"])]
    for orders in map(model.count_orders, (True, False)):
        made += [
            model.daily_sales("c", ["2024-01-01"], orders),
            model.customer_metrics("c", "k", "0", orders),
        ]
    return [*made, model.empty_sales(), model.empty_customers()]


@pytest.mark.parametrize("denied", DENIED)
def test_no_statement_uses_what_the_engines_answer_differently(denied: str) -> None:
    assert not [
        s for s in statements() if re.search(denied, re.sub(r"'[^']*'", "''", s) if denied != r"\\" else s)
    ]


def test_every_function_is_one_that_was_found_to_agree() -> None:
    used = {
        name
        for statement in statements()
        for name in re.findall(r"\b([a-z_0-9]+)\s*\(", re.sub(r"'[^']*'", "''", statement))
    }
    assert used <= ALLOWED


def test_the_name_of_every_rule_is_unique_and_can_be_joined_by_commas() -> None:
    for schema in SCHEMAS.values():
        names = [rule.name for rule in rules_of(schema)]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch("[a-z_]+", name) for name in names)
    assert all(rule.message and rule.severity in ("error", "warn") for r in RULES.values() for rule in r)


def test_a_backslash_never_gets_into_a_literal() -> None:
    with pytest.raises(ValueError, match="backslash"):
        text("a\\b")
