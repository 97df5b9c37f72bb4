"""The day's orders from PostgreSQL, streamed, and the totals of its week, both of one snapshot."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from chalicelib.services.reports.model import DayTotals, OrderLine, OrderRow
from chalicelib.services.reports.ports import Snapshot

Connect = Callable[[], AbstractContextManager[Connection]]
BATCH = 2_000

_ORDERS = """
select o.id as order_id, o.status, o.customer_id, o.region, o.currency, o.total_minor as total, o.placed_at,
       coalesce((select json_agg(json_build_array(l.line_number, l.product_id, p.name, l.quantity,
                                                  l.line_amount_minor) order by l.line_number)
                 from order_lines l join products p on p.id = l.product_id
                 where l.order_id = o.id), '[]') as lines
from orders o
where o.placed_at >= %(from)s::timestamp at time zone 'UTC'
  and o.placed_at < %(to)s::timestamp at time zone 'UTC'
order by o.id
"""

# What `clean_order` keeps, said in SQL; a test holds one to the other.
_HISTORY = """
with clean as (
    select (o.placed_at at time zone 'UTC')::date as day, o.status, o.total_minor, o.customer_id, l.units
    from orders o
    cross join lateral (select sum(line_amount_minor) as amount, sum(quantity) as units
                        from order_lines where order_id = o.id) l
    where o.placed_at >= %(from)s::timestamp at time zone 'UTC'
      and o.placed_at < %(to)s::timestamp at time zone 'UTC'
      and o.status in ('completed', 'refunded') and o.currency = %(currency)s and l.amount = o.total_minor
)
select d::date,
       count(*) filter (where status = 'completed'),
       coalesce(sum(total_minor) filter (where status = 'completed'), 0),
       coalesce(sum(units) filter (where status = 'completed'), 0),
       count(distinct customer_id) filter (where status = 'completed'),
       count(*) filter (where status = 'refunded'),
       coalesce(sum(total_minor) filter (where status = 'refunded'), 0)
from generate_series(%(from)s::timestamp, %(last)s::timestamp, interval '1 day') d
left join clean on clean.day = d::date
group by d order by d
"""


class PostgresSales:
    """Orders of a UTC day in the stage's settlement currency."""

    def __init__(self, connect: Connect, currency: str) -> None:
        self._connect = connect
        self._currency = currency

    @contextmanager
    def snapshot(self, day: date, days_before: int = 0) -> Iterator[Snapshot]:
        """History and orders agree: nothing that is committed meanwhile is seen."""
        with self._connect() as connection:
            connection.execute("set transaction isolation level repeatable read, read only")
            history = self._history(connection, day, days_before)
            yield Snapshot(orders=self._orders(connection, day), history=history)

    def _history(self, connection: Connection, day: date, days_before: int) -> list[DayTotals]:
        span = _span(day - timedelta(days=days_before), day) | {"last": day, "currency": self._currency}
        rows = connection.execute(_HISTORY, span).fetchall()
        return [DayTotals(row[0], *(int(value) for value in row[1:])) for row in rows]

    def _orders(self, connection: Connection, day: date) -> Iterator[OrderRow]:
        with connection.cursor(name="orders_of_a_day", row_factory=dict_row) as cursor:
            cursor.itersize = BATCH
            cursor.execute(_ORDERS, _span(day, day))
            for row in cursor:
                yield OrderRow(**{**row, "lines": [OrderLine(*line) for line in row["lines"]]})


def _span(first: date, last: date) -> dict[str, Any]:
    return {"from": first, "to": last + timedelta(days=1)}
