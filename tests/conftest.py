"""Fixtures for every tier: one embedded PostgreSQL a session, one emptied database a test."""

import functools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from botocore.loaders import JSONFileLoader

from chalicelib.adapters.postgres.connections import Connections
from chalicelib.adapters.postgres.migrate import PostgresDatabase
from scripts.local_cloud.postgres import PostgresServer
from scripts.local_run.environment import engine_environment
from tests import live
from tests.faults import ablations
from tests.shop import Shop


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ablate", choices=ablations.NAMES, default="", help="take this safeguard out")


def pytest_configure(config: pytest.Config) -> None:
    Shop.ablate = config.getoption("--ablate")
    # Spark's Java lives for seconds here: the second compiler would take more time than it saves.
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
    # Each session of botocore parses the descriptions of the services again, and with moto each test has one.
    read = JSONFileLoader().load_file
    JSONFileLoader.load_file = staticmethod(functools.cache(read))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays on one worker, and so does all that shares the live platform.

    What takes longest comes first (`make test` has workers keep this order), so that no worker is left alone
    with it at the end; tests marked `closing` look at what the other live ones did, so they come last among
    those.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        shared = next((name for name in ("live_platform", "demo") if name in fixtures), None)
        item.add_marker(pytest.mark.xdist_group(shared or str(item.path)))
    items.sort(key=_turn)


# A test that counts what the day brought runs before those that bring a storm.
_LIVE = ("reports", "test_live.py", "test_live_nightly.py", "messages", "pipeline", "e2e")
# Of the others those that take a quarter of a minute or more, with Spark, whole deployments or kills.
_LONG = (
    "test_engines_agree.py", "test_way_of_a_stage.py", "test_package.py", "test_crashes.py", "test_kills.py",
    "test_demo.py", "test_demo_sales.py", "test_run_and_stop.py", "test_races.py",
    "test_redrive.py", "test_s3.py", "test_kills_in_the_cloud.py", "test_deployed_prod.py", "test_sift.py",
    "test_versions.py", "test_published.py", "test_step_functions.py", "test_engine_process.py",
    "test_glue_jobs.py", "test_fragments.py",
)  # fmt: skip


def _turn(item: pytest.Item) -> int:
    if "live_platform" not in getattr(item, "fixturenames", ()):
        name = item.path.name
        return len(_LIVE) + 2 + (_LONG.index(name) if name in _LONG else len(_LONG))
    if item.get_closest_marker("closing"):
        return len(_LIVE) + 1
    place = item.path.parts[-2:]
    return next((turn for turn, name in enumerate(_LIVE) if name in place), len(_LIVE))


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
def migrated_database(postgres: PostgresServer) -> str:
    """The URL of the session's database with the whole schema; tests take `database_url`."""
    _execute(postgres.url(), "CREATE DATABASE orders_test")
    url = postgres.url("orders_test")
    connections = Connections(lambda: url)
    PostgresDatabase(connections).migrate()
    connections.close()
    _execute(url, "CREATE SCHEMA fresh; CREATE TABLE fresh.products AS TABLE products;"
                  " CREATE TABLE fresh.schema_version AS TABLE schema_version")  # fmt: skip
    return url


@pytest.fixture
def database_url(migrated_database: str) -> str:
    """The URL of a database as freshly migrated; emptying takes milliseconds, cloning a tenth of a second."""
    _execute(migrated_database, _EMPTY)
    return migrated_database


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    """The whole application on a fresh database, with fakes for what is outside."""
    with Shop(database_url) as shop:
        yield shop


@pytest.fixture
def new_shop(migrated_database: str) -> Callable[[], Shop]:
    """Makes one shop after another, each on the emptied database: for tests that run a story many times."""

    def make() -> Shop:
        _execute(migrated_database, _EMPTY)
        return Shop(migrated_database)

    return make


@pytest.fixture(scope="session")
def live_platform() -> Iterator[live.Platform]:
    """The one live platform of the session. Started by the first test that asks for it."""
    with (
        tempfile.TemporaryDirectory(prefix="orders-live-", ignore_cleanup_errors=True) as folder,
        live.started(Path(folder)) as platform,
    ):
        yield platform


@pytest.fixture
def platform(live_platform: live.Platform, monkeypatch: pytest.MonkeyPatch) -> live.Platform:
    """The live platform; in this test `boto3.client` talks to its engine."""
    for name in [name for name in os.environ if name.startswith("AWS_") and "CA_BUNDLE" not in name]:
        monkeypatch.delenv(name)
    for name, value in engine_environment(live_platform.endpoint).items():
        monkeypatch.setenv(name, value)
    return live_platform


_EMPTY = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend';
SET session_replication_role = replica;
DO $$ DECLARE name regclass; BEGIN
    FOR name IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'fresh')
    LOOP EXECUTE format('DELETE FROM %s', name); END LOOP;
END $$;
INSERT INTO products SELECT * FROM fresh.products;
INSERT INTO schema_version SELECT * FROM fresh.schema_version;
"""


def _execute(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements)
