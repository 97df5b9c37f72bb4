"""Two engines that run the same SQL: DuckDB in one process, Spark on Glue or locally."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from etl.engines.base import Engine
from etl.engines.work import work_folder
from etl.errors import InputError

NAMES = ("duckdb", "spark")


@contextmanager
def open_engine(name: str, **options: Any) -> Iterator[Engine]:
    """An engine with a work folder of its own, both gone afterwards."""
    with work_folder() as work:
        engine = _make(name, work, **options)
        try:
            yield engine
        finally:
            engine.close()


def _make(name: str, work: Path, **options: Any) -> Engine:
    if name == "duckdb":
        from etl.engines.duckdb_engine import DuckDbEngine

        return DuckDbEngine(work, **options)
    if name == "spark":
        try:
            import pyspark  # noqa: F401
        except ImportError as error:
            raise InputError(
                "Spark is not installed: pip install -r etl/requirements-spark.txt, or take --engine duckdb"
            ) from error
        from etl.engines.spark_engine import SparkEngine

        return SparkEngine(work, **options)
    raise InputError(f"unknown engine {name!r}, expected one of {', '.join(NAMES)}")
