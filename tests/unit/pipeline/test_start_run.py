"""One run at a time, each with a manifest of exact versions, on the engine that fits its size."""

import json

import pytest

from chalicelib.pipeline_bootstrap import starter_of
from chalicelib.pipeline_config import PipelineSettings
from chalicelib.services.pipeline.model import State
from chalicelib.services.pipeline.start_run import start_run
from tests.unit.pipeline.builders import BUCKET, raw_file, rules, starter
from tests.unit.pipeline.fakes import NOON, FakeEngines, FakeObjects, FakeStore


def waiting(*sizes: int) -> FakeStore:
    store = FakeStore()
    store.record([raw_file(f"raw-data/{n}.csv", size=size) for n, size in enumerate(sizes)], NOON)
    return store


def test_pending_files_become_one_manifest_of_exact_versions() -> None:
    objects = FakeObjects()
    run = start_run(starter(waiting(10, 20), objects=objects))
    assert run is not None
    manifest = json.loads(objects.stored[f"temp/manifests/{run.run_id}.json"])
    files = manifest.pop("files")
    assert manifest == {
        "run_id": run.run_id,
        "as_of": "2026-11-20",
        "output": f"s3://{BUCKET}/processed-data",
        "quarantine": f"s3://{BUCKET}/quarantine",
        "database": "order_lake_local",
    }
    assert [file["key"] for file in files] == ["raw-data/0.csv", "raw-data/1.csv"]
    assert files[0] == {
        "bucket": BUCKET,
        "key": "raw-data/0.csv",
        "version_id": "v1",
        "etag": "e1",
        "size": 10,
        "kind": "sales",
        "object_time": "2026-11-20T12:00:00+00:00",
    }


def test_a_manifest_says_what_all_is_settled_in() -> None:
    objects = FakeObjects()
    run = start_run(starter(waiting(10), objects=objects, rules=rules(currency="EUR")))
    assert run is not None
    assert json.loads(objects.stored[f"temp/manifests/{run.run_id}.json"])["options"] == {"currency": "EUR"}


def test_the_starter_knows_what_its_stage_is_settled_in() -> None:
    settings = PipelineSettings("local", BUCKET, "arn:topic", "a@b.example", "c@b.example", currency="EUR")
    ports = {"store": FakeStore(), "objects": FakeObjects(), "engines": FakeEngines()}
    assert starter_of(settings, **ports).rules.currency == "EUR"


def test_a_small_batch_goes_to_the_lambda() -> None:
    engines = FakeEngines()
    run = start_run(starter(waiting(1000), engines=engines))
    assert run is not None
    uri = f"s3://{BUCKET}/temp/manifests/{run.run_id}.json"
    assert engines.small == [{"run_id": run.run_id, "manifest": uri, "attempt": 1}]
    assert (run.state, run.engine, engines.jobs) == (State.RUNNING, "duckdb", [])


def test_a_large_batch_goes_to_the_glue_job_by_its_manifest() -> None:
    engines = FakeEngines()
    run = start_run(starter(waiting(600, 401), engines=engines))
    assert run is not None
    uri = f"s3://{BUCKET}/temp/manifests/{run.run_id}.json"
    assert engines.jobs == [("etl-job-local", {"--manifest": uri})]
    assert (run.engine, run.job_run_id, engines.small) == ("spark", "jr_1", [])


@pytest.mark.parametrize(
    ("setting", "size", "silver", "engine", "reason"),
    [
        ("auto", 1000, 0, "duckdb", "1000 bytes (batch 1000, silver 0) are within the threshold of 1000"),
        ("auto", 1001, 0, "spark", "1001 bytes (batch 1001, silver 0) are above the threshold of 1000"),
        ("auto", 1, 999, "duckdb", "1000 bytes (batch 1, silver 999) are within the threshold of 1000"),
        ("auto", 1, 1000, "spark", "1001 bytes (batch 1, silver 1000) are above the threshold of 1000"),
        ("spark", 1, 0, "spark", "ETL_ENGINE is spark"),
        ("duckdb", 10**9, 10**9, "duckdb", "ETL_ENGINE is duckdb"),
    ],
)
def test_the_choice_of_engine_is_logged_with_its_reason(
    setting: str, size: int, silver: int, engine: str, reason: str
) -> None:
    objects = FakeObjects()
    objects.stored["processed-data/_published.json"] = json.dumps({"silver_bytes": silver}).encode()
    used = starter(waiting(size), rules=rules(engine=setting), objects=objects)
    start_run(used)
    said = used.log.fields("engine chosen")  # type: ignore[attr-defined]
    assert (said["engine"], said["reason"]) == (engine, reason)


@pytest.mark.parametrize("marker", [None, b"rubbish", b"[]", b'{"run_id": "older"}'])
def test_a_lake_that_does_not_say_its_size_counts_as_empty(marker: bytes | None) -> None:
    objects = FakeObjects()
    if marker is not None:
        objects.stored["processed-data/_published.json"] = marker
    run = start_run(starter(waiting(1000), objects=objects))
    assert run is not None
    assert run.engine == "duckdb"


def test_nothing_pending_starts_nothing() -> None:
    engines = FakeEngines()
    assert start_run(starter(FakeStore(), engines=engines)) is None
    assert engines.small == []


def test_files_that_arrive_during_a_run_wait_for_the_next() -> None:
    store, engines = waiting(10), FakeEngines()
    used = starter(store, engines=engines)
    start_run(used)
    store.record([raw_file("raw-data/late.csv")], NOON)
    assert start_run(used) is None
    assert (len(engines.small), store.states()["raw-data/late.csv"]) == (1, "pending")


def test_a_start_that_fails_gives_its_files_back() -> None:
    store, engines = waiting(10), FakeEngines()
    engines.broken = True
    with pytest.raises(ConnectionError):
        start_run(starter(store, engines=engines))
    assert (store.pending(), store.active()) == (1, None)


def test_a_manifest_that_cannot_be_written_starts_nothing() -> None:
    store, engines, objects = waiting(10), FakeEngines(), FakeObjects()
    objects.broken = True
    with pytest.raises(ConnectionError):
        start_run(starter(store, engines=engines, objects=objects))
    assert (store.pending(), store.active(), engines.small) == (1, None, [])


def test_a_busy_engine_leaves_the_files_for_a_later_start() -> None:
    store, engines = waiting(2000), FakeEngines()
    engines.busy = True
    assert start_run(starter(store, engines=engines)) is None
    assert (store.pending(), store.active()) == (1, None)


def test_in_a_bucket_without_versions_only_the_newest_object_is_read() -> None:
    store, objects = FakeStore(), FakeObjects()
    old = raw_file(version_id="", etag="old", sequencer="00A")
    new = raw_file(version_id="", etag="new", sequencer="00B")
    store.record([new, old], NOON)
    run = start_run(starter(store, objects=objects))
    assert run is not None
    files = json.loads(objects.stored[f"temp/manifests/{run.run_id}.json"])["files"]
    assert [(file["etag"], file["version_id"]) for file in files] == [("new", None)]
