"""The store keeps its promises on PostgreSQL, and the fake of the unit tests keeps the same ones."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.pipeline_store import PostgresPipelineStore
from chalicelib.adapters.postgres.connections import Connections
from chalicelib.services.pipeline.model import Driver, PipelineError, Run, State
from chalicelib.services.pipeline.ports import PipelineStore
from tests.unit.pipeline.builders import raw_file
from tests.unit.pipeline.fakes import NOON, FakeStore


@pytest.fixture
def connections(database_url: str) -> Iterator[Connections]:
    connections = Connections(lambda: database_url)
    yield connections
    connections.close()


@pytest.fixture(params=["postgres", "fake"])
def store(request: pytest.FixtureRequest) -> PipelineStore:
    if request.param == "fake":
        return FakeStore()
    return PostgresPipelineStore(request.getfixturevalue("connections").transaction)


def run(run_id: str = "run-1", **values: Any) -> Run:
    given = Run(run_id, State.STARTING, Driver.EVENTS, NOON, NOON + timedelta(minutes=25), manifest="m.json")
    given = replace(given, execution=f"execution of {run_id}")
    return replace(given, **values)


def claimed(store: PipelineStore, run_id: str = "run-1") -> Run:
    store.record([raw_file(f"raw-data/{run_id}.csv")], NOON)
    assert store.claim(run(run_id), 10)
    found = store.get(run_id)
    assert found is not None
    return found


def test_a_file_is_new_once(store: PipelineStore) -> None:
    other = raw_file(version_id="v2", etag="e2")
    assert store.record([raw_file(), raw_file(), other], NOON) == 2
    assert store.record([raw_file(), other], NOON) == 0
    assert store.pending() == 2


def test_a_claim_takes_the_files_as_they_were_recorded(store: PipelineStore) -> None:
    files = [raw_file("raw-data/été.csv", size=3), raw_file("raw-data/b.csv", version_id="")]
    store.record(files, NOON)
    assert sorted(store.claim(run(), 10), key=lambda file: file.size) == files
    assert sorted(store.files_of("run-1"), key=lambda file: file.size) == files
    assert store.pending() == 0


def test_a_claim_takes_no_more_than_its_limit(store: PipelineStore) -> None:
    store.record([raw_file(f"raw-data/{n}.csv") for n in range(5)], NOON)
    assert len(store.claim(run(), 3)) == 3
    assert store.pending() == 2


def test_the_lock_is_held_until_the_run_has_ended(store: PipelineStore) -> None:
    held = claimed(store)
    store.record([raw_file("raw-data/next.csv")], NOON)
    assert store.claim(run("run-2"), 10) == []
    assert store.advance(held, State.FAILED, NOON, error="x")
    assert len(store.claim(run("run-2"), 10)) == 1


def test_a_claim_of_nothing_does_not_take_the_lock(store: PipelineStore) -> None:
    assert store.claim(run(), 10) == []
    assert (store.active(), store.get("run-1")) == (None, None)
    claimed(store, "run-2")


def test_a_run_reads_back_as_it_was_changed(store: PipelineStore) -> None:
    held = claimed(store)
    report = {"rows_in": 10, "dates_touched": ["2024-01-15"]}
    later = NOON + timedelta(hours=1)
    changes: dict[str, Any] = {
        "engine": "spark",
        "reason": "large",
        "job_run_id": "jr_1",
        "lease_until": later,
        "attempt": 2,
    }
    moved = store.advance(held, State.RUNNING, NOON, **changes)
    assert moved is not None
    moved = store.advance(moved, State.PUBLISHED, NOON, report=report)
    assert moved == replace(held, state=State.PUBLISHED, version=2, report=report, **changes)
    assert store.get("run-1") == store.active() == store.find_by_job_run("jr_1") == moved
    assert store.recent(5) == [moved]


def test_a_run_may_be_looked_at_again_after_it_succeeded(store: PipelineStore) -> None:
    held = claimed(store)
    for state in (State.PUBLISHED, State.CHECKING, State.SUCCEEDED):
        moved = store.advance(held, state, NOON)
        assert moved is not None
        held = moved
    assert store.advance(held, State.CHECKS_FAILED, NOON + timedelta(hours=1), error="apart")
    assert store.active() is None


def test_of_two_changes_of_the_same_version_one_wins(store: PipelineStore) -> None:
    held = claimed(store)
    assert store.advance(held, State.RUNNING, NOON) is not None
    assert store.advance(held, State.FAILED, NOON) is None
    assert store.active() is not None


def test_a_run_cannot_go_where_no_run_may_go(store: PipelineStore) -> None:
    held = claimed(store)
    with pytest.raises(PipelineError, match="cannot go from 'starting' to 'succeeded'"):
        store.advance(held, State.SUCCEEDED, NOON)
    ended = store.advance(held, State.FAILED, NOON)
    assert ended is not None
    with pytest.raises(PipelineError):
        store.advance(ended, State.RUNNING, NOON)


def test_a_run_that_did_not_start_leaves_no_trace(store: PipelineStore) -> None:
    held = claimed(store)
    assert store.give_back(held)
    assert (store.get("run-1"), store.pending()) == (None, 1)


def test_a_run_that_has_ended_cannot_be_given_back(store: PipelineStore) -> None:
    held = claimed(store)
    store.advance(held, State.FAILED, NOON)
    assert not store.give_back(held)
    assert store.pending() == 0


def test_files_of_a_failed_run_wait_until_they_are_requeued(store: PipelineStore) -> None:
    store.advance(claimed(store), State.FAILED, NOON)
    assert store.pending() == 0
    assert store.requeue("run-1") == 1
    assert (store.requeue("run-1"), store.pending()) == (0, 1)


def test_files_of_a_failed_run_can_be_requeued_without_one_that_is_never_readable(
    store: PipelineStore,
) -> None:
    store.record([raw_file("raw-data/good.csv"), raw_file("raw-data/bad.csv")], NOON)
    store.advance(claimed(store), State.FAILED, NOON)
    waiting = len(store.files_of("run-1"))
    assert store.requeue("run-1", without=["raw-data/bad.csv"]) == waiting - 1
    assert [file.key for file in store.files_of("run-1")] == ["raw-data/bad.csv"]
    assert store.requeue("run-1") == 1


def test_an_adopted_run_needs_the_lock_and_a_new_id(store: PipelineStore) -> None:
    assert store.adopt(run("jr_1"))
    assert not store.adopt(run("jr_2"))
    held = store.active()
    assert held is not None
    store.advance(held, State.FAILED, NOON)
    assert not store.adopt(run("jr_1"))


def test_a_failed_job_of_no_run_is_kept_once_and_without_the_lock(store: PipelineStore) -> None:
    held = claimed(store)
    failed = run("job-jr_9", state=State.FAILED, attempt=2, job_run_id="jr_9", error="disk", manifest=None)
    failed = replace(failed, execution=None)
    assert store.note_failed(failed)
    assert not store.note_failed(replace(failed, error="again"))
    assert (store.get("job-jr_9"), store.find_by_job_run("jr_9")) == (failed, failed)
    assert store.active() == held


def test_without_versions_an_older_object_gives_way_to_a_newer_one(store: PipelineStore) -> None:
    old = raw_file(version_id="", etag="old", sequencer="00A")
    new = raw_file(version_id="", etag="new", sequencer="00AB")
    store.record([new, old], NOON)
    assert store.claim(run(), 10) == [new]
    assert store.pending() == 0


def test_of_many_starters_at_once_one_gets_the_lock_and_every_file(database_url: str) -> None:
    connections = Connections(lambda: database_url)
    store = PostgresPipelineStore(connections.transaction)
    store.record([raw_file(f"raw-data/{n}.csv") for n in range(20)], NOON)
    taken: dict[str, int] = {}
    ready = threading.Barrier(8)

    def start(number: int) -> None:
        ready.wait()
        taken[f"run-{number}"] = len(store.claim(run(f"run-{number}"), 100))
        connections.close()

    threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connections.close()
    assert sorted(taken.values()) == [0] * 7 + [20]


def test_a_recording_among_a_claim_is_pending_or_claimed_and_never_lost(database_url: str) -> None:
    connections = Connections(lambda: database_url)
    store = PostgresPipelineStore(connections.transaction)
    store.record([raw_file("raw-data/first.csv")], NOON)

    def arrive() -> None:
        for number in range(30):
            store.record([raw_file(f"raw-data/{number}.csv")], NOON)
        connections.close()

    thread = threading.Thread(target=arrive)
    thread.start()
    taken = 0
    for number in range(10):
        taken += len(store.claim(run(f"run-{number}"), 100))
        if held := store.active():
            store.advance(held, State.FAILED, NOON)
    thread.join()
    assert taken + store.pending() == 31
    connections.close()
