"""GlueContext: the Spark session; its dynamic frames are not here."""

import logging
from typing import Any


class GlueContext:
    """Wraps a SparkContext, as Glue's does."""

    def __init__(self, spark_context: Any, **_: Any) -> None:
        from pyspark.sql import SparkSession

        self._spark_context = spark_context
        self.spark_session = SparkSession.builder.getOrCreate()

    def get_logger(self) -> logging.Logger:
        return logging.getLogger("glue")

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(
            f"the local Glue has no GlueContext.{name}; read and write with Spark itself"
        )
