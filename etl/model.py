"""The tables of the lake as SQL in the common subset: versions are merged here, and gold is counted here.

A sale is (order_id, line_number). The state of an order is a join of everything ever accepted of it: the
highest version wins with all its lines; of one line in one version, the latest (source time, source, record)
wins. That is commutative, associative and idempotent, so files may come twice, late and in any order.
"""

from collections.abc import Collection

from etl.rules import CUSTOMER_UNKNOWN, LINE_SUPERSEDED
from etl.sqlgen import text

SALES_COLUMNS = (
    "order_id",
    "line_number",
    "version",
    "customer_id",
    "product_id",
    "quantity",
    "price",
    "line_amount",
    "order_date",
    "region",
    "status",
    "currency",
    "extra",
    "source",
    "source_version",
    "record",
    "warned",
)
CUSTOMER_COLUMNS = (
    "customer_id",
    "name",
    "email",
    "registration_date",
    "status",
    "version",
    "extra",
    "source",
    "source_version",
    "record",
)
# Where lines without a readable order id are put: beyond every ordinal, each line of a file elsewhere.
UNPLACED = 100_000_000
METRICS_COLUMNS = (
    "customer_id",
    "name",
    "status",
    "total_spent",
    "total_orders",
    "avg_order_value",
    "bucket",
)
BUCKETS = tuple("0123456789abcdef")
_CENTS = "cast(spent * cast(100 as decimal(3,0)) as bigint)"
_TWICE = f"({_CENTS} * 2 + orders)"
# Cents over orders, rounded half up.
_AVERAGE = (
    f"cast(cast(cast(({_TWICE} - {_TWICE} % (orders * 2)) / (orders * 2) as bigint) as decimal(18,0)) "
    f"* cast(0.01 as decimal(3,2)) as decimal(18,2))"
)
_LATEST = "source_version desc, source desc, record desc"


def bucket(column: str) -> str:
    """The hash file of a customer: the first hex digit of the MD5, alike in every engine."""
    return f"substr(md5({column}), 1, 1)"


def numbered(checked: str, repeated: bool) -> str:
    """Checked sales with a line number: the row's ordinal within its order in its file where it brings none.

    Rejected rows count in the ordinal, so that a corrected row lands in its own place. A row without a
    readable order id is never accepted; corrected, it joins lines of its order that were numbered without it.
    """
    ordinal = "row_number() over (partition by source, order_id order by record)" if repeated else "1"
    ordinal = f"case when order_id is null then {UNPLACED} + record else {ordinal} end"
    columns = ", ".join(
        f"coalesce(line_number, cast({ordinal} as int)) as line_number" if c == "line_number" else c
        for c in SALES_COLUMNS
    )
    return f"select {columns}, failed from {checked}"


def accepted(numbered_: str) -> str:
    return f"select {', '.join(SALES_COLUMNS)} from {numbered_} where failed is null"


def orders_of(batch: str) -> str:
    return f"select distinct order_id from {batch}"


def superseded(silver: str, orders: str) -> str:
    """The lines in silver of the batch's orders: they take part in the merge."""
    columns = ", ".join(SALES_COLUMNS)
    return f"select {columns} from {silver} where order_id in (select order_id from {orders})"


def winners(batch: str, old: str) -> str:
    """The lines that stand: all of the order's highest version, of each line the latest."""
    columns = ", ".join(SALES_COLUMNS)
    return f"""
select {columns} from (
  select *, max(version) over (partition by order_id) as newest,
    row_number() over (partition by order_id, line_number order by version desc, {_LATEST}) as place
  from (select {columns} from {batch} union all select {columns} from {old}) as candidates
) as ranked where not ({LINE_SUPERSEDED.predicate})"""


def current(silver: str, orders: str, won: str) -> str:
    """All of silver as it will be."""
    columns = ", ".join(SALES_COLUMNS)
    return (
        f"select {columns} from {silver} as s "
        f"where not exists (select 1 from {orders} as o where o.order_id = s.order_id) "
        f"union all select {columns} from {won}"
    )


def customers_of(checked: str) -> str:
    return f"select {', '.join(CUSTOMER_COLUMNS)} from {checked} where failed is null"


def merged_customers(known: str, checked: str) -> str:
    columns = ", ".join(CUSTOMER_COLUMNS)
    return f"""
select {columns} from (
  select *, row_number() over (partition by customer_id order by version desc, {_LATEST}) as place
  from (
    select {columns} from {known} union all {customers_of(checked)}
  ) as candidates
) as ranked where place = 1"""


def dates_touched(batch: str, old: str) -> str:
    return f"select order_date from {batch} union select order_date from {old}"


def customers_touched(batch: str, old: str, checked: str, current_customers: str) -> str:
    """By bucket: the customers of the batch's rows, old and new, and the batch's lines of unknown ones.

    Lines are counted by customer first: only customers are hashed and looked up, not every line.
    """
    hashed = bucket("t.customer_id")
    return f"""
select {hashed}, count(*), sum(case when {CUSTOMER_UNKNOWN.predicate} then t.sold else 0 end)
from (
  select customer_id, sum(n) as sold from (
    select customer_id, count(*) as n from {batch} group by customer_id
    union all select customer_id, cast(0 as bigint) as n from {old}
    union all select customer_id, cast(0 as bigint) as n from {checked} where failed is null
  ) as lines group by customer_id
) as t left join {current_customers} as c on c.customer_id = t.customer_id
group by {hashed}"""


def _sum(amounts: str) -> str:
    """NULL where the sum has too many digits: `pipeline.count_tables` refuses that."""
    return f"try_cast(sum({amounts}) as decimal(18,2))"


def customer_sums(current_: str, customers: str, orders: str) -> str:
    """A lake's first sales by customer, for what was touched and for gold: lines are grouped and joined once.

    `strange` are the lines of a customer whom no file brought; `counts` says which rows are gold.
    """
    return f"""
select coalesce(t.customer_id, c.customer_id) as customer_id, c.name, c.status,
  t.spent as total_spent, t.orders as total_orders, {_AVERAGE} as avg_order_value,
  {bucket("coalesce(t.customer_id, c.customer_id)")} as bucket,
  case when {CUSTOMER_UNKNOWN.predicate} then t.sold else 0 end as strange,
  t.orders is not null and c.customer_id is not null as counts
from (
  select customer_id, count(*) as sold, nullif({orders}, 0) as orders,
    {_sum("case when status = 'completed' then line_amount end")} as spent
  from {current_} group by customer_id
) as t full join {customers} as c on c.customer_id = t.customer_id"""


def among(column: str, values: Collection[str]) -> str:
    listed = ", ".join(text(value) for value in sorted(values))
    return f"{column} in ({listed})" if listed else "1 = 0"


def month(column: str) -> str:
    """The silver partition of a day, such as 202401: days would make files too small to be worth reading."""
    return f"(year({column}) * 100 + month({column}))"


def month_number(month_: str) -> str:
    """The number, as text, of a month such as 2024-01."""
    return month_.replace("-", "")


def of_months(current_: str, months: Collection[str] | None) -> str:
    """Rows of silver of some months by number (None: all), with the month to partition by."""
    column = month("order_date")
    where = "" if months is None else f" where {column} in ({', '.join(sorted(months)) or 'null'})"
    return f"select *, {column} as order_month from {current_}{where}"


def among_days(days: Collection[str]) -> str:
    """Typed literals: comparing a million dates as text would cost more than reading them."""
    listed = ", ".join(f"cast({text(day)} as date)" for day in sorted(days))
    return f"order_date in ({listed})" if listed else "1 = 0"


def daily_sales(current_: str, dates: Collection[str] | None, orders: str) -> str:
    """Revenue, orders and customers by day (None: all days) and region, of completed orders."""
    where = "" if dates is None else f" and {among_days(dates)}"
    return f"""
select region, {_sum("line_amount")} as daily_revenue,
  {orders} as daily_orders, count(distinct customer_id) as unique_customers, order_date
from {current_} where status = 'completed'{where} group by order_date, region"""


def customer_metrics(current_: str, customers: str, buckets: Collection[str], orders: str) -> str:
    """Known customers with a completed order; the average is cents over orders, rounded half up."""
    where = "" if len(buckets) == len(BUCKETS) else " and " + among(bucket("customer_id"), buckets)
    return f"""
select c.customer_id, c.name, c.status, t.spent as total_spent, t.orders as total_orders,
  {_AVERAGE} as avg_order_value, {bucket("c.customer_id")} as bucket
from (
  select customer_id, {_sum("line_amount")} as spent, {orders} as orders
  from {current_} where status = 'completed'{where} group by customer_id
) as t join {customers} as c on c.customer_id = t.customer_id"""


def count_orders(one_line: bool) -> str:
    """Counting lines is counting orders, and much cheaper, in a lake where no order has a second line."""
    return "count(*)" if one_line else "count(distinct order_id)"


def count_completed(one_line: bool) -> str:
    distinct = "" if one_line else "distinct "
    return f"count({distinct}case when status = 'completed' then order_id end)"


def empty_sales() -> str:
    """The shape of silver sales, for a lake that has none yet."""
    types = {"line_number": "int", "version": "bigint", "quantity": "int", "order_date": "date"}
    types |= {"price": "decimal(18,2)", "line_amount": "decimal(18,2)"}
    types |= {"source_version": "bigint", "record": "bigint"}
    return "select " + ", ".join(f"cast(null as {types.get(c, 'string')}) as {c}" for c in SALES_COLUMNS)


def empty_customers() -> str:
    types = {"registration_date": "date", "version": "bigint", "source_version": "bigint", "record": "bigint"}
    return "select " + ", ".join(f"cast(null as {types.get(c, 'string')}) as {c}" for c in CUSTOMER_COLUMNS)
