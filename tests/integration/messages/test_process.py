"""Batches on PostgreSQL: by type, once each, poison alone, and nothing lost when the database goes away."""

import threading
from collections.abc import Sequence

import psycopg
import pytest

from chalicelib.adapters.message_store import PostgresMessages
from chalicelib.adapters.postgres.connections import Connections
from chalicelib.adapters.postgres.unit_of_work import PostgresUnitOfWork
from chalicelib.domain.errors import DatabaseUnavailableError, ThrottledError
from chalicelib.services.messages.model import CRITICAL_ALERT, NOTIFICATION, Received
from chalicelib.services.messages.process_messages import Consumer, process_messages
from chalicelib.services.messages.read_messages import read_message
from tests.integration.messages.conftest import Room
from tests.unit.messages.builders import NOW, POISON, FakeAlerts, received, refused_by_the_database


def test_each_message_is_stored_in_the_table_of_its_type_with_its_sns_id(room: Room) -> None:
    batch = [received(1), received(2, CRITICAL_ALERT, key="k-2"), received(3, "gossip"), received(4, None)]
    assert process_messages(room.consumer, batch) == []
    assert room.rows("SELECT message_id, key, subject, body FROM messages.notifications") == [
        ("sns-00001", None, "Subject 1", "Text 1")
    ]
    alert = room.rows("SELECT message_id, key, published_at FROM messages.critical_alerts")[0]
    assert (alert[:2], (NOW - alert[2]).seconds) == (("sns-00002", "k-2"), 60)
    query = "SELECT message_id, declared_type FROM messages.unrouted ORDER BY 1"
    assert room.rows(query) == [("sns-00003", "gossip"), ("sns-00004", None)]


def test_batch_is_one_insert_for_each_type(room: Room) -> None:
    statements: list[str] = []
    batch = [received(n, CRITICAL_ALERT if n % 3 else NOTIFICATION) for n in range(100)]
    with room.connections.transaction() as connection:
        store = PostgresMessages(_Traced(connection, statements))  # type: ignore[arg-type]
        assert store.add([read_message(one.body) for one in batch]) == 100
    assert len(statements) == 2
    assert len(room.ids("notifications")) == 34


class _Traced:
    def __init__(self, connection: psycopg.Connection, statements: list[str]) -> None:
        self._connection = connection
        self._statements = statements

    def execute(self, query: bytes, values: Sequence[object]) -> psycopg.Cursor:
        self._statements.append(query.decode())
        return self._connection.execute(query, values)


@pytest.mark.parametrize("times", [2, 5])
def test_message_that_is_delivered_again_changes_nothing(room: Room, times: int) -> None:
    batch = [received(1), received(2, CRITICAL_ALERT), received(3, "gossip")]
    for _ in range(times):
        assert process_messages(room.consumer, batch) == []
    assert room.ids("notifications") + room.ids("critical_alerts") + room.ids("unrouted") == [
        "sns-00001", "sns-00002", "sns-00003",
    ]  # fmt: skip
    assert len(room.alerts.told) == 1


def test_message_that_is_twice_in_one_batch_is_stored_once(room: Room) -> None:
    twice = Received("sqs-again", received(1).body)
    assert process_messages(room.consumer, [received(1), twice]) == []
    assert room.ids("notifications") == ["sns-00001"]


def test_message_that_was_published_twice_is_stored_once_by_its_key(room: Room) -> None:
    assert process_messages(room.consumer, [received(1, key="k"), received(2, key="k")]) == []
    assert process_messages(room.consumer, [received(3, key="k")]) == []
    assert room.ids("notifications") == ["sns-00001"]


def test_batch_that_was_stored_before_the_crash_is_redelivered_without_harm(room: Room) -> None:
    """The consumer dies after its commit: SQS hands the same messages out again, in other company."""
    process_messages(room.consumer, [received(n) for n in range(10)])
    assert process_messages(room.consumer, [received(n) for n in range(5, 15)]) == []
    assert len(room.ids("notifications")) == 15


@pytest.mark.parametrize("where", [0, 7, 19])
def test_poison_fails_alone(room: Room, where: int) -> None:
    batch = [received(n) for n in range(20)]
    batch.insert(where, POISON)
    batch.insert(where, refused_by_the_database(99))
    assert sorted(process_messages(room.consumer, batch)) == ["sqs-00099", "sqs-poison"]
    assert len(room.ids("notifications")) == 20


def test_batch_of_nothing_but_poison_comes_back_whole(room: Room) -> None:
    batch = [refused_by_the_database(n) for n in range(5)] + [POISON]
    assert len(process_messages(room.consumer, batch)) == 6
    assert room.alerts.told == []


def test_unrouted_messages_raise_one_alert_that_names_their_types(room: Room) -> None:
    process_messages(room.consumer, [received(1, "gossip"), received(2, None), received(3, "gossip")])
    assert room.alerts.told == [
        (
            "3 messages of no known type",
            {
                "count": 3,
                "types": ["(none)", "gossip"],
                "messageIds": ["sns-00001", "sns-00002", "sns-00003"],
            },
        )
    ]


def test_alert_that_could_not_be_sent_is_sent_when_the_batch_comes_back(room: Room) -> None:
    room.alerts.fault = ThrottledError("slow down")
    with pytest.raises(ThrottledError):
        process_messages(room.consumer, [received(1, "gossip")])
    room.alerts.fault = None
    assert process_messages(room.consumer, [received(1, "gossip")]) == []
    assert len(room.alerts.told) == 1


def test_without_a_database_the_whole_batch_comes_back() -> None:
    nowhere = Connections(lambda: "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailableError):
        process_messages(Consumer(PostgresUnitOfWork(nowhere), FakeAlerts()), [received(1), POISON])


def test_connection_that_was_cut_is_made_anew(room: Room) -> None:
    process_messages(room.consumer, [received(1)])
    room.rows(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'orders'"
    )
    process_messages(room.consumer, [received(2)])
    assert room.ids("notifications") == ["sns-00001", "sns-00002"]


def test_consumers_that_share_messages_neither_lose_nor_repeat_one(room: Room) -> None:
    """Five consumers at once, each message in three batches, the batches in any order."""
    batches = [
        [received(n % 60, key=f"k-{n % 60}") for n in range(start, start + 12)] for start in range(0, 180, 12)
    ]
    faults: list[BaseException] = []

    def consume(mine: list[list[Received]]) -> None:
        try:
            for batch in mine:
                assert process_messages(room.consumer, batch[::-1]) == []
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=consume, args=(batches[n::5],)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(room.ids("notifications")) == 60
