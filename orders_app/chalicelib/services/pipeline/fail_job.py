"""What follows a failed job of no run, started nightly, by the orchestrator or by hand: people are told."""

import json
from collections.abc import Mapping

from chalicelib.services.pipeline.choose_engine import SPARK
from chalicelib.services.pipeline.judge_failure import Failure, judge_failure
from chalicelib.services.pipeline.model import BadPayloadError, Driver, Run, State
from chalicelib.services.pipeline.ports import Alerts
from chalicelib.services.pipeline.start_run import Starter

ATTEMPT, MANIFEST = "--attempt", "--manifest"  # arguments of a job run; the job itself lets the first be
ATTEMPTS = 2


def arguments_of(starter: Starter, job_name: str, job_run_id: str) -> Mapping[str, str] | None:
    """What the job run was started with, None where Glue knows no such run."""
    try:
        found: Mapping[str, str] = starter.engines.job_run(job_name, job_run_id)["arguments"]
    except BadPayloadError:
        return None
    return found


def fail_job(
    starter: Starter, alerts: Alerts, job_name: str, job_run_id: str, failure: Failure
) -> Run | None:
    """The failure as an ended run of the history, None where it was noted before.

    It has no files and holds no lock. It is told of once a job run, and the job is started once more where
    that may help; the count goes with the arguments.
    """
    arguments = arguments_of(starter, job_name, job_run_id)
    now, attempt = starter.clock(), _attempt(arguments or {})
    failed = Run(
        run_id=f"job-{job_run_id}",
        state=State.FAILED,
        driver=Driver.EVENTS,
        started_at=now,
        lease_until=now,
        attempt=attempt,
        engine=SPARK,
        reason="started outside of the starter",
        job_run_id=job_run_id,
        error=failure.cause,
    )
    if not starter.store.note_failed(failed):
        return None
    next_step = _start_again(starter, job_name, arguments, failure, attempt)
    said = {"job_name": job_name, "job_run_id": job_run_id, "attempt": attempt, "cause": failure.cause}
    starter.log.warning("job of no run failed", **said, next_step=next_step)
    subject = f"ETL job {job_name} failed"
    tell(starter, alerts, subject, _letter(failed, job_name, failure, next_step, arguments or {}))
    alerts.alert(subject, {**said, "state": failure.state, "next_step": next_step})
    return failed


def tell(starter: Starter, alerts: Alerts, subject: str, text: str) -> None:
    """Mails it; a mail that cannot be sent is logged, for the alert goes out all the same."""
    try:
        alerts.mail(subject, text)
    except Exception as error:
        starter.log.error("mail not sent", cause=f"{type(error).__name__}: {error}")


def _start_again(
    starter: Starter, job_name: str, arguments: Mapping[str, str] | None, failure: Failure, attempt: int
) -> str:
    """What was done, or why nothing was."""
    verdict = judge_failure(failure, attempt, ATTEMPTS)
    if not verdict.retry:
        return f"not started again: {verdict.why}"
    if arguments is None:
        return "not started again: Glue no longer knows what it was started with"
    if MANIFEST in arguments:
        return "not started again: its run was given back, and another takes its files"
    try:
        again = starter.engines.start_job(job_name, {**arguments, ATTEMPT: str(attempt + 1)})
    except Exception as error:
        return f"not started again: {type(error).__name__}: {error}"
    return f"started again as {again}"


def _attempt(arguments: Mapping[str, str]) -> int:
    given = arguments.get(ATTEMPT, "")
    return int(given) if given.isdigit() else 1


def _letter(
    failed: Run, job_name: str, failure: Failure, next_step: str, arguments: Mapping[str, str]
) -> str:
    lines = [
        f"Job run {failed.job_run_id} of {job_name} ended as {failure.state} in attempt {failed.attempt}.",
        f"Cause: {failure.cause}",
        "No run of the pipeline started it: the nightly trigger did, the orchestrator, or somebody by hand.",
        f"It was {next_step}.",
        "By hand: aws glue start-job-run"
        f" --job-name {job_name} --arguments '{json.dumps(dict(arguments), sort_keys=True)}'",
    ]
    return "\n".join(lines)
