"""A run that kills itself before a write: `python -m tests.etl.kills PLAN N [ENGINE]`; 0 lists the points.

N is the number of the write, or the name of a point. Every write passes `Storage.put` or the catalog's
`call`, so counting those enumerates every place to die. Spark's executors write in processes of their own:
writes are counted in a file, and it is the driver that dies.
"""

import fcntl
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from etl.catalog import Catalog, GlueCatalog, NoCatalog, glue_call
from etl.engines import open_engine
from etl.manifest import parse_manifest
from etl.pipeline import run
from etl.storage import Storage, storage_for

READS = ("get_table", "get_partitions")


@dataclass(frozen=True)
class Countdown:
    """Dies before write number `fatal` or before the first of that point; never if it is 0."""

    fatal: str
    file: Path
    driver: int = field(default_factory=os.getpid)

    def step(self, point: str) -> None:
        with self.file.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(f"{point}\n")
            file.flush()
            if self.fatal in (str(len(self.points())), point):
                os.kill(self.driver, signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)

    def points(self) -> list[str]:
        return self.file.read_text().splitlines()


@dataclass
class MortalStorage:
    inner: Storage
    countdown: Countdown

    @property
    def at_once(self) -> int:
        return self.inner.at_once

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

    def modified(self, prefix: str) -> dict[str, datetime]:
        return self.inner.modified(prefix)

    def delete(self, keys: Sequence[str], point: str) -> None:
        self.countdown.step(point)
        self.inner.delete(keys, point)

    def sizes(self, prefix: str) -> dict[str, int]:
        return self.inner.sizes(prefix)

    def put(self, key: str, content: bytes | Path, point: str) -> None:
        self.countdown.step(point)
        self.inner.put(key, content, point)

    def swap(self, key: str, content: bytes | Path, point: str, expected: str | None) -> str:
        self.countdown.step(point)
        return self.inner.swap(key, content, point, expected)


def main(plan: str, fatal: str, engine_name: str = "duckdb") -> int:
    print(json.dumps(points_of(Path(plan), fatal, engine_name)))
    return 0


def points_of(plan: Path, fatal: str = "0", engine_name: str = "duckdb") -> list[str]:
    """The writes of a run of that manifest, in order; in this process, where nothing is to be killed."""
    manifest = parse_manifest(plan.read_text())
    countdown = Countdown(fatal, Path(f"{plan}.points"))
    countdown.file.write_text("")

    def call(operation: str, arguments: Mapping[str, Any]) -> Any:
        if operation not in READS:
            countdown.step(f"catalog {operation}")
        return glue_call(operation, arguments)

    catalog: Catalog = GlueCatalog(manifest.database, call) if manifest.database else NoCatalog()
    with open_engine(engine_name, max_driver_bytes=0) as engine:  # Spark's executors write silver, as on Glue
        run(
            manifest,
            MortalStorage(storage_for(manifest.output), countdown),
            engine,
            catalog,
            MortalStorage(storage_for(manifest.quarantine), countdown),
        )
    return countdown.points()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
