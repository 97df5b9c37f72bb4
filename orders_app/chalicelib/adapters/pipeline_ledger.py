"""What PostgreSQL knows that the lake must agree with or be given: the payment ledger, the customers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.adapters.pipeline_store import Connect
from chalicelib.domain.money import to_text
from chalicelib.services.pipeline.export_customers import CustomerRow

# Captured and not refunded, by the UTC day on which the order was placed.
_REVENUE = """
select d.day::text as order_date,
       coalesce((select sum(case l.kind when 'capture' then l.amount else -l.amount end)
                 from gateway.ledger l join orders o on o.id = l.order_ref
                 where l.kind in ('capture', 'refund') and l.state = 'approved'
                   and (o.placed_at at time zone 'UTC')::date = d.day), 0) as minor,
       exists (select from orders o where (o.placed_at at time zone 'UTC')::date = d.day
               and o.updated_at > %s) or exists (
               select from pipeline_files where kind = 'orders' and state = 'pending') as moving
from unnest(%s::date[]) as d(day) order by 1
"""

_CHANGED = """
with now_known as (
    select distinct on (c.id) c.id as customer_id, c.name, o.registration_date,
           case when o.last_order > now() - interval '365 days' then 'active' else 'inactive' end as status
    from customers c
    join (select customer_id, min((placed_at at time zone 'UTC')::date)::text as registration_date,
                 max(placed_at) as last_order
          from orders group by customer_id) o on o.customer_id = c.id
    order by c.id, c.subject
), printed as (
    select *, md5(concat_ws(chr(31), name, status, registration_date)) as fingerprint from now_known
)
select printed.customer_id, name, status, registration_date, printed.fingerprint
from printed left join pipeline_customer_exports e on e.customer_id = printed.customer_id
where e.fingerprint is distinct from printed.fingerprint
order by printed.customer_id limit %s
"""


class PostgresLedger:
    """The payment ledger in the stage's settlement currency."""

    def __init__(self, connect: Connect, currency: str, grace: timedelta) -> None:
        self._connect = connect
        self._currency = currency
        self._grace = grace

    def revenue(self, days: Sequence[date], now: datetime) -> list[dict[str, Any]]:
        with self._connect() as connection:
            rows = connection.execute(_REVENUE, (now - self._grace, list(days))).fetchall()
        return [
            {"order_date": day, "revenue": to_text(int(minor), self._currency), "moving": bool(moving)}
            for day, minor, moving in rows
        ]

    def completed_between(self, after: datetime, until: datetime) -> int:
        query = (
            "select count(*) from orders where status = 'completed' and placed_at > %s and placed_at <= %s"
        )
        with self._connect() as connection:
            row = connection.execute(query, (after, until)).fetchone()
        return int(row[0]) if row else 0


class PostgresCustomerExports:
    """Who changed since the last export."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def changed(self, limit: int) -> list[CustomerRow]:
        with self._connect() as connection:
            return [CustomerRow(*row) for row in connection.execute(_CHANGED, (limit,)).fetchall()]

    def exported(self, fingerprints: Mapping[str, str]) -> None:
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.executemany(
                "insert into pipeline_customer_exports (customer_id, fingerprint, exported_at)"
                " values (%s, %s, now()) on conflict (customer_id) do update"
                " set fingerprint = excluded.fingerprint, exported_at = excluded.exported_at",
                list(fingerprints.items()),
            )
