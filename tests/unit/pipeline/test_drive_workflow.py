"""The state machine's runs hold the same lock as those of the events, and are moved on by it alone."""

from typing import Any

import pytest

from chalicelib.services.pipeline.drive_workflow import check_run, fail_workflow_run, prepare_run
from chalicelib.services.pipeline.finish_run import on_crawled, on_published
from chalicelib.services.pipeline.model import BadPayloadError, State
from chalicelib.services.pipeline.start_run import start_run
from tests.unit.pipeline.builders import BUCKET, World


def prepared(world: World) -> str:
    world.arrive("raw-data/a.csv")
    return str(prepare_run(world.finisher, {})["runId"])


def test_a_prepared_run_has_a_manifest_and_holds_the_lock() -> None:
    world = World()
    world.arrive("raw-data/a.csv")
    answer = prepare_run(world.finisher, {})
    run_id = answer["runId"]
    assert answer == {
        "outcome": "prepared",
        "runId": run_id,
        "manifest": f"s3://{BUCKET}/temp/manifests/{run_id}.json",
        "files": 1,
    }
    world.arrive("raw-data/b.csv")
    assert start_run(world.starter) is None


def test_while_another_run_is_on_the_workflow_hears_busy() -> None:
    world = World()
    run = world.running()
    world.arrive("raw-data/b.csv")
    assert prepare_run(world.finisher, {}) == {"outcome": "busy", "runId": run.run_id}


def test_an_execution_that_asks_again_gets_its_own_run_with_its_manifest() -> None:
    world = World()
    world.arrive("raw-data/a.csv")
    first = prepare_run(world.finisher, {"execution": "execution-1"})
    world.objects.stored.clear()  # the first attempt may have died before it wrote
    assert prepare_run(world.finisher, {"execution": "execution-1"}) == first
    assert list(world.objects.stored) == [f"temp/manifests/{first['runId']}.json"]


@pytest.mark.parametrize("asked", [{"execution": "execution-2"}, {}])
def test_another_execution_hears_busy_of_a_prepared_run(asked: dict[str, str]) -> None:
    world = World()
    world.arrive("raw-data/a.csv")
    first = prepare_run(world.finisher, {"execution": "execution-1"})
    assert prepare_run(world.finisher, asked) == {"outcome": "busy", "runId": first["runId"]}


def test_an_execution_whose_run_is_published_hears_busy() -> None:
    world = World()
    world.arrive("raw-data/a.csv")
    first = prepare_run(world.finisher, {"execution": "execution-1"})
    on_published(world.finisher, world.publish(first["runId"]))
    assert prepare_run(world.finisher, {"execution": "execution-1"})["outcome"] == "busy"


def test_with_nothing_pending_there_is_nothing_to_do() -> None:
    assert prepare_run(World().finisher, {}) == {"outcome": "nothing"}


def test_the_marker_of_a_workflows_run_does_not_start_a_second_crawl() -> None:
    world = World()
    run_id = prepared(world)
    on_published(world.finisher, world.publish(run_id))
    on_crawled(world.finisher, True, "")
    assert (world.crawlers.starts, world.checker.asked) == (0, [])
    assert world.run(run_id).state is State.PUBLISHED


@pytest.mark.parametrize("marked", [True, False])
def test_the_workflow_checks_its_run_and_closes_it(marked: bool) -> None:
    world = World()
    run_id = prepared(world)
    key = world.publish(run_id)
    if marked:
        on_published(world.finisher, key)
    assert check_run(world.finisher, {"runId": run_id})["outcome"] == "succeeded"
    assert (world.store.active(), world.store.states()) == (None, {"raw-data/a.csv": "done"})


def test_checks_repeated_by_a_retry_answer_the_same() -> None:
    world = World()
    run_id = prepared(world)
    world.checker.findings = [{"name": "fresh", "passed": False, "detail": "old"}]
    first = check_run(world.finisher, {"runId": run_id})
    assert first["outcome"] == "checks_failed"
    assert check_run(world.finisher, {"runId": run_id}) == first
    assert len(world.alerts.alerts) == 1


def test_a_workflow_that_failed_lets_go_of_the_lock_and_people_are_told() -> None:
    world = World()
    run_id = prepared(world)
    answer = fail_workflow_run(world.finisher, {"runId": run_id, "cause": "job failed"})
    assert (answer["outcome"], answer["error"], world.store.active()) == ("failed", "job failed", None)
    assert (len(world.alerts.alerts), len(world.alerts.mails)) == (1, 1)


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({"failure": {"Error": "States.Timeout"}}, "States.Timeout"),
        ({"failure": {"Error": "CrawlFailed", "Cause": "no bucket"}}, "CrawlFailed: no bucket"),
        ({"failure": None}, "the workflow failed"),
        ({}, "the workflow failed"),
    ],
)
def test_a_failure_is_told_with_what_is_known_of_it(payload: dict[str, Any], error: str) -> None:
    world = World()
    answer = fail_workflow_run(world.finisher, {"runId": prepared(world), **payload})
    assert (answer["outcome"], answer["error"]) == ("failed", error)


def test_an_unknown_run_is_an_error() -> None:
    with pytest.raises(BadPayloadError):
        check_run(World().finisher, {"runId": "run-x"})


def test_the_lake_can_be_checked_at_any_time_without_closing_a_run() -> None:
    world = World()
    run = world.running()
    world.publish(run.run_id)
    answer = check_run(world.finisher, {})
    assert (answer["passed"], answer["runId"], world.run(run.run_id)) == (True, run.run_id, run)
