"""Each way in which a run can end is one clear sentence and an exit code, never a stack trace."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.errors import InputError
from etl.manifest import parse_manifest
from etl.state import KEY, LakeState, load_state, save_state
from etl.storage import LocalStorage
from etl.told import told
from tests.contract.cloud import eventually
from tests.etl.builders import csv_file, line

ROOT = Path(__file__).parents[2]


def job(
    folder: Path,
    *more: str,
    rows: int = 5,
    width: int = 0,
    limit: Callable[[], None] | None = None,
    **pipes: Any,
) -> "subprocess.Popen[str]":
    """The job as its own process, over one file of sales."""
    extra = {f"c{number}": "x" for number in range(width)}
    file = csv_file(folder / "s.csv", [line(str(n), **extra) for n in range(rows)])
    command = [sys.executable, "-m", "etl.job", "--sales", file.key, "--output", str(folder / "lake"), *more]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | pipes
    return subprocess.Popen(command, cwd=ROOT, text=True, preexec_fn=limit, **streams)


def no_large_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def as_in_a_terminal() -> None:
    """A shell has what it starts with `&` ignore SIGINT, and these tests may run there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_disk_that_takes_no_more_is_one_sentence(tmp_path: Path) -> None:
    process = job(tmp_path, rows=20_000, limit=no_large_files)
    _, said = process.communicate()
    assert process.returncode == 1
    assert said.startswith("error: IO Error: ")
    assert "File too large" in said
    assert said.count("\n") == 1


def test_a_report_that_nobody_reads_to_its_end_is_no_failure(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = job(tmp_path, stdout=writer)
    os.close(writer)
    _, said = process.communicate()
    assert (process.returncode, said) == (0, "")
    assert (tmp_path / "lake" / "_published.json").exists()


def test_ctrl_c_is_one_word(tmp_path: Path) -> None:
    report = tmp_path / "report"
    os.mkfifo(report)  # whoever writes it waits for a reader, who never comes
    process = job(tmp_path, "--report", str(report), limit=as_in_a_terminal)
    eventually(lambda: (tmp_path / "lake" / "_published.json").exists())
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert (process.returncode, said) == (130, "error: interrupted\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_an_interrupt_is_told_whichever_library_was_at_work(error: BaseException) -> None:
    assert told(error) == "interrupted"


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyError("x"), duckdb.ParserException("x")])
def test_a_fault_of_our_own_keeps_its_trace(error: Exception) -> None:
    assert told(error) is None


def test_more_columns_than_an_expression_may_have_levels_are_read(tmp_path: Path) -> None:
    process = job(tmp_path, rows=2, width=1500)
    said, _ = process.communicate()
    assert process.returncode == 0
    assert "rows in 2 = accepted 2 + quarantined 0" in said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"garbage", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "is not an object"),
        (b'{"run_id": "r", "later": 1}', "is no state that this release can read: see later"),
        (b'{"sales": [], "commits": "1"}', "is no state that this release can read: see commits, sales"),
    ],
)
def test_a_state_that_no_release_of_ours_wrote_is_refused(tmp_path: Path, body: bytes, said: str) -> None:
    storage = LocalStorage(tmp_path)
    storage.put(KEY, body, "commit")
    with pytest.raises(InputError, match=said):
        load_state(storage)


def test_a_state_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    state = LakeState(
        "r", 3, {"2024-01": "k"}, False, "c", {"d": [1, "2"]}, {}, 5, {"k": 1}, ["d"], ["b"], {"k": "t"}
    )
    save_state(LocalStorage(tmp_path), state, "commit", None)
    assert load_state(LocalStorage(tmp_path)) == state
    (tmp_path / KEY).write_text("{}")  # of a release that knew of nothing
    assert load_state(LocalStorage(tmp_path)) == LakeState()


def manifest(options: object) -> str:
    told_ = {"run_id": "r", "as_of": "2024-01-01", "files": [], "output": "o", "quarantine": "q"}
    return json.dumps(told_ | {"options": options})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("abc", "options 'abc' are no object"),
        ([1], "are no object"),
        ({"max_quarantined_share": None}, "max_quarantined_share is None, not a number from 0 to 1"),
        ({"max_quarantined_share": float("nan")}, "max_quarantined_share is nan"),
        ({"max_quarantined_share": True}, "max_quarantined_share is True"),
        ({"max_quarantined_share": 7}, "max_quarantined_share is 7"),
        ({"min_rows_for_threshold": [1]}, "not a whole number from 0"),
        ({"min_rows_for_threshold": 1.5}, "not a whole number from 0"),
        ({"sweep_after_hours": "abc"}, "not a number of hours"),
        ({"sweep_after_hours": float("inf")}, "not a number of hours"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_with_the_manifest(options: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_manifest(manifest(options))


@pytest.mark.parametrize("body", ["[" * 100_000, '{"files": ' * 100_000, "[]", "words"])
def test_a_manifest_that_is_none_is_refused(body: str) -> None:
    with pytest.raises(InputError, match="the manifest is not usable"):
        parse_manifest(body)


@pytest.mark.parametrize("options", [None, {}, {"max_quarantined_share": 1, "min_rows_for_threshold": 10.0}])
def test_options_that_are_meant_are_kept(options: dict[str, float] | None) -> None:
    assert parse_manifest(manifest(options)).options == (options or {})
