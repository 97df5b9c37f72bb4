"""The messaging services on PostgreSQL, with fakes for SNS and SQS."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from chalicelib.adapters.postgres.connections import Connections
from chalicelib.adapters.postgres.unit_of_work import PostgresUnitOfWork
from chalicelib.services.messages.process_messages import Consumer
from tests.unit.messages.builders import FakeAlerts


@dataclass
class Room:
    """A consumer on a fresh database."""

    url: str
    connections: Connections
    alerts: FakeAlerts = field(default_factory=FakeAlerts)

    @property
    def consumer(self) -> Consumer:
        return Consumer(PostgresUnitOfWork(self.connections), self.alerts)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()

    def ids(self, table: str) -> list[str]:
        return [row[0] for row in self.rows(f"SELECT message_id FROM messages.{table} ORDER BY message_id")]


@pytest.fixture
def room(database_url: str) -> Iterator[Room]:
    connections = Connections(lambda: database_url)
    yield Room(database_url, connections)
    connections.close()
