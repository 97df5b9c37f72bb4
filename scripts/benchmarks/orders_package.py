"""How long a cold process takes to import the app, and how large its package is."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.local_cloud.workers.packages import Packages

_TIMED = (
    "import time, sys; wall, cpu = time.perf_counter(), time.process_time(); import {module}; "
    "print(time.perf_counter() - wall, time.process_time() - cpu)"
)


@dataclass(frozen=True)
class Imported:
    """Milliseconds of the import statement in fresh processes; `processor` is the least processor time."""

    fastest: float
    median: float
    processor: float


@dataclass(frozen=True)
class Package:
    """Megabytes (of a million bytes) of a deployment package."""

    zipped: float
    unzipped: float


def size(archive: Path) -> Package:
    with zipfile.ZipFile(archive) as package:
        unzipped = sum(entry.file_size for entry in package.infolist())
    return Package(archive.stat().st_size / 1e6, unzipped / 1e6)


def cold_import(
    archive: Path, module: str, environment: Mapping[str, str], *, bytecode: bool, times: int = 9
) -> Imported:
    """Import `module` from the package as AWS unpacks it, beside nothing but what its runtime has."""
    with tempfile.TemporaryDirectory(prefix="bench-import-") as folder:
        packages = Packages(Path(folder))
        code, runtime = packages.code(archive.read_bytes()), packages.runtime()
        if not bytecode:
            for cache in list(code.rglob("__pycache__")):
                shutil.rmtree(cache)
        found = [_once([code, runtime], module, environment, bytecode=bytecode) for _ in range(times)]
    walls = [wall for wall, _ in found]
    return Imported(min(walls), statistics.median(walls), min(cpu for _, cpu in found))


def _once(
    path: list[Path], module: str, environment: Mapping[str, str], *, bytecode: bool
) -> tuple[float, float]:
    """`-S` keeps .venv out of sight, as for the engine's workers; -B leaves no bytecode behind."""
    before = json.dumps([str(folder) for folder in path])
    script = f"import sys; sys.path[:0] = {before}; " + _TIMED.format(module=module)
    command = [sys.executable, "-S", *([] if bytecode else ["-B"]), "-c", script]
    kept = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    done = subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, check=True)
    wall, cpu = done.stdout.split()
    return float(wall) * 1000, float(cpu) * 1000
