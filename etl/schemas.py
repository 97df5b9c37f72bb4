"""What the lake accepts: columns by kind. A kind owns its pattern and its type, so nobody writes a cast."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Kind:
    """The pattern that a text must match from end to end, and the SQL type it then becomes.

    A text of `canonical` length that the type gives back as it was matches it: that is cheaper to see.
    """

    pattern: str | None
    sql_type: str
    canonical: str | None = None


# Money has the digits of the largest amount that the API takes, 10^12 of a currency without decimals.
KINDS: Mapping[str, Kind] = {
    "id": Kind(None, "text"),
    "text": Kind(None, "text"),
    "int": Kind("-?[0-9]{1,7}", "int", "<= 7"),
    "ordinal": Kind("-?[0-9]{1,9}", "int"),
    "version": Kind("[0-9]{1,17}", "bigint"),
    "money": Kind("-?[0-9]{1,13}([.][0-9]{1,2}0*)?", "decimal(18,2)", "<= 16"),
    "date": Kind("[0-9]{4}-[0-9]{2}-[0-9]{2}", "date", "= 10"),
    "timestamp": Kind(
        "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?"
        "(Z|[+]00:?00|[+-]((0[0-9]|1[0-3]):?[0-5][0-9]|14:?00))?)?",
        "date",
        "= 10",  # DuckDB also has dates such as infinity
    ),
}
MAX_ID = 128
LARGEST = 10**12  # of a line
# DuckDB multiplies decimals of up to 18 digits in 64 bits, whatever the product's size.
PRODUCT = "cast(price as decimal(19,2)) * cast(quantity as decimal(7,0))"


@dataclass(frozen=True)
class Column:
    """One column: `severity` says what a value of the wrong kind costs, the row or only the value."""

    name: str
    kind: str
    required: bool = False
    severity: str = "error"


@dataclass(frozen=True)
class Schema:
    """The columns of one kind of record, and the header that a file of it must at least have.

    `foreign` are columns that together say that it is a file of another kind, whatever it is called.
    """

    name: str
    columns: tuple[Column, ...]
    header: frozenset[str]
    any_of: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    derived: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def accepts_header(self, names: Set[str]) -> bool:
        return (
            self.header <= names
            and (not self.any_of or bool(self.any_of & names))
            and not self.is_foreign(names)
        )

    def is_foreign(self, names: Set[str]) -> bool:
        return bool(self.foreign) and self.foreign <= names


SALES = Schema(
    "sales",
    (
        Column("order_id", "id", required=True),
        Column("line_number", "ordinal"),
        Column("version", "version"),
        Column("customer_id", "id", required=True),
        Column("product_id", "id"),
        Column("quantity", "int", required=True),
        Column("price", "money"),
        Column("line_amount", "money"),
        Column("order_date", "timestamp", required=True),
        Column("region", "text"),
        Column("status", "text"),
        Column("currency", "text"),
    ),
    header=frozenset({"order_id", "customer_id", "quantity", "order_date"}),
    any_of=frozenset({"price", "line_amount"}),
    derived={
        "version": "coalesce(version, source_version)",
        "line_amount": f"coalesce(line_amount, try_cast({PRODUCT} as decimal(18,2)))",
        "region": "coalesce(region, 'unknown')",
        "status": "coalesce(lower(status), 'completed')",
    },
)

CUSTOMERS = Schema(
    "customers",
    (
        Column("customer_id", "id", required=True),
        Column("name", "text"),
        Column("email", "text"),
        Column("registration_date", "timestamp", severity="warn"),
        Column("status", "text"),
        Column("version", "version"),
    ),
    header=frozenset({"customer_id"}),
    any_of=frozenset({"name", "email"}),
    foreign=SALES.header,
    derived={
        "version": "coalesce(version, source_version)",
        # Years that every reader has: there is no year 0, and an offset may lead beyond 9999.
        "registration_date": "case when registration_date between cast('0001-01-01' as date) "
        "and cast('9999-12-31' as date) then registration_date end",
    },
)

SCHEMAS: Mapping[str, Schema] = {"sales": SALES, "customers": CUSTOMERS}
