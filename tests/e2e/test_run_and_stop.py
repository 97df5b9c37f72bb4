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

from tests.e2e.conftest import ROOT, DemoRun, copy_of

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("options", [["--no-story"], pytest.param([], marks=pytest.mark.slow)])
def test_ctrl_c_ends_the_run_and_leaves_nothing_behind(
    demo: DemoRun, tmp_path: Path, options: list[str]
) -> None:
    """The second run of its folder, after the demo."""
    checkout, folder = demo.checkout, demo.folder
    run = subprocess.Popen(
        [sys.executable, "-m", "scripts.local_run", "run", *options],
        cwd=checkout,
        env={**os.environ, "ORDERS_LOCAL_DIR": str(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    try:
        printed = list(iter(run.stdout.readline, "Ctrl-C stops it.\n"))
        assert run.poll() is None, "".join(printed)
        assert ("ORD-" in "".join(printed)) == (not options), "the story"
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
    assert files_of(checkout) == files_of(copy_of(ROOT, tmp_path))


def processes_of(folder: Path) -> list[str]:
    """Command lines of processes that name the folder: engine, workers, PostgreSQL."""
    shown = subprocess.run(
        ["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in shown.splitlines() if str(folder) in line]


def files_of(folder: Path) -> set[Path]:
    """Every file by its place, but for the bytecode that Python itself keeps."""
    found = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(folder) for file in found}
