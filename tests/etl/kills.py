"""A run that kills itself before its n-th write: `python -m tests.etl.kills PLAN N`; N of 0 lists the points.

Every write passes `Storage.put` or the catalog's `call`, so counting those enumerates every place to die.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etl.catalog import Catalog, GlueCatalog, NoCatalog, glue_call
from etl.engines import open_engine
from etl.manifest import parse_manifest
from etl.pipeline import run
from etl.storage import Storage, storage_for

READS = ("get_table", "get_partitions")


@dataclass
class Countdown:
    """Dies before write number `fatal`; never if it is 0."""

    fatal: int
    points: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def step(self, point: str) -> None:
        with self.lock:
            self.points.append(point)
            if len(self.points) == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class MortalStorage:
    inner: Storage
    countdown: Countdown

    def url(self, key: str) -> str:
        return self.inner.url(key)

    def read(self, key: str) -> bytes | None:
        return self.inner.read(key)

    def fetch(self, key: str, directory: Path) -> Path:
        return self.inner.fetch(key, directory)

    def read_tagged(self, key: str) -> tuple[bytes | None, str | None]:
        return self.inner.read_tagged(key)

    def tags(self, prefix: str) -> dict[str, str]:
        return self.inner.tags(prefix)

    def put(self, key: str, content: bytes | Path, point: str) -> None:
        self.countdown.step(point)
        self.inner.put(key, content, point)

    def swap(self, key: str, content: bytes | Path, point: str, expected: str | None) -> str:
        self.countdown.step(point)
        return self.inner.swap(key, content, point, expected)


def main(plan: str, fatal: int) -> int:
    manifest = parse_manifest(Path(plan).read_text())
    countdown = Countdown(fatal)

    def call(operation: str, arguments: Mapping[str, Any]) -> Any:
        if operation not in READS:
            countdown.step("catalog")
        return glue_call(operation, arguments)

    catalog: Catalog = GlueCatalog(manifest.database, call) if manifest.database else NoCatalog()
    with open_engine("duckdb") as engine:
        run(
            manifest,
            MortalStorage(storage_for(manifest.output), countdown),
            engine,
            catalog,
            MortalStorage(storage_for(manifest.quarantine), countdown),
        )
    print(json.dumps(countdown.points))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
