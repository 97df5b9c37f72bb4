"""What follows a failed job: the one retry there is, or people are told and the lock is let go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.json_values import parsed
from chalicelib.services.pipeline.choose_engine import AUTO, SPARK
from chalicelib.services.pipeline.fail_job import MANIFEST, arguments_of, fail_job, tell
from chalicelib.services.pipeline.finish_run import start_next
from chalicelib.services.pipeline.judge_failure import Failure, Verdict, judge_failure
from chalicelib.services.pipeline.model import (
    NOT_PUBLISHED,
    BadMessageError,
    Driver,
    Engine,
    RawFile,
    Run,
    State,
)
from chalicelib.services.pipeline.ports import Alerts
from chalicelib.services.pipeline.start_run import Starter, run_engine

SHOWN_FILES = 20


@dataclass(frozen=True)
class JobFailure:
    """A message of job-failures-queue, understood."""

    failure: Failure
    run_id: str | None = None
    attempt: int | None = None
    job_name: str | None = None
    job_run_id: str | None = None


def read_failure(body: str) -> JobFailure:
    """Reads Glue's state change from EventBridge, or the record of Lambda's failure destination.

    https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    try:
        event = parsed(body)
        if "detail" in event:
            detail = event["detail"]
            failure = Failure(detail.get("message") or "no message", detail["state"])
            return JobFailure(failure, job_name=detail["jobName"], job_run_id=detail["jobRunId"])
        payload, answer = event["requestPayload"], event.get("responsePayload") or {}
        failure = Failure(_lambda_cause(event, answer))
        return JobFailure(failure, run_id=payload["run_id"], attempt=int(payload.get("attempt", 1)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadMessageError(f"neither a Glue state change nor a Lambda failure: {error!r}") from error


def handle_failure(starter: Starter, alerts: Alerts, body: str) -> Run | None:
    """The run after the verdict, None where the failure is not that of a run's current attempt."""
    told = read_failure(body)
    run = starter.store.get(told.run_id) if told.run_id else _run_of_job(starter, told)
    if run is not None:
        return fail_run(starter, alerts, run, told.failure) if _is_current(starter, run, told) else None
    if told.job_name and told.job_run_id:
        return fail_job(starter, alerts, told.job_name, told.job_run_id, told.failure)
    starter.log.warning("failure of no known run", run_id=told.run_id, cause=told.failure.cause)
    return None


def fail_run(starter: Starter, alerts: Alerts, run: Run, failure: Failure) -> Run | None:
    """Retries or ends a run whose current attempt failed."""
    attempts = starter.rules.max_attempts if run.driver is Driver.EVENTS else 1
    verdict = judge_failure(failure, run.attempt, attempts)
    said = {"run_id": run.run_id, "attempt": run.attempt, "cause": failure.cause}
    starter.log.warning("run failed", **said, retry=verdict.retry, why=verdict.why)
    if verdict.retry:
        return _retry(starter, run, failure, verdict)
    return end_failed(starter, alerts, run, f"{failure.cause} ({verdict.why})")


def restart_run(starter: Starter, run: Run) -> Run | None:
    """The next attempt of a run that waits for it, with the same manifest."""
    again = starter.store.advance(run, State.STARTING, starter.clock(), job_run_id=None, retry_at=None)
    if again is None:
        return None
    try:
        return run_engine(starter, again, Engine(run.engine or SPARK, run.reason or "retry"))
    except Exception as error:
        current = starter.store.get(run.run_id)
        if current is not None and current.state in (State.STARTING, State.RUNNING):
            later = starter.clock() + starter.rules.retry_delay
            starter.store.advance(current, State.RETRYING, starter.clock(), retry_at=later)
        starter.log.warning("run not restarted", run_id=run.run_id, cause=f"{type(error).__name__}: {error}")
        return None


def end_failed(starter: Starter, alerts: Alerts, run: Run, error: str) -> Run | None:
    """Lets go of the lock and tells people, once, which files wait for them."""
    files = starter.store.files_of(run.run_id)
    ended = starter.store.advance(run, State.FAILED, starter.clock(), error=error)
    if ended is None:
        return None
    subject = f"ETL run {run.run_id} failed"
    tell(starter, alerts, subject, _letter(ended, files, error))
    alerts.alert(
        subject, {"run_id": run.run_id, "attempts": run.attempt, "files": len(files), "cause": error}
    )
    start_next(starter)
    return ended


def _retry(starter: Starter, run: Run, failure: Failure, verdict: Verdict) -> Run | None:
    now = starter.clock()
    wait = starter.rules.retry_delay * run.attempt
    changes: dict[str, Any] = {"attempt": run.attempt + 1, "retry_at": now + wait, "error": failure.cause}
    if verdict.larger_engine and starter.rules.engine == AUTO:
        changes |= {"engine": SPARK, "reason": f"too large for {run.engine}: {failure.cause[:200]}"}
    waiting = starter.store.advance(run, State.RETRYING, now, **changes)
    if waiting is None or wait:
        return waiting  # the schedule restarts it
    return restart_run(starter, waiting)


def _is_current(starter: Starter, run: Run, told: JobFailure) -> bool:
    """Whether it is of the run's current attempt: an old message must not count against a newer one."""
    old_attempt = told.attempt not in (None, run.attempt)
    old_job = told.job_run_id is not None and run.job_run_id not in (None, told.job_run_id)
    if (
        old_attempt
        or old_job
        or run.state not in NOT_PUBLISHED - {State.RETRYING}
        or run.driver is Driver.WORKFLOW
    ):
        starter.log.info("failure already dealt with", run_id=run.run_id, state=run.state.value)
        return False
    return True


def _run_of_job(starter: Starter, told: JobFailure) -> Run | None:
    """By the noted job run, else by the manifest that Glue says it was started with."""
    run = starter.store.find_by_job_run(told.job_run_id or "")
    if run is not None or told.job_name is None or told.job_run_id is None:
        return run
    arguments = arguments_of(starter, told.job_name, told.job_run_id) or {}
    name = arguments.get(MANIFEST, "").rsplit("/", 1)[-1]
    return starter.store.get(name.removesuffix(".json"))


def _lambda_cause(event: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    if "errorMessage" in answer:
        return f"{answer.get('errorType', 'Error')}: {answer['errorMessage']}"
    return str(event["requestContext"].get("condition", "no answer"))


def _letter(run: Run, files: list[RawFile], error: str) -> str:
    listed = [f"  {file.key}  version {file.version_id or file.etag}" for file in files[:SHOWN_FILES]]
    if len(files) > SHOWN_FILES:
        listed.append(f"  and {len(files) - SHOWN_FILES} more")
    lines = [
        f"Run {run.run_id} ended after {run.attempt} attempt(s) on {run.engine}.",
        f"Cause: {error}",
        "Its tables were not published. Files that wait for a decision:",
        *listed,
        f"To take them in again: python -m scripts.reingest --stage STAGE --run {run.run_id}",
    ]
    return "\n".join(lines)
