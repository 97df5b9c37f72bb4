"""`python -m scripts.benchmarks.messages`: messages stored per second, in batches and one insert for each.

Both ways take the same messages as SNS delivers them, in the same run, on the same PostgreSQL, through
the same decoding; the second is the usual consumer: a loop with an INSERT and a commit for each message.
"""

import argparse
import contextlib
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from chalicelib.adapters.postgres.connections import Connections
from chalicelib.adapters.postgres.migrate import PostgresDatabase
from chalicelib.adapters.postgres.unit_of_work import PostgresUnitOfWork
from chalicelib.services.messages.model import TYPES, Received
from chalicelib.services.messages.process_messages import Consumer, process_messages
from chalicelib.services.messages.read_messages import read_message
from scripts.local_cloud.postgres import PostgresServer

_ONE = {
    "notification": "INSERT INTO messages.notifications (message_id, key, subject, body, published_at)"
    " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
    "critical_alert": "INSERT INTO messages.critical_alerts (message_id, key, subject, body, published_at)"
    " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
}
Way = Callable[[Sequence[Received]], None]


@dataclass(frozen=True)
class Figure:
    """Messages a second of one way: median and range of the rounds."""

    name: str
    rates: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rates)


class NoAlerts:
    def alert(self, subject: str, details: Any) -> None:
        raise AssertionError("every message of the benchmark has a type")


def main(argv: Sequence[str] | None = None) -> int:
    """Prints a table; exit code 1 if a way did not store every message once."""
    parser = argparse.ArgumentParser(prog="scripts.benchmarks.messages", description=__doc__)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(argv)
    with (
        tempfile.TemporaryDirectory(prefix="bench-messages-") as folder,
        PostgresServer(Path(folder)) as server,
    ):
        url = server.url()
        connections = Connections(lambda: url, "benchmark")
        PostgresDatabase(connections).migrate()
        figures = measure(connections, messages(options.messages), options.rounds)
        connections.close()
    print(table(figures, options.messages, options.rounds))
    return 0


def messages(count: int) -> list[Received]:
    """Order notifications, every tenth a critical alert, of about the length of ours."""
    return [Received(f"sqs-{n}", json.dumps(_envelope(n)), f"r-{n}") for n in range(count)]


def measure(connections: Connections, given: Sequence[Received], rounds: int) -> list[Figure]:
    """Each way on empty tables, the ways by turns, so that a busy machine slows all of them."""
    ways: dict[str, tuple[int, Way]] = {
        "one insert per message": (10, lambda batch: _one_by_one(connections, batch)),
        "one insert per message, one commit": (10, lambda batch: _one_commit(connections, batch)),
        "batches of 10": (10, _batched(connections)),
        "batches of 100": (100, _batched(connections)),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (size, way) in ways.items():
            rates[name].append(_rate(connections, way, given, size))
    return [Figure(name, found) for name, found in rates.items()]


def table(figures: Sequence[Figure], count: int, rounds: int) -> str:
    base = figures[0].median
    lines = [
        f"{count:,} messages, median of {rounds} rounds",
        f"{'':36}{'messages/s':>12}{'range':>18}{'x':>7}",
    ]
    for figure in figures:
        spread = f"{min(figure.rates):,.0f}–{max(figure.rates):,.0f}"
        lines.append(f"{figure.name:36}{figure.median:12,.0f}{spread:>18}{figure.median / base:7.1f}")
    return "\n".join(lines)


def _rate(connections: Connections, way: Way, given: Sequence[Received], size: int) -> float:
    with connections.transaction() as connection:
        connection.execute("TRUNCATE messages.notifications, messages.critical_alerts")
    start = time.perf_counter()
    for first in range(0, len(given), size):
        way(given[first : first + size])
    took = time.perf_counter() - start
    stored = sum(_count(connections, kind) for kind in ("notifications", "critical_alerts"))
    if stored != len(given):
        raise SystemExit(f"{stored} of {len(given)} messages were stored")
    return len(given) / took


def _count(connections: Connections, table_name: str) -> int:
    with connections.transaction() as connection:
        row = connection.execute(f"SELECT count(*) FROM messages.{table_name}".encode()).fetchone()
    return int(row[0]) if row else 0


def _batched(connections: Connections) -> Way:
    consumer = Consumer(PostgresUnitOfWork(connections), NoAlerts())

    def work(batch: Sequence[Received]) -> None:
        with contextlib.redirect_stdout(io.StringIO()):  # its log line
            assert process_messages(consumer, batch) == []

    return work


def _one_by_one(connections: Connections, batch: Sequence[Received]) -> None:
    for received in batch:
        with connections.transaction() as connection:
            _insert(connection, received)


def _one_commit(connections: Connections, batch: Sequence[Received]) -> None:
    with connections.transaction() as connection:
        for received in batch:
            _insert(connection, received)


def _insert(connection: psycopg.Connection[Any], received: Received) -> None:
    one = read_message(received.body)
    values = (one.message_id, one.key, one.subject, one.body, one.published_at)
    connection.execute(_ONE[one.kind].encode(), values)


def _envelope(number: int) -> dict[str, Any]:
    kind = TYPES[number % 10 == 0]
    text = f"Order ORD-{number:026} is completed: 2 lines, 499.99 USD, paid and on its way. " * 2
    return {
        "Type": "Notification",
        "MessageId": f"{number:08}-0000-4000-8000-000000000000",
        "TopicArn": "arn:aws:sns:us-east-1:000000000000:order-notifications-local",
        "Subject": f"Order {number}",
        "Message": text,
        "Timestamp": "2026-11-20T12:00:00.000Z",
        "MessageAttributes": {
            "type": {"Type": "String", "Value": kind},
            "key": {"Type": "String", "Value": f"run/{number}"},
        },
    }


if __name__ == "__main__":
    sys.exit(main())
