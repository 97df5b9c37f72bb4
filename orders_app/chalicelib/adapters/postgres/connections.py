"""One connection a thread, made when first needed, made again when lost."""

import select
import threading
from collections.abc import Callable

import psycopg
from psycopg import Connection

from chalicelib.domain.errors import DatabaseUnavailableError

UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError)


class Connections:
    """Hands each thread its own connection; `url` is asked again for every new one, so secrets may rotate."""

    def __init__(self, url: Callable[[], str], application: str = "orders") -> None:
        self._url = url
        self._application = application
        self._local = threading.local()

    def get(self) -> Connection:
        """This thread's connection. Raises DatabaseUnavailableError."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is not None and _alive(connection):
            return connection
        self.drop()
        try:
            self._local.connection = psycopg.connect(
                self._url(),
                connect_timeout=5,
                application_name=self._application,
                options="-c timezone=UTC -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s",
            )
        except UNREACHABLE as error:
            raise DatabaseUnavailableError(f"cannot connect: {type(error).__name__}") from error
        return self._local.connection  # type: ignore[no-any-return]

    def drop(self) -> None:
        """Close this thread's connection, if it has one."""
        connection: Connection | None = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.close()


def _alive(connection: Connection) -> bool:
    """An idle connection with something to read has been told goodbye; that costs no round trip to see."""
    if connection.closed or connection.broken:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
