"""A run whose lease ran out is taken over, after asking what became of it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chalicelib.services.pipeline.finish_run import on_crawled, on_published
from chalicelib.services.pipeline.model import State
from chalicelib.services.pipeline.tend_runs import tend_runs
from tests.unit.pipeline.builders import World


def test_with_no_run_on_the_schedule_starts_what_is_pending() -> None:
    world = World()
    world.arrive("raw-data/a.csv")
    tend_runs(world.finisher)
    assert len(world.engines.small) == 1


def test_a_run_within_its_lease_is_left_alone() -> None:
    world = World()
    world.running()
    world.clock.pass_(minutes=24)
    assert tend_runs(world.finisher) is None
    assert len(world.engines.small) == 1


def test_a_lambda_that_died_without_a_word_is_retried() -> None:
    world = World(retry_delay=timedelta(0))
    run = world.running()
    world.clock.pass_(minutes=26)
    tend_runs(world.finisher)
    assert (len(world.engines.small), world.run(run.run_id).attempt) == (2, 2)


def test_a_run_that_was_published_before_its_lease_ran_out_goes_on_and_is_not_repeated() -> None:
    world = World()
    run = world.running()
    world.publish(run.run_id)
    world.clock.pass_(minutes=26)
    tend_runs(world.finisher)
    assert (world.run(run.run_id).state, len(world.engines.small)) == (State.CRAWLING, 1)


def test_a_published_run_is_known_by_its_own_report_when_another_has_written_the_marker_since() -> None:
    world = World()
    run = world.running()
    world.publish(run.run_id)
    world.publish("nightly")
    world.clock.pass_(minutes=26)
    tend_runs(world.finisher)
    assert (world.run(run.run_id).state, len(world.engines.small)) == (State.CRAWLING, 1)


def test_a_run_whose_attempt_left_a_report_of_failure_is_not_taken_for_published() -> None:
    world = World(retry_delay=timedelta(0))
    run = world.running()
    world.publish(run.run_id, status="failed")
    world.clock.pass_(minutes=26)
    tend_runs(world.finisher)
    assert (world.run(run.run_id).state, world.run(run.run_id).attempt) == (State.RUNNING, 2)


def test_a_glue_job_that_still_runs_gets_a_longer_lease() -> None:
    world = World(engine="spark")
    run = world.running()
    world.engines.states["jr_1"] = {"status": "RUNNING"}
    world.clock.pass_(minutes=76)
    tend_runs(world.finisher)
    assert (world.run(run.run_id).attempt, len(world.engines.jobs)) == (1, 1)
    assert world.run(run.run_id).lease_until > world.clock()


def test_a_glue_job_that_failed_unheard_is_retried() -> None:
    world = World(engine="spark", retry_delay=timedelta(0))
    run = world.running()
    world.engines.states["jr_1"] = {"status": "FAILED", "error_message": "connection lost"}
    world.clock.pass_(minutes=76)
    tend_runs(world.finisher)
    assert (world.run(run.run_id).attempt, len(world.engines.jobs)) == (2, 2)


def test_a_crawl_that_never_ended_is_started_again_a_counted_number_of_times() -> None:
    world = World()
    run = world.running()
    on_published(world.finisher, world.publish(run.run_id))
    for _ in range(3):
        world.clock.pass_(minutes=16)
        tend_runs(world.finisher)
    assert world.crawlers.starts == 3
    assert world.run(run.run_id).state is State.CHECKS_FAILED
    assert "crawling did not end in 3 attempts" in world.alerts.alerts[0][1]["cause"]


def test_a_retry_that_cannot_start_is_tried_again_later() -> None:
    world = World(retry_delay=timedelta(seconds=30))
    run = world.running()
    world.clock.pass_(minutes=26)
    tend_runs(world.finisher)
    world.engines.broken = True
    world.clock.pass_(seconds=31)
    tend_runs(world.finisher)
    assert world.run(run.run_id).state is State.RETRYING
    world.engines.broken = False
    world.clock.pass_(seconds=31)
    tend_runs(world.finisher)
    assert world.run(run.run_id).state is State.RUNNING


DAY = "2026-11-19"  # was over when the clock of these tests says noon of the next
MOVING = {"name": f"ledger {DAY}", "passed": True, "moving": True, "detail": "difference -5.00, still moving"}
APART = {"name": f"ledger {DAY}", "passed": False, "moving": False, "detail": "difference -5.00"}


def moving(world: World) -> str:
    """A run that passed its checks because money of a closed day was moving."""
    run = world.running()
    world.ledger.moving = {DAY}
    world.checker.findings = [MOVING]
    on_published(world.finisher, world.publish(run.run_id))
    on_crawled(world.finisher, True, "")
    assert world.run(run.run_id).state is State.SUCCEEDED
    return run.run_id


def asked(world: World, day: str = DAY) -> bool:
    """Whether the last checks were told that the day is moving."""
    return next(bool(one["moving"]) for one in world.checker.asked[-1]["ledger"] if one["order_date"] == day)


def test_a_day_that_was_moving_is_looked_at_again_until_it_agrees() -> None:
    world = World()
    moving(world)
    tend_runs(world.finisher)
    assert len(world.checker.asked) == 1  # not at once
    world.clock.pass_(minutes=11)
    tend_runs(world.finisher)
    tend_runs(world.finisher)
    assert (len(world.checker.asked), asked(world)) == (2, True)
    world.clock.pass_(minutes=11)
    world.checker.findings = [{"name": f"ledger {DAY}", "passed": True, "moving": False, "detail": "0.00"}]
    tend_runs(world.finisher)
    world.clock.pass_(hours=1)
    tend_runs(world.finisher)
    assert (len(world.checker.asked), world.alerts.alerts) == (3, [])


def test_a_closed_day_that_moves_for_more_than_an_hour_fails() -> None:
    world = World()
    run_id = moving(world)
    for _ in range(6):
        world.clock.pass_(minutes=10)
        tend_runs(world.finisher)
        assert asked(world)
    world.clock.pass_(minutes=10)
    world.checker.findings = [APART]
    tend_runs(world.finisher)
    assert not asked(world)
    assert (world.run(run_id).state, len(world.alerts.alerts)) == (State.CHECKS_FAILED, 1)


def test_a_later_run_does_not_give_a_moving_day_another_hour() -> None:
    world = World()
    moving(world)
    world.clock.pass_(minutes=61)
    run = world.running("raw-data/later.csv")
    on_published(world.finisher, world.publish(run.run_id))
    on_crawled(world.finisher, True, "")
    assert not asked(world)


def test_the_present_day_may_move_for_hours() -> None:
    world = World()
    moving(world)
    today = "2026-11-20"
    world.ledger.moving = {today}
    world.checker.findings = [{**MOVING, "name": f"ledger {today}"}]
    for _ in range(4):
        world.clock.pass_(minutes=50)
        tend_runs(world.finisher)
        assert asked(world, today)


def test_a_second_look_that_another_run_came_into_says_nothing() -> None:
    world = World()
    run_id = moving(world)
    world.clock.pass_(minutes=11)

    def check(facts: Mapping[str, Any]) -> Mapping[str, Any]:
        world.clock.pass_(seconds=1)
        world.running("raw-data/meanwhile.csv")
        return {"passed": False, "findings": [APART]}

    world.checker.check = check  # type: ignore[method-assign]
    tend_runs(world.finisher)
    assert (world.run(run_id).state, world.alerts.alerts) == (State.SUCCEEDED, [])
