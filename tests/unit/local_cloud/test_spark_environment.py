"""What a Spark job starts with: this one machine, the folder of its run, nothing for others to reach."""

import importlib.metadata
import shlex
import sys
from pathlib import Path

import pytest

from etl.engines import spark_archive, spark_java
from scripts.local_cloud.glue_jobs.spark import submit_arguments

FOLDER = Path("/a laptop's folder/run/tmp")
HOME = Path("/usr/lib/jvm/17")


def test_spark_is_as_large_as_the_machine_and_listens_to_it_alone() -> None:
    arguments = shlex.split(submit_arguments(FOLDER, 4, HOME))
    assert arguments[:4] == ["--master", "local[4]", "--driver-memory", "3g"]
    assert arguments[-1] == "pyspark-shell"
    settings = dict(text.split("=", 1) for text in arguments if text.startswith("spark."))
    assert settings["spark.driver.bindAddress"] == settings["spark.driver.host"] == "127.0.0.1"
    assert (settings["spark.ui.enabled"], settings["spark.sql.shuffle.partitions"]) == ("false", "8")


def test_what_spark_and_java_write_is_in_the_folder_of_the_run_whatever_its_name() -> None:
    arguments = shlex.split(submit_arguments(FOLDER, 1, HOME))
    options = arguments[arguments.index("--driver-java-options") + 1]
    assert f'-Djava.io.tmpdir="{FOLDER}"' in options
    assert "-XX:-UsePerfData" in options
    assert f"spark.sql.warehouse.dir={FOLDER}/warehouse" in arguments


def test_a_job_starts_as_the_command_line_does_from_the_archive_of_the_classes_of_its_java(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert spark_java.options() in submit_arguments(FOLDER, 1, HOME)
    assert "SharedArchiveFile" not in submit_arguments(FOLDER, 1, HOME)
    archive = spark_archive.archive(HOME)
    archive.touch()
    assert f"-XX:SharedArchiveFile={archive} " in submit_arguments(FOLDER, 1, HOME)
    assert "SharedArchiveFile" not in submit_arguments(FOLDER, 1, Path("/usr/lib/jvm/11"))


def test_where_spark_is_not_installed_the_job_says_so_and_not_its_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: 1 / 0)
    assert "SharedArchiveFile" not in submit_arguments(FOLDER, 1, HOME)
