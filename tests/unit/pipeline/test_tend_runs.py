"""A run whose lease ran out is taken over, after asking what became of it."""

from datetime import timedelta

from chalicelib.services.pipeline.finish_run import on_published
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
