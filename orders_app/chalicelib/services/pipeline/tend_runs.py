"""What the schedule does: takes over a run whose lease ran out, restarts a due one, starts the next."""

import json

from chalicelib.services.pipeline.choose_engine import SPARK
from chalicelib.services.pipeline.fail_run import fail_run, restart_run
from chalicelib.services.pipeline.finish_run import (
    PUBLISHED_KEY,
    Finisher,
    give_up,
    on_published,
    run_checks,
    start_crawl,
)
from chalicelib.services.pipeline.judge_failure import Failure
from chalicelib.services.pipeline.model import NOT_PUBLISHED, BadPayloadError, Driver, Run, State
from chalicelib.services.pipeline.start_run import start_run

_ALIVE = frozenset({"STARTING", "RUNNING", "STOPPING", "WAITING"})


def tend_runs(finisher: Finisher) -> Run | None:
    """The run that was moved on, or the one that was started."""
    starter = finisher.starter
    run = starter.store.active()
    if run is None:
        return start_run(starter)
    now = starter.clock()
    if run.state is State.RETRYING:
        return restart_run(starter, run) if run.retry_at is None or run.retry_at <= now else None
    return take_over(finisher, run) if run.lease_until <= now else None


def take_over(finisher: Finisher, run: Run) -> Run | None:
    """Asks what became of a run before anything is decided about it."""
    starter = finisher.starter
    starter.log.warning("lease ran out", run_id=run.run_id, state=run.state.value)
    if run.state in NOT_PUBLISHED:
        return _after_job(finisher, run)
    now = starter.clock()
    if run.attempt >= starter.rules.max_attempts or run.driver is Driver.WORKFLOW:
        return give_up(finisher, run, f"{run.state.value} did not end in {run.attempt} attempts")
    counted = starter.store.advance(run, run.state, now, attempt=run.attempt + 1)
    if counted is None:
        return None
    return run_checks(finisher, counted) if run.state is State.CHECKING else start_crawl(finisher, counted)


def _after_job(finisher: Finisher, run: Run) -> Run | None:
    starter = finisher.starter
    key = published_by(finisher, run)
    if key is not None:
        return on_published(finisher, key)
    failure = Failure("the lease ran out and the job said nothing")
    if run.engine == SPARK and run.job_run_id:
        try:
            job = starter.engines.job_run(starter.rules.job_name, run.job_run_id)
        except BadPayloadError as error:
            job = {"status": "FAILED", "error_message": str(error)}
        if job["status"] in _ALIVE:
            later = starter.clock() + starter.rules.spark_lease
            return starter.store.advance(run, State.RUNNING, starter.clock(), lease_until=later)
        failure = Failure(job.get("error_message") or failure.cause, job["status"])
    return fail_run(starter, finisher.alerts, run, failure)


def published_by(finisher: Finisher, run: Run) -> str | None:
    """The key of the marker, where it names this run."""
    body = finisher.starter.objects.get(PUBLISHED_KEY)
    try:
        marker = json.loads(body) if body else {}
    except ValueError:
        return None
    return PUBLISHED_KEY if isinstance(marker, dict) and marker.get("run_id") == run.run_id else None
