"""A failed job is retried a counted number of times, or people are told and the lock is let go."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.services.pipeline.fail_job import fail_job
from chalicelib.services.pipeline.fail_run import handle_failure
from chalicelib.services.pipeline.finish_run import on_published
from chalicelib.services.pipeline.judge_failure import Failure, judge_failure
from chalicelib.services.pipeline.model import BadMessageError, Run, State
from chalicelib.services.pipeline.tend_runs import tend_runs
from tests.unit.pipeline.builders import World

AT_ONCE = timedelta(0)


def lambda_failure(run: Run, error: str = "OSError", message: str = "connection lost", **payload: Any) -> str:
    """The record that Lambda sends to a failure destination."""
    return json.dumps(
        {
            "version": "1.0",
            "requestContext": {
                "requestId": "r",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 1,
            },
            "requestPayload": {"run_id": run.run_id, "attempt": run.attempt} | payload,
            "responsePayload": {"errorType": error, "errorMessage": message},
        }
    )


def glue_failure(job_run_id: str, state: str = "FAILED", message: str = "connection lost") -> str:
    """EventBridge's Glue Job State Change."""
    detail = {"jobName": "etl-job-local", "jobRunId": job_run_id, "state": state, "message": message}
    return json.dumps({"source": "aws.glue", "detail-type": "Glue Job State Change", "detail": detail})


def fail(world: World, body: str) -> Run | None:
    return handle_failure(world.starter, world.alerts, body)


def test_what_may_pass_is_started_again_with_the_same_manifest() -> None:
    world = World(retry_delay=AT_ONCE)
    run = world.running()
    fail(world, lambda_failure(run))
    first, second = world.engines.small
    assert second == {**first, "attempt": 2}
    assert (world.run(run.run_id).state, world.run(run.run_id).attempt) == (State.RUNNING, 2)


def test_a_retry_waits_for_its_time() -> None:
    world = World(retry_delay=timedelta(seconds=60))
    run = world.running()
    fail(world, lambda_failure(run))
    tend_runs(world.finisher)
    assert (len(world.engines.small), world.run(run.run_id).state) == (1, State.RETRYING)
    world.clock.pass_(seconds=61)
    tend_runs(world.finisher)
    assert (len(world.engines.small), world.run(run.run_id).state) == (2, State.RUNNING)


def test_after_the_last_attempt_people_are_told_and_the_lock_is_free() -> None:
    world = World(retry_delay=AT_ONCE)
    run = world.running()
    for _ in range(3):
        fail(world, lambda_failure(world.run(run.run_id)))
    ended = world.run(run.run_id)
    assert (ended.state, len(world.engines.small), world.store.active()) == (State.FAILED, 3, None)
    assert (len(world.alerts.alerts), len(world.alerts.mails)) == (1, 1)
    assert "raw-data/sales_data.csv" in world.alerts.mails[0][1]
    assert "it failed 3 times" in world.alerts.mails[0][1]


def test_what_does_not_pass_is_mailed_at_once_and_never_retried() -> None:
    world = World(retry_delay=AT_ONCE)
    run = world.running()
    fail(world, lambda_failure(run, "QualityThresholdError", "100 of 100 rows were rejected"))
    assert (len(world.engines.small), world.run(run.run_id).state) == (1, State.FAILED)
    assert "100 of 100 rows were rejected" in world.alerts.mails[0][1]


def test_a_failure_delivered_twice_counts_once() -> None:
    world = World(retry_delay=AT_ONCE)
    run = world.running()
    body = lambda_failure(run)
    fail(world, body)
    fail(world, body)
    assert (world.run(run.run_id).attempt, len(world.engines.small)) == (2, 2)


def test_a_failed_run_is_mailed_once_however_often_its_failure_is_delivered() -> None:
    world = World()
    run = world.running()
    body = lambda_failure(run, "InputError")
    fail(world, body)
    fail(world, body)
    assert len(world.alerts.mails) == 1


def test_a_mail_that_cannot_be_sent_does_not_hold_the_lock() -> None:
    world = World()
    world.alerts.mail_broken = True
    fail(world, lambda_failure(world.running(), "InputError"))
    assert (world.store.active(), len(world.alerts.alerts)) == (None, 1)


def test_the_next_run_starts_when_one_has_failed() -> None:
    world = World()
    run = world.running()
    world.arrive("raw-data/late.csv")
    fail(world, lambda_failure(run, "InputError"))
    assert world.store.states() == {"raw-data/sales_data.csv": "failed", "raw-data/late.csv": "claimed"}


def test_a_batch_too_large_for_the_lambda_is_retried_on_spark() -> None:
    world = World(retry_delay=AT_ONCE)
    run = world.running()
    fail(world, lambda_failure(run, "Sandbox.Timedout", "Task timed out after 900.00 seconds"))
    again = world.run(run.run_id)
    assert (again.engine, len(world.engines.jobs)) == ("spark", 1)
    assert again.reason is not None
    assert again.reason.startswith("too large for duckdb")


def test_a_glue_job_that_failed_is_retried_under_its_new_job_run() -> None:
    world = World(retry_delay=AT_ONCE, engine="spark")
    run = world.running()
    fail(world, glue_failure("jr_1"))
    assert (world.run(run.run_id).job_run_id, world.run(run.run_id).attempt) == ("jr_2", 2)


def test_the_failure_of_an_earlier_job_run_does_not_count_against_the_current_one() -> None:
    world = World(retry_delay=AT_ONCE, engine="spark")
    run = world.running()
    fail(world, glue_failure("jr_1"))
    manifest = f"s3://lake/temp/manifests/{run.run_id}.json"
    world.engines.states["jr_1"] = {"status": "FAILED", "arguments": {"--manifest": manifest}}
    fail(world, glue_failure("jr_1"))
    assert world.run(run.run_id).attempt == 2


def test_a_job_whose_id_was_never_noted_is_known_by_its_manifest() -> None:
    world = World(retry_delay=AT_ONCE, engine="spark")
    run = world.running()
    world.store.runs[run.run_id] = started = world.run(run.run_id).__class__(
        **{**world.run(run.run_id).__dict__, "job_run_id": None}
    )
    manifest = f"s3://lake/temp/manifests/{run.run_id}.json"
    world.engines.states["jr_x"] = {"status": "FAILED", "arguments": {"--manifest": manifest}}
    fail(world, glue_failure("jr_x"))
    assert (started.attempt, world.run(run.run_id).attempt) == (1, 2)


def test_a_job_that_somebody_stopped_is_not_started_again() -> None:
    world = World(retry_delay=AT_ONCE, engine="spark")
    run = world.running()
    fail(world, glue_failure("jr_1", "STOPPED"))
    assert (world.run(run.run_id).state, len(world.engines.jobs)) == (State.FAILED, 1)


def test_a_failure_after_publication_changes_nothing() -> None:
    world = World()
    run = world.running()
    on_published(world.finisher, world.publish(run.run_id))
    assert fail(world, lambda_failure(run)) is None
    assert world.run(run.run_id).state is State.CRAWLING


def unstarted(world: World, job_run_id: str, **arguments: str) -> str:
    """The failure of a job that no run started: by the nightly trigger, the orchestrator or hand."""
    named = {f"--{name}": value for name, value in arguments.items()}
    world.engines.states[job_run_id] = {"status": "FAILED", "arguments": named}
    return job_run_id


def test_a_failed_job_of_no_run_is_started_once_more_and_people_are_told_of_both_failures() -> None:
    world = World()
    fail(world, glue_failure(unstarted(world, "jr_night", database_name="order_lake_local")))
    again = {"--database_name": "order_lake_local", "--attempt": "2"}
    assert world.engines.jobs == [("etl-job-local", again)]
    unstarted(world, "jr_1", database_name="order_lake_local", attempt="2")
    fail(world, glue_failure("jr_1"))
    assert len(world.engines.jobs) == 1
    first, second = (text for _, text in world.alerts.mails)
    assert "started again as jr_1" in first
    assert "not started again: it failed 2 times" in second
    assert [details["job_run_id"] for _, details in world.alerts.alerts] == ["jr_night", "jr_1"]


def test_a_failed_job_of_no_run_is_in_the_history_and_holds_no_lock() -> None:
    world = World()
    run = world.running()
    fail(world, glue_failure(unstarted(world, "jr_night"), message="QualityThresholdError: 60 of 120"))
    kept = world.run("job-jr_night")
    assert (kept.state, kept.error) == (State.FAILED, "QualityThresholdError: 60 of 120")
    assert (world.store.active(), world.engines.jobs) == (run, [])


def test_a_failed_job_of_no_run_is_told_of_once_however_often_its_failure_is_delivered() -> None:
    world = World()
    body = glue_failure(unstarted(world, "jr_night"))
    assert fail(world, body) is not None
    assert fail(world, body) is None
    assert (len(world.alerts.mails), len(world.alerts.alerts), len(world.engines.jobs)) == (1, 1, 1)


def test_of_two_deliveries_at_the_same_moment_one_is_told() -> None:
    world = World()
    unstarted(world, "jr_night")
    told = [
        fail_job(world.starter, world.alerts, "etl-job-local", "jr_night", Failure("connection lost"))
        for _ in range(2)
    ]
    assert [failed is not None for failed in told] == [True, False]
    assert (len(world.alerts.mails), len(world.engines.jobs)) == (1, 1)


@pytest.mark.parametrize(
    ("state", "message", "why"),
    [
        ("FAILED", "QualityThresholdError: 60 of 120 rows", "QualityThresholdError does not pass by itself"),
        ("STOPPED", "Job run stopped", "somebody stopped it"),
    ],
)
def test_a_job_of_no_run_that_would_fail_again_is_only_told_of(state: str, message: str, why: str) -> None:
    world = World()
    fail(world, glue_failure(unstarted(world, "jr_night"), state, message))
    assert world.engines.jobs == []
    [(subject, text)] = world.alerts.mails
    assert subject == "ETL job etl-job-local failed"
    assert f"not started again: {why}" in text
    assert message in text


def test_a_job_of_no_run_that_cannot_be_started_again_is_told_of_with_the_reason() -> None:
    world = World()
    world.engines.busy = True
    fail(world, glue_failure(unstarted(world, "jr_night")))
    assert "not started again: EngineBusyError" in world.alerts.mails[0][1]


def test_a_job_whose_run_was_given_back_is_not_started_again() -> None:
    world = World()
    fail(world, glue_failure(unstarted(world, "jr_old", manifest="s3://lake/temp/manifests/run-gone.json")))
    assert (world.engines.jobs, len(world.alerts.mails)) == ([], 1)


def test_a_failed_job_that_glue_has_forgotten_is_told_of_all_the_same() -> None:
    world = World()
    fail(world, glue_failure("jr_unknown"))
    assert "Glue no longer knows" in world.alerts.mails[0][1]


def test_a_failed_job_is_told_of_by_alert_where_no_mail_can_be_sent() -> None:
    world = World()
    world.alerts.mail_broken = True
    fail(world, glue_failure(unstarted(world, "jr_night")))
    assert len(world.alerts.alerts) == 1


@pytest.mark.parametrize("body", ["rubbish", "[]", "{}", '{"detail": {}}', '{"detail": null}', "[" * 100_000])
def test_a_message_that_is_no_failure_goes_to_the_dead_letters(body: str) -> None:
    with pytest.raises(BadMessageError):
        fail(World(), body)


@pytest.mark.parametrize(
    ("cause", "retry", "larger"),
    [
        ("OSError: connection lost", True, False),
        ("Runtime.ExitError: signal: killed", True, True),
        ("java.lang.OutOfMemoryError: Java heap space", True, True),
        ("AccessDenied when calling GetObject", False, False),
        ("ModuleNotFoundError: No module named 'etl'", False, False),
        ("Runtime.ImportModuleError: Unable to import module 'etl.x'", False, False),
    ],
)
def test_the_words_of_an_error_say_whether_it_may_pass(cause: str, retry: bool, larger: bool) -> None:
    verdict = judge_failure(Failure(cause), attempt=1, max_attempts=3)
    assert (verdict.retry, verdict.larger_engine) == (retry, larger)
