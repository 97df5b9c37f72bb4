"""Wires the data path's use cases to their adapters, as `bootstrap` does for orders."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex

from chalicelib import logs, names
from chalicelib.pipeline_config import PipelineSettings
from chalicelib.services.pipeline.manifest import Lake
from chalicelib.services.pipeline.model import Run
from chalicelib.services.pipeline.ports import PipelineStore
from chalicelib.services.pipeline.record_arrivals import Message, record_arrivals
from chalicelib.services.pipeline.start_run import RunRules, Starter, start_run


@dataclass(frozen=True)
class Pipeline:
    """Every use case of the data path, bound to what it needs."""

    settings: PipelineSettings
    record_arrivals: Callable[[Sequence[Message]], list[str]]
    start_run: Callable[[], Run | None]


@functools.cache
def pipeline() -> Pipeline:
    """The use cases of this process, built at first use."""
    settings = PipelineSettings.from_env(os.environ)
    return build(settings, _store(_database_url(os.environ)))


def build(settings: PipelineSettings, store: PipelineStore) -> Pipeline:
    starter = _starter(settings, store)
    start = functools.partial(start_run, starter)
    return Pipeline(
        settings=settings,
        record_arrivals=functools.partial(
            record_arrivals,
            store=store,
            start_run=start,
            clock=_now,
            log=logs,
            lake_bucket=settings.lake_bucket,
        ),
        start_run=start,
    )


def _starter(settings: PipelineSettings, store: PipelineStore) -> Starter:
    from chalicelib.adapters.glue import AwsEngines
    from chalicelib.adapters.object_store import S3ObjectStore

    return Starter(
        store=store,
        objects=S3ObjectStore(settings.lake_bucket),
        engines=AwsEngines(small_batch=names.function("etl-small-batch", settings.stage)),
        clock=_now,
        new_id=functools.partial(token_hex, 4),
        log=logs,
        lake=Lake(settings.lake_bucket, names.glue_database(settings.stage)),
        rules=RunRules(
            engine=settings.engine,
            spark_threshold=settings.spark_threshold,
            job_name=names.resource("etl-job", settings.stage),
            duckdb_lease=settings.duckdb_lease,
            spark_lease=settings.spark_lease,
            max_attempts=settings.max_attempts,
            retry_delay=settings.retry_delay,
        ),
    )


def _store(url: str) -> PipelineStore:
    import psycopg

    from chalicelib.adapters.pipeline_store import PostgresPipelineStore

    return PostgresPipelineStore(lambda: psycopg.connect(url))


def _database_url(env: Mapping[str, str]) -> str:
    from chalicelib.adapters.secrets import SecretStore, database_url

    if url := env.get("DATABASE_URL"):
        return url
    name = env.get("DATABASE_SECRET", "")
    return database_url(SecretStore().read(name), name)


def _now() -> datetime:
    return datetime.now(UTC)
