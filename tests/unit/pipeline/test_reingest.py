"""Files are taken in again on request: a failed run's, or those that nobody announced."""

import json

import pytest

from chalicelib.services.pipeline.fail_run import end_failed
from chalicelib.services.pipeline.model import BadPayloadError
from chalicelib.services.pipeline.reingest import reingest
from tests.unit.pipeline.builders import World


def test_the_files_of_a_failed_run_make_a_new_run() -> None:
    world = World()
    run = world.running()
    end_failed(world.starter, world.alerts, run, "rubbish in, nothing out")
    answer = reingest(world.starter, {"runId": run.run_id})
    assert (answer["files"], answer["startedRun"] not in (None, run.run_id)) == (1, True)


def test_a_file_that_can_never_succeed_is_left_out_and_waits() -> None:
    world = World()
    run = world.running("raw-data/good.csv", "raw-data/bad.csv", "raw-data/fine.csv")
    end_failed(world.starter, world.alerts, run, "sums that no table can hold")
    answer = reingest(world.starter, {"runId": run.run_id, "without": ["raw-data/bad.csv"]})
    assert answer["files"] == 2
    taken = json.loads(manifest(world, answer["startedRun"]))["files"]
    assert [file["key"] for file in taken] == ["raw-data/fine.csv", "raw-data/good.csv"]
    assert world.store.states()["raw-data/bad.csv"] == "failed"


@pytest.mark.parametrize("without", [["raw-data/other.csv"], "raw-data/other.csv", [7], 7, None, [[]]])
def test_what_is_left_out_must_be_of_the_run(without: object) -> None:
    world = World()
    run = world.running()
    end_failed(world.starter, world.alerts, run, "rubbish in, nothing out")
    with pytest.raises(BadPayloadError, match="is no key of a file of run"):
        reingest(world.starter, {"runId": run.run_id, "without": without})
    assert world.store.pending() == 0


def test_a_scan_records_what_was_never_announced_and_nothing_twice() -> None:
    world = World()
    world.arrive("raw-data/known.csv")
    world.objects.stored = {
        f"raw-data/{name}": b"x" for name in ("known.csv", "lost.csv", "_SUCCESS", "orders/")
    }
    assert reingest(world.starter, {"scan": True})["files"] == 1
    assert sorted(world.store.states()) == ["raw-data/known.csv", "raw-data/lost.csv"]
    assert reingest(world.starter, {"scan": True})["files"] == 0


def test_rejects_can_be_accepted_for_one_run() -> None:
    world, silent = World(max_quarantined_share=0.3), World()
    run = world.running()
    assert options(world, run.run_id) == {"max_quarantined_share": 0.3}
    end_failed(world.starter, world.alerts, run, "rubbish in, nothing out")
    again = reingest(world.starter, {"runId": run.run_id, "maxQuarantinedShare": 1})["startedRun"]
    assert options(world, again) == {"max_quarantined_share": 1.0}
    assert "options" not in json.loads(manifest(silent, silent.running().run_id))


def options(world: World, run_id: str) -> object:
    return json.loads(manifest(world, run_id))["options"]


def manifest(world: World, run_id: str) -> bytes:
    return world.objects.stored[f"temp/manifests/{run_id}.json"]


@pytest.mark.parametrize("share", [-0.1, 1.1, "1", True])
def test_a_share_that_is_none_is_refused_before_anything_is_taken(share: object) -> None:
    world = World()
    run = world.running()
    end_failed(world.starter, world.alerts, run, "rubbish in, nothing out")
    with pytest.raises(BadPayloadError, match="not a number from 0 to 1"):
        reingest(world.starter, {"runId": run.run_id, "maxQuarantinedShare": share})
    assert reingest(world.starter, {"runId": run.run_id})["files"] == 1


@pytest.mark.parametrize("payload", [{}, {"runId": "run-x"}, {"runId": 7}, {"scan": "yes"}, [], None])
def test_a_request_for_nothing_known_is_an_error(payload: object) -> None:
    with pytest.raises(BadPayloadError):
        reingest(World().starter, payload)
