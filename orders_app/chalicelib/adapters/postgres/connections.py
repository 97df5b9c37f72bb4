"""Connections, each used by one transaction at a time, kept for the next one, made again when lost."""

import select
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import Connection

from chalicelib.domain.errors import DatabaseUnavailableError

UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError)
_MOST_IDLE = 8


class Connections:
    """Lends connections; a Lambda ends up with one, a threaded server with one for each busy thread.

    `url` is asked again for every new connection, so a rotated secret is picked up.
    """

    def __init__(self, url: Callable[[], str], application: str = "orders") -> None:
        self._url = url
        self._application = application
        self._idle: deque[Connection] = deque()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction on a connection of its own.

        PostgreSQL's own classes (`AdminShutdown`, `DeadlockDetected`, …) would match no Retry of a workflow,
        so every fault of the connection and every lost conflict leaves as DatabaseUnavailableError.
        """
        with self.single_statements() as connection, connection.transaction():
            yield connection

    @contextmanager
    def single_statements(self) -> Iterator[Connection]:
        """A connection on which each statement is its own transaction: two round trips less for each.

        Its faults leave as those of `transaction`.
        """
        connection = self._take()
        try:
            yield connection
        except UNREACHABLE as error:
            raise DatabaseUnavailableError(f"transaction failed: {type(error).__name__}") from error
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Connection:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._connect()
            if _alive(connection):
                return connection
            connection.close()

    def _give_back(self, connection: Connection) -> None:
        if connection.closed or connection.broken or len(self._idle) >= _MOST_IDLE:
            connection.close()
        else:
            self._idle.append(connection)

    def _connect(self) -> Connection:
        try:
            return psycopg.connect(
                self._url(), autocommit=True, connect_timeout=5, application_name=self._application
            )
        except UNREACHABLE as error:
            raise DatabaseUnavailableError(f"cannot connect: {type(error).__name__}") from error


def _alive(connection: Connection) -> bool:
    """An idle connection with something to read has been told goodbye; that costs no round trip to see."""
    if connection.closed or connection.broken:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
