"""`make run` stays up until Ctrl-C, which leaves no process and no file outside the local directory."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT

pytestmark = pytest.mark.e2e


def test_ctrl_c_ends_the_run_and_leaves_nothing_behind(tmp_path: Path) -> None:
    before = files_of(ROOT)
    folder = tmp_path / "local"
    run = subprocess.Popen(
        [sys.executable, "-m", "scripts.local_run", "run"],
        cwd=ROOT,
        env={**os.environ, "ORDERS_LOCAL_DIR": str(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    try:
        printed = [line for line in iter(run.stdout.readline, "Ctrl-C stops it.\n")]
        assert run.poll() is None, "".join(printed)
        url = json.loads((folder / "run.json").read_text())["apiUrl"]
        with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
            assert json.loads(answer.read())["status"] == "ok"
        started = processes_of(folder)
        assert started
        os.killpg(run.pid, signal.SIGINT)
        assert run.wait(30) == 0
    finally:
        run.kill()
        run.stdout.close()
        run.wait()
    deadline = time.monotonic() + 10
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(folder) == []
    assert not (folder / "run.json").exists()
    assert files_of(ROOT) == before


def processes_of(folder: Path) -> list[str]:
    """Command lines of processes that name the folder: engine, workers, PostgreSQL."""
    shown = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in shown.splitlines() if str(folder) in line]


def files_of(root: Path) -> set[str]:
    """What git sees in the checkout, ignored files included, but for caches that Python itself writes."""
    command = ["git", "status", "--porcelain", "--ignored", "--untracked-files=all"]
    shown = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    caches = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis")
    return {line for line in shown.splitlines() if not any(cache in line for cache in caches)}
