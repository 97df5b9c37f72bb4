"""Products and reservations: locked in product order and compared, so stock never falls below zero."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg import Connection

from chalicelib.services.ports import Product

_COLUMNS = "id, name, price_minor, stocked, orderable, available"
# As a subquery its length is unknown to the planner for given values, too, so that it keeps one plan for all
# instead of making one for each call, which costs more than running it.
_ARRAY = "(SELECT %s::text[])::text[]"
# All products of an order in one statement, locked in product order, so that no two wait for each other.
# Their keys stay: the lock leaves out new orders, whose lines refer to products in an order of their own.
_RESERVE = """
WITH wanted AS (SELECT key AS id, value::int AS n FROM jsonb_each_text(%(wanted)s::jsonb)),
locked AS (
    SELECT p.id, w.n, p.available >= w.n AS enough FROM products p JOIN wanted w ON w.id = p.id
    ORDER BY p.id FOR NO KEY UPDATE OF p),
short AS (SELECT id FROM wanted EXCEPT SELECT id FROM locked WHERE enough),
taken AS (
    UPDATE products p SET available = p.available - l.n, reserved = p.reserved + l.n
    FROM locked l WHERE p.id = l.id AND NOT EXISTS (SELECT FROM short) RETURNING p.id, l.n),
held AS (
    INSERT INTO reservations (order_id, product_id, quantity, state, expires_at)
    SELECT %(order)s, id, n, 'held', %(expires)s FROM taken
    ON CONFLICT (order_id, product_id) DO UPDATE
    SET state = 'held', quantity = excluded.quantity, expires_at = excluded.expires_at)
SELECT id FROM short ORDER BY id
"""
# What was held is reserved no more; unless the order keeps it, it is available again.
_SETTLE = """
WITH ended AS (
    SELECT product_id, quantity, state FROM reservations
    WHERE order_id = %(order)s AND state = ANY(%(states)s) ORDER BY product_id FOR UPDATE),
locked AS (
    SELECT p.id, e.quantity AS n, e.state FROM products p JOIN ended e ON p.id = e.product_id
    ORDER BY p.id FOR NO KEY UPDATE OF p),
moved AS (
    UPDATE reservations r SET state = %(to)s FROM ended e
    WHERE r.order_id = %(order)s AND r.product_id = e.product_id),
changed AS (
    UPDATE products p
    SET reserved = p.reserved - CASE WHEN l.state = 'held' THEN l.n ELSE 0 END,
        available = p.available + CASE WHEN %(to)s = 'committed' THEN 0 ELSE l.n END
    FROM locked l WHERE p.id = l.id)
SELECT count(*) FROM ended
"""
_MAKE = """
INSERT INTO products (id, name, price_minor, stocked, orderable, available)
VALUES (%(id)s, %(name)s, %(price)s, %(stocked)s, %(orderable)s, %(units)s)
"""
_CHANGE = """
UPDATE products SET name = %(name)s, price_minor = %(price)s, orderable = %(orderable)s,
    available = available + %(units)s
WHERE id = %(id)s
"""


class PostgresStock:
    """The port `Stock`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def products(self) -> list[Product]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM products ORDER BY id")
        return [Product(*row) for row in rows]

    def catalogue(self, *, lock: bool) -> list[tuple[Product, int]]:
        locked = " FOR NO KEY UPDATE" if lock else ""
        query = f"SELECT {_COLUMNS}, reserved FROM products ORDER BY id{locked}"
        return [(Product(*row[:-1]), row[-1]) for row in self._connection.execute(query.encode())]

    def put(self, product: Product, units: int) -> None:
        values = {"id": product.id, "name": product.name, "price": product.price, "units": units,
                  "stocked": product.stocked, "orderable": product.orderable}  # fmt: skip
        if self._connection.execute(_CHANGE, values).rowcount == 0:
            self._connection.execute(_MAKE, values)

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
        values = {"order": order_id, "wanted": json.dumps(dict(wanted)), "expires": expires}
        return [row[0] for row in self._connection.execute(_RESERVE, values)]

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
        values = {"order": order_id, "states": list(states), "to": to}
        row = self._connection.execute(_SETTLE, values).fetchone()
        return row[0] if row else 0
