"""Chooses the engine of a run by the size of its batch, and says why."""

from chalicelib.services.pipeline.model import Engine

DUCKDB, SPARK, AUTO = "duckdb", "spark", "auto"
ENGINES = (AUTO, DUCKDB, SPARK)


def choose_engine(size: int, setting: str, threshold: int) -> Engine:
    """`setting` is auto, duckdb or spark; under auto a batch above `threshold` bytes goes to Spark."""
    if setting != AUTO:
        return Engine(setting, f"ETL_ENGINE is {setting}")
    if size > threshold:
        return Engine(SPARK, f"{size} bytes are above the threshold of {threshold}")
    return Engine(DUCKDB, f"{size} bytes are within the threshold of {threshold}")
