"""`python -m scripts.local_api` as a process: without an engine it starts, says what to do, and is quick."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[http.client.HTTPConnection]:
    env = {"PATH": os.environ["PATH"], "ORDERS_LOCAL_DIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "scripts.local_api", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert address is not None
        made = http.client.HTTPConnection("127.0.0.1", int(address[1]), timeout=10)
        yield made
        made.close()
        process.terminate()


def get(connection: http.client.HTTPConnection, path: str) -> tuple[int, Any]:
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status, json.loads(response.read())


def test_without_an_engine_it_says_what_to_do(connection: http.client.HTTPConnection) -> None:
    status, problem = get(connection, "/health")
    assert status == 503
    assert "make run" in problem["detail"]


def test_an_unknown_path_is_a_404_problem(connection: http.client.HTTPConnection) -> None:
    status, problem = get(connection, "/nothing?x=1")
    assert (status, problem["status"], problem["instance"]) == (404, 404, "/nothing")


def test_a_keep_alive_client_does_not_stall(connection: http.client.HTTPConnection) -> None:
    get(connection, "/health")
    started = time.perf_counter()
    for _ in range(25):
        get(connection, "/health")
    assert time.perf_counter() - started < 25 * 0.040  # each would wait for a delayed ACK
