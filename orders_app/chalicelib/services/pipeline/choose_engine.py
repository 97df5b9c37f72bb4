"""Chooses the engine of a run by the size of what it reads, and says why."""

from chalicelib.services.pipeline.model import Engine

DUCKDB, SPARK, AUTO = "duckdb", "spark", "auto"
ENGINES = (AUTO, DUCKDB, SPARK)


def choose_engine(batch: int, silver: int, setting: str, threshold: int) -> Engine:
    """`setting` is auto, duckdb or spark; under auto more than `threshold` bytes go to Spark.

    A run reads its batch and, for versions and whole customers, all of silver: the Lambda must hold both.
    """
    if setting != AUTO:
        return Engine(setting, f"ETL_ENGINE is {setting}")
    size = f"{batch + silver} bytes (batch {batch}, silver {silver})"
    if batch + silver > threshold:
        return Engine(SPARK, f"{size} are above the threshold of {threshold}")
    return Engine(DUCKDB, f"{size} are within the threshold of {threshold}")
