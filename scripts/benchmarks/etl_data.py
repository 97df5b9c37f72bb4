"""Clean sales and customers of any size, the same every time: skewed customers, 730 days, four regions."""

from pathlib import Path

import duckdb

CUSTOMERS = 100_000


def generate(folder: Path, rows: int) -> tuple[Path, Path]:
    """(sales, customers) as CSV; kept if they are there already."""
    folder.mkdir(parents=True, exist_ok=True)
    sales, customers = folder / f"sales_{rows}.csv", folder / "customers.csv"
    with duckdb.connect() as connection:
        if not customers.exists():
            connection.execute(f"copy ({_customers()}) to '{customers}' (header)")
        if not sales.exists():
            connection.execute(f"copy ({_sales(rows)}) to '{sales}' (header)")
    return sales, customers


def soiled(sales: Path, every: int = 1_000) -> Path:
    """A copy with each thousandth line cut short by a quote that nothing closes."""
    target = sales.with_name(f"dirty_{sales.name}")
    with sales.open() as lines, target.open("w") as out:
        for number, line in enumerate(lines):
            out.write(line[: len(line) // 2] + '"\n' if number and number % every == 0 else line)
    return target


def _customers() -> str:
    return f"""
select 'C' || lpad(i::varchar, 7, '0') as customer_id, 'Name ' || (hash(i) % 5000) as name,
  'u' || i || '@example.com' as email, date '2021-01-01' + (hash(i + 2) % 900)::int as registration_date,
  case when hash(i + 3) % 10 < 8 then 'active' else 'inactive' end as status
from range(1, {CUSTOMERS} + 1) as t(i) order by 1"""


def _sales(rows: int) -> str:
    customer = f"1 + floor({CUSTOMERS - 1} * pow((hash(i * 7 + 1) % 1000003) / 1000003.0, 1.6))::bigint"
    return f"""
select 1000000 + i as order_id, 'C' || lpad(({customer})::varchar, 7, '0') as customer_id,
  'P' || lpad((1 + hash(i * 11 + 2) % 2000)::varchar, 5, '0') as product_id,
  (1 + hash(i * 13 + 3) % 5)::int as quantity,
  ((99 + hash(i * 17 + 4) % 49900) / 100.0)::decimal(10,2) as price,
  date '2024-01-01' + (hash(i * 19 + 5) % 730)::int as order_date,
  (['North', 'South', 'East', 'West'])[1 + (hash(i * 23 + 6) % 4)::int] as region
from range(1, {rows} + 1) as t(i)"""
