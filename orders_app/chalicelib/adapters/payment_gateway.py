"""A sandbox payment gateway with its own ledger: outcomes are decided by the token, idempotent by key.

It plays the outside world, so it uses its own connections and transactions, never the unit of work's.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import LiteralString

from psycopg import Connection

from chalicelib.adapters.postgres.connections import Connections
from chalicelib.domain.errors import DatabaseUnavailableError, GatewayTimeoutError, PaymentRefusedError
from chalicelib.services.ports import GatewayRecord

DECLINES = {"tok_decline": "card_declined", "tok_insufficient_funds": "insufficient_funds"}
TOKENS = (
    "tok_approve", "tok_slow", *DECLINES,
    "tok_timeout_before_charge", "tok_timeout_before_charge_once",
    "tok_timeout_after_charge", "tok_timeout_after_charge_once",
    "tok_error_after_charge", "tok_error_after_charge_once",
    "tok_capture_refused", "tok_undo_refused",
)  # fmt: skip
_FIELDS: LiteralString = "key, kind, state, amount, currency, reason"
# Writes what nothing speaks against, in one statement; where it writes nothing, `capture` finds out why.
_CAPTURE: LiteralString = f"""
WITH authorised AS (
    SELECT key, amount, currency, token FROM gateway.ledger
    WHERE key = %(authorisation)s AND state = 'approved' AND token <> 'tok_capture_refused' FOR UPDATE)
INSERT INTO gateway.ledger (key, kind, parent, state, amount, currency, token)
SELECT %(key)s, 'capture', key, 'approved', amount, currency, token FROM authorised
ON CONFLICT (key) DO NOTHING RETURNING {_FIELDS}, token
"""


class SandboxGateway:
    """The port `PaymentGateway`."""

    def __init__(
        self, connections: Connections, slow_seconds: float = 1.0, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._connections = connections
        self._slow_seconds = slow_seconds
        self._sleep = sleep

    def authorise(self, key: str, amount: int, currency: str, token: str) -> GatewayRecord:
        if token == "tok_slow":
            self._sleep(self._slow_seconds)
        self._fail(token, key, "before")
        reason = DECLINES.get(token) or (None if token in TOKENS else "unknown_token")
        state = "declined" if reason else "approved"
        record = self._write(key, "authorise", None, state, amount, currency, token, reason)
        self._fail(token, key, "after")
        return record

    def capture(self, key: str, authorisation: str) -> GatewayRecord:
        with self._single_statements() as connection:
            row = connection.execute(_CAPTURE, {"key": key, "authorisation": authorisation}).fetchone()
        captured, token = (GatewayRecord(*row[:-1]), row[-1]) if row else self._known(key, authorisation)
        self._fail(token, key, "after")
        return captured

    def _known(self, key: str, authorisation: str) -> tuple[GatewayRecord, str]:
        """A capture that was made before, or the reason why there is none."""
        with self._transaction() as connection:
            found = _locked(connection, authorisation)
            known = _locked(connection, key)
            if known is not None and known[0].state != "approved":
                raise PaymentRefusedError(f"capture {key!r} was given up")
            if found is None or found[0].state != "approved" or found[1] == "tok_capture_refused":
                raise PaymentRefusedError(f"nothing to capture under {authorisation!r}")
            record, token = found
            captured = _insert(
                connection, key, "capture", authorisation, "approved", record.amount, record.currency, token
            )
        return captured, token

    def void(self, key: str, authorisation: str) -> GatewayRecord:
        """The answer's amount is what was voided: 0 if nothing had been authorised."""
        with self._transaction() as connection:
            _insert(connection, authorisation, "authorise", None, "voided", 0, "XXX", "", "voided_before")
            found = _locked(connection, authorisation)
            assert found is not None
            record, token = found
            captures = (
                "SELECT 1 FROM gateway.ledger WHERE kind = 'capture' AND parent = %s AND state = 'approved'"
            )
            if token == "tok_undo_refused" or connection.execute(captures, (authorisation,)).fetchone():
                raise PaymentRefusedError(f"{authorisation!r} can no longer be voided")
            amount = record.amount if record.state == "approved" else 0
            connection.execute(
                "UPDATE gateway.ledger SET state = 'voided' WHERE key = %s AND state = 'approved'",
                (authorisation,),
            )
            return _insert(connection, key, "void", authorisation, "approved", amount, record.currency, token)

    def refund(self, key: str, capture: str) -> GatewayRecord:
        """The answer's amount is what was refunded: 0 if nothing had been captured."""
        with self._transaction() as connection:
            _insert(connection, capture, "capture", None, "voided", 0, "XXX", "", "refunded_before")
            found = _locked(connection, capture)
            assert found is not None
            record, token = found
            if token == "tok_undo_refused":
                raise PaymentRefusedError(f"{capture!r} cannot be refunded")
            return _insert(
                connection, key, "refund", capture, "approved", record.amount, record.currency, token
            )

    def lookup(self, key: str) -> GatewayRecord | None:
        with self._transaction() as connection:
            found = _locked(connection, key)
        return found[0] if found else None

    def _write(
        self, key: str, kind: str, parent: str | None, state: str, amount: int, currency: str, token: str,
        reason: str | None,
    ) -> GatewayRecord:  # fmt: skip
        with self._single_statements() as connection:
            return _insert(connection, key, kind, parent, state, amount, currency, token, reason)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """One transaction of the gateway."""
        with self._single_statements() as connection, connection.transaction():
            yield connection

    @contextmanager
    def _single_statements(self) -> Iterator[Connection]:
        """A connection of the gateway; its database's faults look like a gateway that does not answer."""
        try:
            with self._connections.single_statements() as connection:
                yield connection
        except DatabaseUnavailableError as fault:
            raise GatewayTimeoutError("the gateway is down") from fault

    def _fail(self, token: str, key: str, moment: str) -> None:
        """Time out or answer 500 at this moment, every time or (`_once`) the first time for this key."""
        kinds = {"before": ("tok_timeout_before_charge",)}.get(
            moment, ("tok_timeout_after_charge", "tok_error_after_charge")
        )
        if token.removesuffix("_once") not in kinds:
            return
        with self._transaction() as connection:
            row = connection.execute(
                "INSERT INTO gateway.attempts AS a (key, calls) VALUES (%s, 1)"
                " ON CONFLICT (key) DO UPDATE SET calls = a.calls + 1 RETURNING calls",
                (key,),
            ).fetchone()
        if not token.endswith("_once") or (row is not None and row[0] == 1):
            raise GatewayTimeoutError("no answer" if "timeout" in token else "answered 500")


def _locked(connection: Connection, key: str) -> tuple[GatewayRecord, str] | None:
    row = connection.execute(
        f"SELECT {_FIELDS}, token FROM gateway.ledger WHERE key = %s FOR UPDATE", (key,)
    ).fetchone()
    return (GatewayRecord(*row[:-1]), row[-1]) if row else None


def _insert(
    connection: Connection, key: str, kind: str, parent: str | None, state: str, amount: int, currency: str,
    token: str, reason: str | None = None,
) -> GatewayRecord:  # fmt: skip
    """Write the row, or leave the one that has this key already; the answer is what stands there."""
    row = connection.execute(
        "INSERT INTO gateway.ledger (key, kind, parent, state, amount, currency, token, reason)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO NOTHING"
        f" RETURNING {_FIELDS}",
        (key, kind, parent, state, amount, currency, token, reason),
    ).fetchone()
    if row is not None:
        return GatewayRecord(*row)
    found = _locked(connection, key)
    assert found is not None
    return found[0]
