"""What an order costs the database: its statements are planned once for a connection, not for each call."""

from collections.abc import Iterator

from psycopg import Connection

from tests.shop import Shop

_ALWAYS = 5  # PostgreSQL plans a prepared statement so often for its values before it may keep a plan
_ORDERS = 14


def test_every_statement_of_an_order_keeps_its_plan(shop: Shop) -> None:
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
