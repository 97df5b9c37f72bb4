"""One transaction with the repositories on it."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection

from chalicelib.adapters.message_store import PostgresMessages
from chalicelib.adapters.postgres.connections import Connections
from chalicelib.adapters.postgres.messages import PostgresEventLog, PostgresInbox, PostgresOutbox
from chalicelib.adapters.postgres.orders import PostgresOrders
from chalicelib.adapters.postgres.read_model import PostgresReadModel
from chalicelib.adapters.postgres.registers import (
    PostgresCustomers,
    PostgresEffects,
    PostgresKeys,
    PostgresNotifications,
    PostgresTokens,
)
from chalicelib.adapters.postgres.stock import PostgresStock


class Repositories:
    """Every repository on one connection: the port `UnitOfWork`."""

    def __init__(self, connection: Connection) -> None:
        self.orders = PostgresOrders(connection)
        self.customers = PostgresCustomers(connection)
        self.event_log = PostgresEventLog(connection)
        self.outbox = PostgresOutbox(connection)
        self.keys = PostgresKeys(connection)
        self.inbox = PostgresInbox(connection)
        self.stock = PostgresStock(connection)
        self.effects = PostgresEffects(connection)
        self.notifications = PostgresNotifications(connection)
        self.tokens = PostgresTokens(connection)
        self.read_model = PostgresReadModel(connection)
        self.messages = PostgresMessages(connection)


class PostgresUnitOfWork:
    """Makes transactions; call it and enter what it gives. Raises DatabaseUnavailableError."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    @contextmanager
    def __call__(self) -> Iterator[Repositories]:
        with self._connections.transaction() as connection:
            yield Repositories(connection)
