"""One run at a time in a local directory: a second one would take the first one's database away."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DirectoryInUseError(RuntimeError):
    """Another run works in the directory; the message says which process, and the way round it."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the directory's lock; it goes with this process, however that ends. Raises DirectoryInUseError."""
    with (folder / "run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise DirectoryInUseError(
                f"{folder} is in use by another run (process {file.read().strip() or 'unknown'}):"
                " stop that one, or name another directory in ORDERS_LOCAL_DIR"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
