"""What an order costs the database: its statements are planned once for a connection, not for each call."""

from collections.abc import Iterator

import psycopg
from psycopg import Connection

from tests.shop import Shop

_ALWAYS = 5  # PostgreSQL plans a prepared statement so often for its values before it may keep a plan
_ORDERS = 14
# Emptied tables keep what autovacuum learned of their rows in other tests, and plans with it.
_FORGET = """
DELETE FROM pg_statistic USING pg_class
WHERE starelid = pg_class.oid AND relnamespace = 'public'::regnamespace
"""


def test_every_statement_of_an_order_keeps_its_plan(shop: Shop, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(_FORGET)
    for _ in range(_ORDERS):
        assert shop.run(shop.place()) == "completed"

    planned_each_time = [
        statement
        for connection in _kept(shop)
        for statement, custom in connection.execute(
            "SELECT statement, custom_plans FROM pg_prepared_statements WHERE custom_plans > %s", (_ALWAYS,)
        )
    ]
    assert planned_each_time == []


def _kept(shop: Shop) -> Iterator[Connection]:
    for connections in (shop.connections, shop.gateway_connections):
        with connections.transaction() as connection:
            prepared = connection.execute("SELECT 1 FROM pg_prepared_statements LIMIT 1").fetchone()
            assert prepared is not None, "psycopg prepares what is repeated"
            yield connection
