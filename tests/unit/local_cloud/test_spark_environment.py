"""What a Spark job starts with: this one machine, the folder of its run, nothing for others to reach."""

import shlex
from pathlib import Path

from scripts.local_cloud.glue_jobs.spark import submit_arguments

FOLDER = Path("/a laptop's folder/run/tmp")


def test_spark_is_as_large_as_the_machine_and_listens_to_it_alone() -> None:
    arguments = shlex.split(submit_arguments(FOLDER, 4))
    assert arguments[:4] == ["--master", "local[4]", "--driver-memory", "3g"]
    assert arguments[-1] == "pyspark-shell"
    settings = dict(text.split("=", 1) for text in arguments if text.startswith("spark."))
    assert settings["spark.driver.bindAddress"] == settings["spark.driver.host"] == "127.0.0.1"
    assert (settings["spark.ui.enabled"], settings["spark.sql.shuffle.partitions"]) == ("false", "8")


def test_what_spark_and_java_write_is_in_the_folder_of_the_run_whatever_its_name() -> None:
    arguments = shlex.split(submit_arguments(FOLDER, 1))
    options = arguments[arguments.index("--driver-java-options") + 1]
    assert f'-Djava.io.tmpdir="{FOLDER}"' in options
    assert "-XX:-UsePerfData" in options
    assert f"spark.sql.warehouse.dir={FOLDER}/warehouse" in arguments
