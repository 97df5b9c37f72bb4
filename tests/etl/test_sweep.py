"""What silver no longer uses is deleted, and nothing else, whatever runs and reads beside it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from etl import storage as storages
from etl.errors import EtlError
from etl.pipeline import run
from etl.report import Report
from etl.state import LakeState, load_state
from etl.storage import LocalStorage, S3Storage
from etl.sweep import GRACE_HOURS, retire, superseded
from tests.etl.builders import csv_file, customers_file, line, manifest_of
from tests.etl.lake import Lake

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
GRACE = timedelta(hours=6)
LONG_AGO = NOW - timedelta(days=90)


def key(number: int, month: str = "2024-01") -> str:
    return f"silver/sales/run=r.{number}.{number}/order_month={month}/part-0.parquet"


STATE = LakeState(commits=7, sales={"2024-01": key(7)}, customers="silver/customers/run=r.2/part-0.parquet")


def found(state: LakeState, *keys: str, modified: datetime = LONG_AGO) -> list[str]:
    return superseded(dict.fromkeys(keys, modified), state, NOW - GRACE)


def test_old_objects_that_no_state_names_are_superseded() -> None:
    assert found(STATE, key(3), key(7), "silver/customers/run=r.2/part-0.parquet") == [key(3)]


def test_an_old_object_that_was_superseded_a_moment_ago_may_still_be_read() -> None:
    before = replace(STATE, sales={"2024-01": key(3)})
    after = replace(STATE, retired=retire(before, STATE, NOW - timedelta(hours=5), GRACE))
    assert set(after.retired) == {key(3)}
    assert found(after, key(3)) == []
    later = retire(after, after, NOW + timedelta(hours=1), GRACE)
    assert later == {}
    assert found(replace(after, retired=later), key(3)) == [key(3)]


def test_what_a_run_has_only_just_written_stays_whatever_its_number() -> None:
    assert found(STATE, key(5), modified=NOW - timedelta(hours=5)) == []


def test_the_objects_of_a_commit_to_come_stay_however_old_they_are() -> None:
    assert found(STATE, key(8)) == []


def test_nothing_is_superseded_while_gold_or_the_catalog_is_owed() -> None:
    assert found(replace(STATE, pending_dates=["2024-01-01"]), key(3)) == []
    assert found(replace(STATE, pending_buckets=["a"]), key(3)) == []


def test_what_does_not_look_like_a_runs_object_is_nobodys_to_delete() -> None:
    assert found(STATE, "silver/sales/notes.parquet", "silver/sales/run=x/part-0.parquet") == []


def moved(folder: Path, lake: Path, number: int, **options: Any) -> Report:
    """A run that writes the month again."""
    file = csv_file(folder / f"{number}.csv", [line("1", price=f"{number}.00")], number)
    return run(manifest_of(lake, file, customers_file(folder), run_id=f"run-{number}", **options))


def silver(lake: Path) -> set[str]:
    return {path.relative_to(lake).as_posix() for path in lake.glob("silver/**/*.parquet")}


def test_a_lake_keeps_what_it_uses_and_what_was_superseded_lately(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for number in (1, 2):
        moved(tmp_path, lake, number)
    for path in lake.glob("silver/**/*.parquet"):  # all are old, but run 1's were in use until now
        os.utime(path, (0, 0))
    moved(tmp_path, lake, 3)
    assert len(silver(lake)) == 6
    report = moved(tmp_path, lake, 4, sweep_after_hours=0)
    assert "6 superseded objects of silver deleted" in report.notes
    assert silver(lake) == load_state(LocalStorage(lake)).keys()
    assert not [path for path in lake.glob("silver/**/*") if path.is_dir() and not any(path.iterdir())]
    assert str(Lake(lake).revenue()) == "4.00"
    assert GRACE_HOURS >= 2  # a Glue job takes up to 60 minutes, then an Athena query up to 30


@dataclass(frozen=True)
class Undeletable(LocalStorage):
    def delete(self, keys: Sequence[str], point: str) -> None:
        raise PermissionError("AccessDenied")


def test_what_cannot_be_deleted_is_noted_and_fails_no_run(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    moved(tmp_path, lake, 1)
    file = csv_file(tmp_path / "b.csv", [line("1", price="2.00")], 2)
    manifest = manifest_of(lake, file, run_id="run-2", sweep_after_hours=0)
    report = run(manifest, Undeletable(lake))
    assert (report.status, report.notes) == (
        "succeeded",
        ["superseded objects not deleted: PermissionError: AccessDenied"],
    )


def test_in_s3_too_only_what_is_named_is_deleted(bucket: str) -> None:
    storage = S3Storage(bucket, "processed-data")
    for number in (1, 2):
        storage.put(key(number), b"x", "silver sales")
    assert datetime.now(UTC) - storage.modified("silver/")[key(1)] < timedelta(minutes=5)
    storage.delete([key(1)], "sweep")
    assert list(storage.modified("silver/")) == [key(2)]


def test_s3_says_what_it_did_not_delete(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = {"Errors": [{"Key": key(1), "Code": "AccessDenied"}]}
    monkeypatch.setattr(storages.s3_client(), "delete_objects", lambda **_: refusal)
    with pytest.raises(EtlError, match="1 of 2 objects not deleted, such as AccessDenied silver/"):
        S3Storage(bucket, "").delete([key(1), key(2)], "sweep")
