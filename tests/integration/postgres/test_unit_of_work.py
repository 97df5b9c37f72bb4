"""Transactions: no lost update, nothing of a rolled-back one, lost connections as transient errors."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from chalicelib.adapters.postgres.connections import Connections
from chalicelib.adapters.postgres.migrate import PostgresDatabase, migrations
from chalicelib.adapters.postgres.unit_of_work import PostgresUnitOfWork
from chalicelib.domain import events
from chalicelib.domain.errors import ConfigurationError, DatabaseUnavailableError, OrderBusyError
from chalicelib.domain.order import Status
from chalicelib.services.read_model import rebuild_read_model
from tests.contract.cloud import eventually
from tests.fakes import START
from tests.shop import Shop, an_order


def test_the_second_writer_of_the_same_version_loses(shop: Shop) -> None:
    order_id = shop.place()
    with shop.adapters.uow() as tx:
        stale = tx.orders.get(order_id, lock=False)
    shop.claim(order_id)
    assert stale is not None
    stale.move(Status.CANCELLING)
    with pytest.raises(OrderBusyError), shop.adapters.uow() as tx:
        tx.orders.save(stale)
    assert shop.status(order_id) == "processing"


def test_two_threads_that_change_one_order_lose_no_event(shop: Shop) -> None:
    order_id = shop.place()
    start = threading.Barrier(4)

    def note(thread: int) -> None:
        start.wait()
        for number in range(10):
            with shop.services_uow() as tx:
                order = tx.orders.get(order_id)
                assert order is not None
                order.record(events.RESUMED, {}, id=f"event-{thread}-{number}", time=START)
                tx.orders.save(order)

    threads = [threading.Thread(target=note, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event["sequence"] for event in shop.events(order_id)] == list(range(1, 42))


def test_a_transaction_that_rolls_back_publishes_nothing(shop: Shop) -> None:
    order_id = shop.place()
    before = len(shop.bus.accepted)

    def fail_halfway() -> None:
        with shop.services_uow() as tx:
            order = tx.orders.get(order_id)
            assert order is not None
            order.record(events.FAILED, {"reason": "never"}, id="never", time=START)
            tx.orders.save(order)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    shop.services.relay_outbox()
    assert shop.bus.accepted[before:] == []
    assert shop.types(order_id) == ["Order Placed"]


def test_an_order_is_accepted_while_the_bus_is_down_and_published_later(shop: Shop) -> None:
    shop.bus.down = ConnectionError("no bus")
    order_id = shop.services.place_order(an_order()).body["orderId"]
    shop.bus.down = None
    assert shop.bus.types(order_id) == []
    shop.services.relay_outbox()
    assert shop.bus.types(order_id) == ["Order Placed"]


def test_a_connection_that_was_cut_while_idle_is_made_again_unseen(shop: Shop) -> None:
    shop.services.list_products()
    _cut_all(shop)
    assert shop.services.list_products()["products"]


def test_a_connection_that_is_cut_in_a_transaction_is_a_transient_error(shop: Shop) -> None:
    def be_cut() -> None:
        with shop.adapters.uow() as tx:
            tx.stock.products()
            _cut_all(shop)
            tx.stock.products()

    with pytest.raises(DatabaseUnavailableError):
        be_cut()
    assert shop.services.list_products()["products"]


def test_a_database_that_is_not_there_is_a_transient_error() -> None:
    nowhere = PostgresUnitOfWork(Connections(lambda: "postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(DatabaseUnavailableError), nowhere():
        raise AssertionError("there is no database")


def test_transactions_at_once_never_share_a_connection_and_later_ones_reuse_it(shop: Shop) -> None:
    with shop.connections.transaction() as first, shop.connections.transaction() as second:
        assert first is not second
    with shop.connections.transaction() as third:
        assert third in (first, second)


def test_a_process_that_dies_in_a_transaction_does_not_hold_its_locks_for_long(shop: Shop) -> None:
    with shop.connections.transaction() as connection:
        row = connection.execute("SHOW idle_in_transaction_session_timeout").fetchone()
    assert row == ("1min",)


def test_migrations_are_applied_once_and_may_run_again(shop: Shop) -> None:
    assert shop.services.migrate() == {"applied": []}
    applied = [name for (name,) in shop.query("SELECT name FROM schema_version ORDER BY name")]
    assert applied == [name for name, _ in migrations()]


def test_a_migration_that_changed_after_it_was_applied_is_refused(shop: Shop) -> None:
    shop.query("UPDATE schema_version SET sha256 = 'other' WHERE name = '0001_catalogue.sql'")
    with pytest.raises(ConfigurationError, match=r"0001_catalogue\.sql"):
        shop.services.migrate()


def test_two_migrators_at_once_apply_each_file_once(shop: Shop) -> None:
    shop.query("CREATE DATABASE migrated_by_two")
    url = shop.url.replace(shop.url.split("/")[-1].split("?")[0], "migrated_by_two")
    applied: list[list[str]] = []

    connections = Connections(lambda: url)

    def migrate() -> None:
        applied.append(PostgresDatabase(connections).migrate())

    threads = [threading.Thread(target=migrate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connections.close()
    shop.query("DROP DATABASE migrated_by_two")
    assert sorted(map(len, applied)) == [0, len(migrations())]


@pytest.mark.parametrize("work", ["migrate", "rebuild"])
def test_what_takes_longer_than_a_request_outlasts_the_timeout_of_sessions(shop: Shop, work: str) -> None:
    connections = Connections(lambda: f"{shop.url}&options=-c%20statement_timeout%3D20ms")
    with connections.transaction() as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("20ms",)
    does = {
        "migrate": PostgresDatabase(connections).migrate,
        "rebuild": lambda: rebuild_read_model(PostgresUnitOfWork(connections)),
    }
    with ThreadPoolExecutor(1) as pool, shop.connections.transaction() as holder:
        holder.execute("SELECT pg_advisory_xact_lock(7311001), pg_advisory_xact_lock(7311002)")
        working = pool.submit(does[work])
        waits = "SELECT now() - query_start > '100ms' FROM pg_stat_activity WHERE wait_event = 'advisory'"
        eventually(lambda: working.done() or shop.query(waits) == [(True,)])
        holder.execute("SELECT 1")
        assert not working.done()
    connections.close()
    assert working.result() in ([], {"events": 0})


def _cut_all(shop: Shop) -> None:
    shop.query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_psycopg_names_the_classes_that_are_translated() -> None:
    for name in ("AdminShutdown", "DeadlockDetected", "SerializationFailure", "ConnectionFailure"):
        assert issubclass(getattr(psycopg.errors, name), psycopg.OperationalError)
