"""What the schedule does: takes over a run whose lease ran out, restarts a due one, starts the next."""

from chalicelib.services.pipeline.choose_engine import SPARK
from chalicelib.services.pipeline.fail_run import fail_run, restart_run
from chalicelib.services.pipeline.finish_run import (
    Finisher,
    close,
    facts_of,
    give_up,
    last_checked,
    note_published,
    read_report,
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
        return start_run(starter) or look_again(finisher)
    now = starter.clock()
    if run.state is State.RETRYING:
        return restart_run(starter, run) if run.retry_at is None or run.retry_at <= now else None
    return take_over(finisher, run) if run.lease_until <= now else None


def look_again(finisher: Finisher) -> Run | None:
    """Checks once more what passed only because money was moving, until it agrees or has moved too long.

    Nothing is said where another run came in between: its own checks say it.
    """
    starter = finisher.starter
    latest, run = starter.store.recent(1), last_checked(starter)
    if run is None or run.state is not State.SUCCEEDED or not run.report["checks"].get("moving"):
        return None
    if run.lease_until > starter.clock():
        return None
    result = finisher.checker.check(facts_of(finisher, run))
    return close(finisher, run, result) if starter.store.recent(1) == latest else None


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
    if published(finisher, run):
        return note_published(finisher, {"run_id": run.run_id})
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


def published(finisher: Finisher, run: Run) -> bool:
    """By its own report: the marker may be another run's by now."""
    return read_report(finisher, run.run_id).get("status") == "succeeded"
