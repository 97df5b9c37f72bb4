"""Products and reservations: conditional updates in product order, so stock never falls below zero."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg import Connection, Rollback

from chalicelib.services.ports import Product

_COLUMNS = "id, name, price_minor, stocked, orderable, available"
# As a subquery its length is unknown to the planner for given values, too, so that it keeps one plan for all
# instead of making one for each call, which costs more than running it.
_ARRAY = "(SELECT %s::text[])::text[]"
_RESERVE = """
WITH taken AS (
    UPDATE products SET available = available - %(n)s, reserved = reserved + %(n)s
    WHERE id = %(product)s AND available >= %(n)s RETURNING id)
INSERT INTO reservations (order_id, product_id, quantity, state, expires_at)
SELECT %(order)s, id, %(n)s, 'held', %(expires)s FROM taken
ON CONFLICT (order_id, product_id) DO UPDATE
SET state = 'held', quantity = excluded.quantity, expires_at = excluded.expires_at
"""
# What a reservation's end does to its product, by the state it is in and the state it goes to.
_SETTLE = {
    ("held", "committed"): "reserved = reserved - %(n)s",
    ("held", "released"): "reserved = reserved - %(n)s, available = available + %(n)s",
    ("held", "expired"): "reserved = reserved - %(n)s, available = available + %(n)s",
    ("committed", "released"): "available = available + %(n)s",
}
_END = """
WITH ended AS (
    UPDATE reservations SET state = %(to)s WHERE order_id = %(order)s AND product_id = %(product)s)
UPDATE products SET {change} WHERE id = %(product)s
"""


class PostgresStock:
    """The port `Stock`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def products(self) -> list[Product]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM products ORDER BY id")
        return [Product(*row) for row in rows]

    def find(self, names: Sequence[str]) -> dict[str, Product]:
        lowered = [name.lower() for name in names]
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM products WHERE id = ANY({_ARRAY}) OR lower(name) = ANY({_ARRAY})",
            (list(names), lowered),
        )
        found = [Product(*row) for row in rows]
        by_word = {product.name.lower(): product for product in found}
        by_id = {product.id: product for product in found}
        hits = {name: by_id.get(name) or by_word.get(name.lower()) for name in names}
        return {name: product for name, product in hits.items() if product is not None}

    def reserve(self, order_id: str, wanted: Mapping[str, int], expires: datetime) -> list[str]:
        with self._connection.transaction() as savepoint:
            short = [
                product
                for product, quantity in sorted(wanted.items())
                if not self._take(order_id, product, quantity, expires)
            ]
            if short:
                raise Rollback(savepoint)
        return short

    def _take(self, order_id: str, product: str, quantity: int, expires: datetime) -> bool:
        values = {"order": order_id, "product": product, "n": quantity, "expires": expires}
        return self._connection.execute(_RESERVE, values).rowcount == 1

    def lapsed(self, order_id: str) -> bool:
        row = self._connection.execute(
            "SELECT bool_or(state <> 'held') FROM reservations WHERE order_id = %s", (order_id,)
        ).fetchone()
        return bool(row and row[0])

    def known(self, order_id: str) -> bool:
        row = self._connection.execute("SELECT 1 FROM reservations WHERE order_id = %s LIMIT 1", (order_id,))
        return row.fetchone() is not None

    def commit(self, order_id: str) -> int:
        return self._settle(order_id, ("held",), "committed")

    def release(self, order_id: str) -> int:
        return self._settle(order_id, ("held", "committed"), "released")

    def expire(self, order_id: str) -> int:
        return self._settle(order_id, ("held",), "expired")

    def expired_orders(self, now: datetime, limit: int) -> list[str]:
        rows = self._connection.execute(
            "SELECT r.order_id FROM reservations r JOIN orders o ON o.id = r.order_id"
            " WHERE r.state = 'held' AND r.expires_at <= %s AND o.status = 'reserved'"
            " GROUP BY r.order_id ORDER BY min(r.expires_at) LIMIT %s",
            (now, limit),
        )
        return [row[0] for row in rows]

    def _settle(self, order_id: str, states: Sequence[str], to: str) -> int:
        rows = self._connection.execute(
            "SELECT product_id, quantity, state FROM reservations WHERE order_id = %s AND state = ANY(%s)"
            " ORDER BY product_id FOR UPDATE",
            (order_id, list(states)),
        ).fetchall()
        for product, quantity, state in rows:
            values = {"to": to, "order": order_id, "product": product, "n": quantity}
            self._connection.execute(_END.format(change=_SETTLE[state, to]).encode(), values)
        return len(rows)
