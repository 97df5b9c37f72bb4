"""How Spark starts in a local job, whoever makes its context: as large as this machine, and for itself only.

A script makes its SparkContext before anything else, as Glue's own examples do; what it did not say itself
comes from here. On Glue, Glue says it.
"""

import os
import shlex
import sys
from pathlib import Path

from etl.engines import spark_archive, spark_java
from scripts.local_cloud.glue_jobs import java

_SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.adaptive.enabled": "false",  # replanning a few small partitions costs more than it saves
    "spark.sql.autoBroadcastJoinThreshold": str(64 << 20),
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_MEMORY = "3g"


def environment(temporary: Path) -> dict[str, str]:
    """What a job's process gets beside its own; everything that Spark writes is in `temporary`."""
    home = java.find_home()
    if home is None:
        return {}
    return {
        "JAVA_HOME": str(home),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": submit_arguments(temporary, os.cpu_count() or 2, home),
        "SPARK_LAUNCHER_OPTS": "-XX:-UsePerfData",
        "SPARK_LOCAL_DIRS": str(temporary),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def submit_arguments(temporary: Path, cores: int, home: Path) -> str:
    """https://spark.apache.org/docs/3.5.6/configuration.html; `home` is the Java's.

    Java starts as that of `python -m etl.job` does, from the archive of its classes where there is one.
    """
    settings = _SETTINGS | {
        "spark.sql.shuffle.partitions": str(2 * cores),
        "spark.sql.warehouse.dir": str(temporary / "warehouse"),
    }
    java_options = f'{spark_java.options()} {spark_archive.java_options(home)} -Djava.io.tmpdir="{temporary}"'
    arguments = ["--master", f"local[{cores}]", "--driver-memory", _MEMORY]
    arguments += ["--driver-java-options", java_options]
    arguments += [text for name, value in settings.items() for text in ("--conf", f"{name}={value}")]
    return shlex.join([*arguments, "pyspark-shell"])
