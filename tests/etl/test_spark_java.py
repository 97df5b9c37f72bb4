"""What Spark's Java compiles how far: Java takes the options, and the file of what it shall not optimise."""

import subprocess
import zipfile
from fnmatch import fnmatchcase
from json import loads
from pathlib import Path

import pytest

pytest.importorskip("pyspark")

import pyspark

from etl.engines import spark_java
from etl.engines.spark_session import java_home, submit_arguments

pytestmark = pytest.mark.spark


def java(*options: str) -> subprocess.CompletedProcess[str]:
    command = [str(java_home() / "bin" / "java"), *options, "-version"]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_a_local_spark_is_started_with_the_options() -> None:
    assert f"--driver-java-options '{spark_java.options()} -Da=b'" in submit_arguments("-Da=b")


def test_java_reads_the_file_and_writes_no_word_of_it() -> None:
    options = spark_java.options().split()
    assert java(*options).stdout == ""
    assert "1 compiler directives added" in java(*options, "-XX:+DisplayVMOutput").stdout


def test_a_path_that_a_shell_would_take_apart_is_not_given_to_java(tmp_path: Path) -> None:
    folder = tmp_path / "a laptop's folder"
    folder.mkdir()
    copy = folder / "spark_java.json"
    copy.write_text(spark_java.DIRECTIVES.read_text())
    assert str(folder) not in spark_java.options(copy)
    assert "CompilerDirectivesFile" not in spark_java.options(copy)
    java(*spark_java.options(copy).split())


def test_every_pattern_names_classes_that_spark_has() -> None:
    [directive] = loads(spark_java.DIRECTIVES.read_text())
    patterns = {p.removesuffix(".*") for p in directive["match"] if p.startswith("org/")}
    names: set[str] = set()
    for jar in (Path(pyspark.__file__).parent / "jars").glob("*.jar"):
        with zipfile.ZipFile(jar) as classes:
            names.update(classes.namelist())
    assert {p for p in patterns if not any(fnmatchcase(name, p) for name in names)} == set()
