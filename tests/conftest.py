"""Fixtures for every tier: one embedded PostgreSQL a session, one fresh database a test."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from chalicelib.adapters.postgres.connections import Connections
from chalicelib.adapters.postgres.migrate import PostgresDatabase
from scripts.local_cloud.postgres import PostgresServer
from tests.faults import ablations
from tests.shop import Shop

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ablate", choices=ablations.NAMES, default="", help="take this safeguard out")


def pytest_configure(config: pytest.Config) -> None:
    Shop.ablate = config.getoption("--ablate")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server; it stops with the session, even when that is killed.

    Not below pytest's own temporary folder: another session's tidying may take that away.
    """
    with (
        tempfile.TemporaryDirectory(prefix="orders-pg-", ignore_cleanup_errors=True) as folder,
        PostgresServer(Path(folder)) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres: PostgresServer) -> str:
    """The name of a database with the whole schema, to clone from; nobody connects to it."""
    _execute(postgres, "CREATE DATABASE orders_template")
    connections = Connections(lambda: postgres.url("orders_template"))
    PostgresDatabase(connections).migrate()
    connections.close()
    return "orders_template"


@pytest.fixture
def database_url(postgres: PostgresServer, migrated_template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database of this test's own."""
    name = f"test_{next(_numbers)}"
    _execute(postgres, f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield postgres.url(name)
    _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    """The whole application on a fresh database, with fakes for what is outside."""
    with Shop(database_url) as shop:
        yield shop


@pytest.fixture
def new_shop(postgres: PostgresServer, migrated_template: str) -> Iterator[Callable[[], Shop]]:
    """Makes shops, each on a fresh database: for tests that run a story many times."""
    names: list[str] = []

    def make() -> Shop:
        names.append(f"test_{next(_numbers)}")
        _execute(postgres, f"CREATE DATABASE {names[-1]} TEMPLATE {migrated_template}")
        return Shop(postgres.url(names[-1]))

    yield make
    for name in names:
        _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(server: PostgresServer, statement: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement)
