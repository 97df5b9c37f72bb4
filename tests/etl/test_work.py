"""The folder for temporary files: in use or gone, whatever becomes of the job."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.engines.work import work_folder

HOLD = """
import sys
from etl.engines.work import work_folder
with work_folder() as folder:
    (folder / "batch.parquet").write_bytes(b"rows")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def other(parent: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another job that has a folder; its path is the first line of its output."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as held:
        yield held
        held.kill()


def folder_of(job: "subprocess.Popen[str]") -> Path:
    assert job.stdout is not None
    return Path(job.stdout.readline().strip())


def test_a_folder_is_gone_afterwards(parent: Path) -> None:
    with work_folder() as folder:
        assert folder.parent == parent
    with pytest.raises(ZeroDivisionError), work_folder():
        raise ZeroDivisionError
    assert not list(parent.iterdir())


def test_a_folder_in_use_stays_and_one_of_a_job_that_was_killed_goes(
    parent: Path, other: "subprocess.Popen[str]"
) -> None:
    kept = folder_of(other)
    with work_folder():
        assert (kept / "batch.parquet").exists()
    other.send_signal(signal.SIGKILL)
    other.wait()
    with work_folder():
        assert not kept.exists()


def test_folders_of_others_are_left_alone(parent: Path) -> None:
    (parent / "etl-notes").mkdir()
    (parent / "etl-notes" / "mine.txt").write_text("not a job's")
    with work_folder():
        pass
    assert (parent / "etl-notes" / "mine.txt").exists()
