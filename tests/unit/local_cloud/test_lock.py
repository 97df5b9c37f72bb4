"""Two runs in one directory would destroy each other's database."""

from pathlib import Path

import pytest

from scripts.local_run.lock import DirectoryInUseError, held
from scripts.local_run.stack import LocalStack


def test_a_second_run_in_the_same_directory_is_refused_before_it_touches_anything(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(DirectoryInUseError, match=r"process [0-9]+"), LocalStack(tmp_path):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["run.lock"]


def test_the_directory_is_free_again_after_a_run(tmp_path: Path) -> None:
    for _ in range(2):
        with held(tmp_path):
            pass
