"""The archive of Java's classes: used where there is one that fits, made by a run, and never in the way."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyspark")

from etl.engines import spark_archive

pytestmark = pytest.mark.spark


def test_a_run_takes_the_archive_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert spark_archive.java_options() == ""
    spark_archive.archive().touch()
    assert spark_archive.java_options().startswith(f"-XX:SharedArchiveFile={tmp_path}/spark-")


def test_an_archive_of_another_java_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    spark_archive.archive().touch()
    other = tmp_path / "java"
    other.mkdir()
    (other / "release").write_text('JAVA_VERSION="17.0.99"\n')
    monkeypatch.setenv("JAVA_HOME", str(other))
    assert spark_archive.java_options() == ""


def test_a_path_that_a_shell_would_take_apart_has_no_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a laptop's folder"
    folder.mkdir()
    monkeypatch.setattr(sys, "prefix", str(folder))
    spark_archive.archive().touch()
    assert spark_archive.java_options() == ""
    assert not spark_archive.make(folder / "spark.jsa")


@pytest.mark.slow
def test_a_small_run_makes_the_archive_and_the_next_start_finds_it(tmp_path: Path) -> None:
    code = f"import sys; sys.prefix = {str(tmp_path)!r}; from etl.engines import spark_archive as a; a.main()"
    said = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert ["archived:" in said[0], "archived already:" in said[1]] == [True, True]
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsa"]
