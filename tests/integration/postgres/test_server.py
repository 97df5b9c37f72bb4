"""The embedded server: it keeps its data, dies with its owner, and comes back after any death."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from scripts.local_cloud.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="orders-pg-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def number_kept(server: PostgresServer) -> int:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    return int(row[0]) if row else 0


def test_it_is_the_version_that_the_sql_promises_and_speaks_no_tcp(folder: Path) -> None:
    with PostgresServer(folder) as server, psycopg.connect(server.url()) as connection:
        assert connection.info.server_version // 10_000 == 16
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_it_keeps_its_data_over_stops_and_kills(folder: Path) -> None:
    server = PostgresServer(folder).start()
    assert number_kept(server) == 1
    server.stop()
    server.stop()
    server.start()
    assert number_kept(server) == 2
    server.crash()
    server.start()
    assert number_kept(server) == 3
    server.stop()


def test_it_starts_again_though_a_backend_outlived_the_server_that_was_killed(folder: Path) -> None:
    with PostgresServer(folder) as server:
        connection = psycopg.connect(server.url())
        backend = connection.info.backend_pid

        def work() -> None:
            with contextlib.suppress(psycopg.OperationalError):
                connection.execute("SELECT count(*) FROM generate_series(1, 10000000)")

        busy = threading.Thread(target=work)
        busy.start()
        while _state_of(server, backend) != "active":
            pass
        server.crash()
        os.kill(backend, 0)
        server.start()
        busy.join()
        connection.close()
        assert number_kept(server) == 1


def _state_of(server: PostgresServer, backend: int) -> str:
    with psycopg.connect(server.url()) as connection:
        [(state,)] = connection.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [backend])
    return str(state)


def test_a_folder_of_any_depth_will_do_and_nothing_is_left_outside_it(folder: Path) -> None:
    with PostgresServer(folder / ("deep" * 30)) as server:
        assert number_kept(server) == 1
        sockets = Path(str(conninfo_to_dict(server.url())["host"]))
        assert folder not in sockets.parents
        assert sockets.exists()
    assert not sockets.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_dies_with_its_owner(folder: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "scripts.local_cloud.postgres", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().decode().strip()
        assert url.startswith("postgresql://")
        os.kill(owner.pid, number)
    deadline = time.monotonic() + 15
    while (folder / "data" / "postmaster.pid").exists():
        assert time.monotonic() < deadline, "it lives on"
        threading.Event().wait(0.02)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_a_leftover_whose_keeper_was_killed_too_is_stopped_by_the_next_start(folder: Path) -> None:
    first = PostgresServer(folder).start()
    keeper = first._keeper
    assert keeper is not None
    os.kill(keeper.pid, signal.SIGKILL)
    keeper.wait()
    with PostgresServer(folder) as second:
        assert number_kept(second) == 1
    if keeper.stdin is not None:
        keeper.stdin.close()
