"""The quality rules as data: a name, a severity, the SQL predicate of a failure, and what it means.

Predicates may name a typed column, its text as `<column>_text`, `{as_of}`, and `{currency}`: the settlement
currency as rows may spell it. NULL means not failed.
An `error` quarantines the row, a `warn` keeps and counts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from etl.reader.records import PARSE_ERRORS
from etl.schemas import KINDS, LARGEST, PRODUCT, SCHEMAS, Schema

ERROR, WARN = "error", "warn"
_LARGEST = f"cast({LARGEST} as decimal(18,2))"


@dataclass(frozen=True)
class Rule:
    name: str
    severity: str
    predicate: str
    message: str


SALES_RULES = (
    Rule(
        "amount_missing",
        ERROR,
        "price_text is null and line_amount_text is null",
        "neither price nor line_amount",
    ),
    Rule("quantity_not_positive", ERROR, "quantity <= 0", "quantity must be at least 1"),
    Rule("price_negative", ERROR, "price < 0", "price must not be negative"),
    Rule("amount_negative", ERROR, "line_amount < 0", "line_amount must not be negative"),
    Rule(
        "amount_too_large",
        ERROR,
        f"line_amount > {_LARGEST} or (line_amount is null and {PRODUCT} > {_LARGEST})",
        f"line_amount, or price times quantity, must not be above {LARGEST:,}",
    ),
    Rule("line_number_not_positive", ERROR, "line_number < 1", "line numbers start at 1"),
    Rule(
        "currency_foreign",
        ERROR,
        "currency not in ({currency})",
        "in another currency than the one that all is settled in",
    ),
    Rule("order_date_in_future", ERROR, "order_date > {as_of}", "order_date is after the run's date"),
    Rule("order_date_too_old", ERROR, "order_date < cast('2000-01-01' as date)", "order_date is before 2000"),
    Rule(
        "status_unknown",
        ERROR,
        "lower(status) not in ('completed', 'refunded', 'cancelled')",
        "status is none of completed, refunded, cancelled",
    ),
    Rule(
        "amount_mismatch",
        WARN,
        f"line_amount <> {PRODUCT}",
        "line_amount is not price times quantity (line_amount is believed)",
    ),
    Rule("region_missing", WARN, "region is null", "no region: counted as unknown"),
    Rule("product_id_missing", WARN, "product_id is null", "no product"),
)

CUSTOMER_RULES = (
    Rule("name_missing", WARN, "name is null", "no name"),
    Rule("email_invalid", WARN, "email is not null and email not like '%_@_%'", "email has no @"),
    Rule(
        "registration_date_in_future", WARN, "registration_date > {as_of}", "registered after the run's date"
    ),
    Rule(
        "registration_date_too_old",
        WARN,
        "registration_date < cast('1900-01-01' as date)",
        "registered before 1900",
    ),
)

# What no row says by itself: of a line with its customer (c), of lines counted by all of their values (n), of
# a line among all that ever came of it (place) and of its order (newest).
CUSTOMER_UNKNOWN = Rule(
    "customer_unknown",
    WARN,
    "c.customer_id is null",
    "sold to a customer of no file yet: counts in daily_sales, not in customer_metrics",
)
LINE_REPEATED = Rule("line_repeated", WARN, "n > 1", "identical to another line of its file: both are sales")
LINE_SUPERSEDED = Rule(
    "line_superseded",
    WARN,
    "place > 1 or version <> newest",
    "a line that came more than once or in an older version: the latest stands",
)
BATCH_RULES = (CUSTOMER_UNKNOWN, LINE_REPEATED, LINE_SUPERSEDED)
RULES: Mapping[str, tuple[Rule, ...]] = {"sales": SALES_RULES, "customers": CUSTOMER_RULES}


def column_rules(schema: Schema) -> tuple[Rule, ...]:
    """Presence and type of every column, made from the schema."""
    missing = [
        Rule(f"{c.name}_missing", ERROR, f"{c.name}_text is null", f"{c.name} is required")
        for c in schema.columns
        if c.required
    ]
    typed = [
        Rule(
            f"{c.name}_invalid",
            c.severity,
            f"{c.name}_text is not null and {c.name} is null",
            f"{c.name} is not of kind {c.kind}",
        )
        for c in schema.columns
        if KINDS[c.kind].pattern or c.kind == "id"
    ]
    return (*missing, *typed)


def messages() -> Mapping[str, str]:
    """What every reason and warning means, by its name."""
    rules = (*BATCH_RULES, *(rule for schema in SCHEMAS.values() for rule in rules_of(schema)))
    return {**PARSE_ERRORS, **{rule.name: rule.message for rule in rules}}


def rules_of(schema: Schema) -> tuple[Rule, ...]:
    return (*column_rules(schema), *RULES[schema.name])
