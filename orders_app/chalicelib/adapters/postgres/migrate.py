"""Applies the versioned SQL files that a database has not seen yet, one runner at a time."""

import hashlib
from importlib import resources

from psycopg import Connection

from chalicelib.adapters.postgres.connections import Connections
from chalicelib.domain.errors import ConfigurationError

_LOCK = 7_311_001


class PostgresDatabase:
    """The database as a whole: is it there, and is its schema up to date."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def ping(self) -> None:
        """Raises DatabaseUnavailableError."""
        with self._connections.transaction() as connection:
            connection.execute("SELECT 1")

    def has_unpublished(self, order_id: str) -> bool:
        with self._connections.single_statements() as connection:
            query = "SELECT EXISTS (SELECT FROM outbox WHERE order_id = %s AND published_at IS NULL)"
            row = connection.execute(query, (order_id,)).fetchone()
        return bool(row and row[0])

    def migrate(self) -> list[str]:
        """Apply what is missing in one transaction; answers the names.

        Raises ConfigurationError if an applied file has changed.
        """
        with self._connections.transaction() as connection:
            return _apply(connection)


def migrations() -> list[tuple[str, str]]:
    """(name, SQL) of every migration, in order."""
    folder = resources.files("chalicelib.adapters.postgres").joinpath("migrations")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [(f.name, f.read_text(encoding="utf-8")) for f in files]


def _apply(connection: Connection) -> list[str]:
    connection.execute("SET LOCAL statement_timeout = 0")  # the sessions' own is for requests
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version"
        " (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    known: dict[str, str] = dict(connection.execute("SELECT name, sha256 FROM schema_version").fetchall())
    applied = []
    for name, sql in migrations():
        digest = hashlib.sha256(sql.encode()).hexdigest()
        if known.get(name, digest) != digest:
            raise ConfigurationError(f"migration {name!r} was changed after it had been applied")
        if name not in known:
            connection.execute(sql)
            connection.execute("INSERT INTO schema_version (name, sha256) VALUES (%s, %s)", (name, digest))
            applied.append(name)
    return applied
