"""Published, crawled, checked, closed: each once a run, whatever is delivered how often."""

from datetime import timedelta

import pytest

from chalicelib.services.pipeline.finish_run import note_published, on_crawled, on_published
from chalicelib.services.pipeline.model import BadMessageError, State
from tests.unit.pipeline.builders import World
from tests.unit.pipeline.fakes import NOON


def crawling(world: World) -> str:
    run = world.running()
    on_published(world.finisher, world.publish(run.run_id))
    return run.run_id


def test_a_published_run_starts_the_crawler() -> None:
    world = World()
    run_id = crawling(world)
    assert (world.crawlers.starts, world.run(run_id).state) == (1, State.CRAWLING)


def test_a_marker_delivered_twice_starts_the_crawler_once() -> None:
    world = World()
    run_id = crawling(world)
    on_published(world.finisher, world.publish(run_id))
    assert world.crawlers.starts == 1


def test_people_are_told_once_of_files_that_were_left_out_of_a_run_that_succeeded() -> None:
    world = World()
    run = world.running()
    left_out = [f"s3://lake/raw-data/{n}.csv: deleted after it was listed" for n in range(25)]
    for _ in range(2):
        on_published(world.finisher, world.publish(run.run_id, left_out=left_out))
    said = {"run_id": run.run_id, "count": 25, "files": left_out[:20]}
    assert world.alerts.alerts == [("Files were left out of an ETL run", said)]
    assert world.run(run.run_id).state is State.CRAWLING


def test_files_that_a_foreign_run_left_out_are_told_of_though_another_run_is_on() -> None:
    world = World()
    world.running()
    marker = {"run_id": "catalog-1", "left_out": ["s3://lake/raw-data/bad.csv: 120 of 120 rows"]}
    assert note_published(world.finisher, marker) is None
    assert [subject for subject, _ in world.alerts.alerts] == ["Files were left out of an ETL run"]


def test_a_marker_that_another_run_has_written_over_is_read_as_it_was() -> None:
    world = World()
    run = world.running()
    key = world.publish(run.run_id)
    world.publish("nightly")
    on_published(world.finisher, key, run.run_id)
    assert (world.run(run.run_id).state, world.store.get("nightly")) == (State.CRAWLING, None)


def test_a_marker_that_comes_after_the_run_was_closed_changes_nothing() -> None:
    world = World()
    run_id = crawling(world)
    on_crawled(world.finisher, True, "")
    on_published(world.finisher, world.publish(run_id))
    assert (world.crawlers.starts, world.run(run_id).state) == (1, State.SUCCEEDED)


@pytest.mark.parametrize("body", [b"", b"rubbish", b"[]", b'{"run_id": 7}'])
def test_a_marker_without_a_run_is_refused(body: bytes) -> None:
    world = World()
    world.objects.stored["processed-data/_published.json"] = body
    with pytest.raises(BadMessageError):
        on_published(world.finisher, "processed-data/_published.json")


def test_after_the_crawl_the_tables_are_checked_against_report_and_ledger() -> None:
    world = World()
    run_id = crawling(world)
    on_crawled(world.finisher, True, "")
    assert world.checker.asked == [
        {
            "run_id": run_id,
            "database": "order_lake_local",
            "report": {
                "status": "succeeded",
                "dates_touched": ["2024-01-15"],
                "rows_in": 10,
                "published_at": "2026-11-20T12:00:00+00:00",
            },
            "ledger": [
                {"order_date": day, "revenue": "10.00", "moving": False}
                for day in ("2024-01-15", *(f"2026-11-{n}" for n in range(14, 21)))
            ],
            "freshness": {"published_at": "2026-11-20T12:00:00+00:00", "waiting": 0, "hours": 3},
        }
    ]


def test_orders_that_were_completed_since_the_tables_were_published_are_told_after_three_hours() -> None:
    world = World()
    run_id = crawling(world)
    world.clock.pass_(hours=4)
    placed = (-5, 0.5, 2)  # hours since noon: before the tables, long enough ago, too lately to count
    world.ledger.placed = [NOON + timedelta(hours=hours) for hours in placed]
    on_crawled(world.finisher, True, "")
    assert world.checker.asked[0]["run_id"] == run_id
    assert world.checker.asked[0]["freshness"]["waiting"] == 1


def test_checks_that_pass_close_the_run_and_its_files() -> None:
    world = World()
    run_id = crawling(world)
    on_crawled(world.finisher, True, "")
    assert world.run(run_id).state is State.SUCCEEDED
    assert (world.store.states(), world.alerts.alerts) == ({"raw-data/sales_data.csv": "done"}, [])


def test_checks_that_fail_are_recorded_and_alerted() -> None:
    world = World()
    bad = {"name": "revenue", "passed": False, "detail": "10.00 in the ledger, 9.99 in the lake"}
    world.checker.findings.append(bad)
    run_id = crawling(world)
    on_crawled(world.finisher, True, "")
    run = world.run(run_id)
    assert (run.state, run.error) == (State.CHECKS_FAILED, "revenue: 10.00 in the ledger, 9.99 in the lake")
    assert [details for _, details in world.alerts.alerts] == [{"run_id": run_id, "findings": [bad]}]


def test_a_crawl_that_failed_is_alerted_and_closes_the_run() -> None:
    world = World()
    run_id = crawling(world)
    on_crawled(world.finisher, False, "access denied")
    assert world.run(run_id).state is State.CHECKS_FAILED
    assert world.alerts.alerts[0][1]["cause"] == "the crawler failed: access denied"
    assert world.checker.asked == []


def test_the_crawl_of_somebody_else_checks_nothing() -> None:
    world = World()
    on_crawled(world.finisher, True, "")
    world.running()
    on_crawled(world.finisher, True, "")
    assert world.checker.asked == []


def test_a_crawl_that_was_on_already_is_followed_by_our_own() -> None:
    world = World()
    world.crawlers.on = True
    run_id = crawling(world)
    world.crawlers.on = False
    on_crawled(world.finisher, True, "")
    assert (world.crawlers.starts, world.run(run_id).state) == (1, State.CRAWLING)
    on_crawled(world.finisher, True, "")
    assert world.run(run_id).state is State.SUCCEEDED


def test_a_crawler_that_could_not_be_started_is_started_when_the_event_comes_again() -> None:
    world = World()
    world.crawlers.broken = True
    run = world.running()
    key = world.publish(run.run_id)
    with pytest.raises(ConnectionError):
        on_published(world.finisher, key)
    world.crawlers.broken = False
    on_published(world.finisher, key)
    assert world.crawlers.starts == 1


def test_checks_that_could_not_run_are_run_when_the_event_comes_again() -> None:
    world = World()
    world.checker.broken = True
    run_id = crawling(world)
    with pytest.raises(ConnectionError):
        on_crawled(world.finisher, True, "")
    world.checker.broken = False
    on_crawled(world.finisher, True, "")
    assert world.run(run_id).state is State.SUCCEEDED


def test_the_end_of_a_run_starts_the_next_one_with_what_arrived_meanwhile() -> None:
    world = World()
    crawling(world)
    world.arrive("raw-data/late.csv")
    on_crawled(world.finisher, True, "")
    assert len(world.engines.small) == 2
    assert world.store.states()["raw-data/late.csv"] == "claimed"


def test_a_run_started_by_glue_itself_is_crawled_and_checked_too() -> None:
    world = World()
    on_published(world.finisher, world.publish("jr_nightly"))
    on_crawled(world.finisher, True, "")
    assert (world.crawlers.starts, world.run("jr_nightly").state) == (1, State.SUCCEEDED)


def test_a_foreign_run_does_not_take_the_lock_of_ours() -> None:
    world = World()
    run = world.running()
    on_published(world.finisher, world.publish("jr_nightly"))
    assert (world.crawlers.starts, world.run(run.run_id).state) == (0, State.RUNNING)
