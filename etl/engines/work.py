"""A job's folder for temporary files, which holds the batch once more on disk.

A job that is killed cannot remove its own, and the disk outlives it: on a laptop, and on Lambda, where a
function that ran into its time limit starts again with the same /tmp. So whoever comes next removes it. A
folder is in use as long as somebody holds the lock of the file in it.
"""

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "etl-"
_LOCK = ".in-use"


@contextmanager
def work_folder() -> Iterator[Path]:
    """A new folder, gone afterwards; those of jobs that died are removed first."""
    _sweep(Path(tempfile.gettempdir()))
    folder, lock = _make()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def folder_of_process() -> Path:
    """A new folder, gone at the end of this process."""
    opened = contextlib.ExitStack()
    atexit.register(opened.close)
    return opened.enter_context(work_folder())


def _make() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fstat(lock).st_nlink:
                return folder, lock
            os.close(lock)  # somebody swept the folder before it was locked


def _sweep(parent: Path) -> None:
    for left in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError):  # in use, gone meanwhile, or another user's
            lock = os.open(left, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left.parent, ignore_errors=True)
            finally:
                os.close(lock)
