"""Starts the next run: takes the lock and the pending files, writes their manifest, starts an engine."""

import json
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.services.pipeline.choose_engine import DUCKDB, choose_engine
from chalicelib.services.pipeline.manifest import PUBLISHED_KEY, Lake, manifest_key, write_manifest
from chalicelib.services.pipeline.model import (
    Driver,
    Engine,
    EngineBusyError,
    RawFile,
    Run,
    State,
    total_bytes,
)
from chalicelib.services.pipeline.ports import Clock, Engines, Log, NewId, Objects, PipelineStore


@dataclass(frozen=True)
class RunRules:
    """Settings of runs. A lease must outlive the longest run of its engine."""

    engine: str
    spark_threshold: int
    job_name: str
    duckdb_lease: timedelta
    spark_lease: timedelta
    max_files: int = 5000
    max_attempts: int = 3
    retry_delay: timedelta = timedelta(seconds=60)
    max_quarantined_share: float | None = None  # None: the job's own
    currency: str | None = None  # what all is settled in; rows of another are rejected

    def lease(self, engine: str) -> timedelta:
        return self.duckdb_lease if engine == DUCKDB else self.spark_lease


@dataclass(frozen=True)
class Starter:
    """What starting needs; `start_run` and `restart_run` share it."""

    store: PipelineStore
    objects: Objects
    engines: Engines
    clock: Clock
    new_id: NewId
    log: Log
    lake: Lake
    rules: RunRules


def start_run(starter: Starter) -> Run | None:
    """The run started, or None where one is on, nothing is pending, or the engine is busy.

    A start that fails gives its files back and raises; the schedule tries again.
    """
    claimed = claim_run(starter, Driver.EVENTS)
    if claimed is None:
        return None
    run, files = claimed
    try:
        return launch(starter, run, files)
    except EngineBusyError as error:
        starter.store.give_back(run)
        starter.log.info("engine busy, run put back", run_id=run.run_id, cause=str(error))
        return None
    except Exception:
        starter.store.give_back(run)
        raise


def claim_run(
    starter: Starter, driver: Driver, execution: str | None = None
) -> tuple[Run, list[RawFile]] | None:
    """The lock, the files and the written manifest of a new run, or None where there is nothing to do."""
    now = starter.clock()
    lease = max(starter.rules.duckdb_lease, starter.rules.spark_lease)
    run_id = f"run-{now:%Y%m%dT%H%M%S}-{starter.new_id()}"
    manifest = manifest_key(run_id)
    run = Run(run_id, State.STARTING, driver, now, now + lease, manifest=manifest, execution=execution)
    files = starter.store.claim(run, starter.rules.max_files)
    return (run, files) if files else None


def launch(starter: Starter, run: Run, files: list[RawFile]) -> Run | None:
    """Writes the manifest and starts the engine; the run as it stands then, None if it is past that."""
    write(starter, run, files)
    rules = starter.rules
    engine = choose_engine(total_bytes(files), silver_bytes(starter), rules.engine, rules.spark_threshold)
    return run_engine(starter, run, engine)


def silver_bytes(starter: Starter) -> int:
    """How large silver is, as the latest run published it; 0 before the first."""
    try:
        marker = json.loads(starter.objects.get(PUBLISHED_KEY) or b"{}")
        return int(marker.get("silver_bytes", 0))
    except (ValueError, TypeError, AttributeError):
        return 0  # whoever reads it for the checks complains


def write(starter: Starter, run: Run, files: list[RawFile]) -> None:
    rules = starter.rules
    given = {"max_quarantined_share": rules.max_quarantined_share, "currency": rules.currency}
    options = {name: value for name, value in given.items() if value is not None}
    body = write_manifest(run, files, starter.lake, options)
    starter.objects.put(manifest_key(run.run_id), body, "application/json")
    starter.log.info("manifest written", run_id=run.run_id, files=len(files), bytes=total_bytes(files))


def run_engine(starter: Starter, run: Run, engine: Engine) -> Run | None:
    """Notes the choice first: whoever finds the run after a crash knows whom to ask about it."""
    starter.log.info("engine chosen", run_id=run.run_id, engine=engine.name, reason=engine.reason)
    now = starter.clock()
    lease = now + starter.rules.lease(engine.name)
    chosen = {"engine": engine.name, "reason": engine.reason, "lease_until": lease}
    noted = starter.store.advance(run, State.RUNNING, now, **chosen)
    if noted is None:
        return None
    uri = starter.lake.uri(manifest_key(run.run_id))
    if engine.name == DUCKDB:
        payload = {"run_id": run.run_id, "manifest": uri, "attempt": run.attempt}
        job_run_id = starter.engines.start_small_batch(payload)
    else:
        job_run_id = starter.engines.start_job(starter.rules.job_name, {"--manifest": uri})
    return starter.store.advance(noted, State.RUNNING, now, job_run_id=job_run_id)
