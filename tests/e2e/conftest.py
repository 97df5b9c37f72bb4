"""The demo, run once as a newcomer runs it, and what it left behind."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.traffic import Traffic, make
from tests.live import Platform

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class DemoRun:
    """One finished demo: exit code, what it printed, its record, its checkout and its folder."""

    code: int
    printed: str
    record: dict[str, Any]
    checkout: Path
    folder: Path

    def order(self, scenario: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = [one for one in self.record["orders"] if one["scenario"] == scenario]
        assert len(found) == 1
        return found[0]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    folder = tmp_path_factory.mktemp("demo")
    checkout = copy_of(ROOT, tmp_path_factory.mktemp("checkout"))
    done = subprocess.run(
        [sys.executable, "-m", "scripts.local_run", "demo"],
        cwd=checkout,
        env={**os.environ, "ORDERS_LOCAL_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    file = folder / "demo.json"
    record = json.loads(file.read_text()) if file.exists() else {}
    return DemoRun(done.returncode, done.stdout + done.stderr, record, checkout, folder)


@pytest.fixture(scope="session")
def traffic(live_platform: Platform) -> Traffic:
    """Made once a session, for the tests that look at what it left behind."""
    return make(live_platform)


def copy_of(root: Path, target: Path) -> Path:
    """The checkout as git would give it to somebody else, with the changes of now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)
    return target
