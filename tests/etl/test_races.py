"""Two runs at a time, which no lock keeps apart (the nightly trigger takes none): neither loses a row."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from etl import pipeline
from etl.errors import LakeBusyError
from etl.manifest import Manifest
from etl.pipeline import run
from etl.state import load_state
from etl.storage import LocalStorage, S3Storage, Storage, storage_for
from tests.etl.builders import csv_file, customers_file, line, manifest_of
from tests.etl.lake import Lake


@dataclass
class Interrupted:
    """Does something else right before write number `moment`, once."""

    inner: Storage
    moment: int
    meanwhile: Callable[[], object]
    points: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def put(self, key: str, content: bytes | Path, point: str) -> None:
        self._step(point)
        self.inner.put(key, content, point)

    def swap(self, key: str, content: bytes | Path, point: str, expected: str | None) -> str:
        self._step(point)
        return self.inner.swap(key, content, point, expected)

    def _step(self, point: str) -> None:
        self.points.append(point)
        if len(self.points) == self.moment:
            self.meanwhile()


@dataclass(frozen=True)
class Case:
    """A lake with one run in it, and two more that meet on a day, an order and a customer."""

    folder: Path

    def lake(self, name: str) -> Path:
        lake = self.folder / name
        files = (customers_file(self.folder), csv_file(self.folder / "a.csv", [line("1"), line("2")]))
        run(manifest_of(lake, *files, run_id="run-0"))
        return lake

    def batch(self, lake: Path) -> Manifest:
        moved = [line("1", order_date="2024-01-17", price="4.00"), line("3")]
        return manifest_of(lake, csv_file(self.folder / "b.csv", moved, 2), run_id="run-small-batch")

    def nightly(self, lake: Path) -> Manifest:
        again = [line("2", price="7.00"), line("4"), line("5", customer_id="C002", order_date="2024-01-18")]
        return manifest_of(lake, csv_file(self.folder / "c.csv", again, 3), run_id="run-nightly")

    def expected(self) -> tuple[object, ...]:
        lake = self.lake("one-after-the-other")
        run(self.batch(lake))
        run(self.nightly(lake))
        return tables(lake)


def tables(lake: Path) -> tuple[object, ...]:
    found = Lake(lake)
    return found.daily_sales(), found.customer_metrics(), found.silver("order_id, price, order_date")


def test_a_run_that_another_one_overtakes_at_any_of_its_writes_loses_nothing(tmp_path: Path) -> None:
    case = Case(tmp_path)
    expected = case.expected()
    lake = case.lake("left-in-peace")
    peaceful = Interrupted(LocalStorage(lake), 0, print)
    run(case.batch(lake), peaceful)
    assert {"silver sales", "commit", "daily_sales", "settle", "published"} <= set(peaceful.points)
    for number, point in enumerate(peaceful.points, 1):
        lake = case.lake(f"lake-{number}")
        run(case.batch(lake), Interrupted(LocalStorage(lake), number, partial(run, case.nightly(lake))))
        assert tables(lake) == expected, f"overtaken before write {number}, {point}"


@pytest.mark.parametrize("point", ["silver sales", "silver customers", "daily_sales", "customer_metrics"])
def test_a_run_that_cannot_write_fails_and_a_later_one_makes_the_tables_whole(
    tmp_path: Path, point: str
) -> None:
    """Writes are made side by side: none of them may fail unheard, and silver not after the commit."""
    case = Case(tmp_path)
    again = csv_file(tmp_path / "c2.csv", [{"customer_id": "C001", "name": "Ann"}], 4, "customers")
    batch = replace(case.batch(lake := case.lake("lake")), files=(*case.batch(lake).files, again))
    whole = case.lake("whole")
    run(replace(batch, output=str(whole), quarantine=str(whole / "quarantine")))
    before = load_state(LocalStorage(lake))
    with pytest.raises(OSError, match="disk full"):
        run(batch, Full(LocalStorage(lake), 0, print, point=point))
    committed = load_state(LocalStorage(lake)) != before
    assert committed == (point in ("daily_sales", "customer_metrics"))
    run(batch)
    assert tables(lake) == tables(whole)


@dataclass
class Full(Interrupted):
    """No room for what is written at one point."""

    point: str = ""

    def _step(self, point: str) -> None:
        if point == self.point:
            raise OSError("disk full")


class DiedError(Exception):
    """As good as a kill: nothing is written after it."""


def test_a_run_that_dies_after_it_was_overtaken_leaves_the_gold_of_the_faster_one(tmp_path: Path) -> None:
    case = Case(tmp_path)
    expected = case.expected()
    for nth in range(2):
        lake = case.lake(f"lake-{nth}")
        slow = Overtaken(LocalStorage(lake), partial(run, case.nightly(lake)), nth)
        with pytest.raises(DiedError):
            run(case.batch(lake), slow)
        assert tables(lake) == expected


@dataclass
class Overtaken(Interrupted):
    """Overtaken before its n-th write of daily_sales; dies after that write."""

    dead: bool = False

    def __init__(self, inner: Storage, meanwhile: Callable[[], object], nth: int) -> None:
        super().__init__(inner, nth, meanwhile)

    def _step(self, point: str) -> None:
        if self.dead:
            raise DiedError
        if point == "daily_sales":
            if self.points.count(point) == self.moment:
                self.meanwhile()
                self.dead = True
            self.points.append(point)


def test_runs_side_by_side_all_arrive(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    batches = [csv_file(tmp_path / f"{n}.csv", [line(str(n), price=f"{n}.00")], n) for n in range(1, 7)]
    manifests = [manifest_of(lake, batch, run_id=f"run-{n}") for n, batch in enumerate(batches, 1)]
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(run, manifests))
    assert {report.status for report in reports} == {"succeeded"}
    assert str(Lake(lake).revenue()) == "21.00"
    assert not load_state(LocalStorage(lake)).pending_dates


def test_a_run_that_is_overtaken_again_and_again_fails_so_that_it_is_tried_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(tmp_path)
    lake = case.lake("lake")
    monkeypatch.setattr(pipeline, "ATTEMPTS", 1)
    slow = Interrupted(LocalStorage(lake), 1, lambda: run(case.nightly(lake)))
    with pytest.raises(LakeBusyError, match="another run changed"):
        run(case.batch(lake), slow)


def test_in_s3_too_the_overtaken_run_merges_again(bucket: str, tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""
    case = Case(tmp_path)
    url = f"s3://{bucket}/lake"
    nightly = replace(case.nightly(tmp_path), output=url)
    slow = Interrupted(storage_for(url), 2, partial(run, nightly))
    report = run(replace(case.batch(tmp_path), output=url), slow)
    assert [note for note in report.notes if "merged again" in note]
    state = load_state(S3Storage(bucket, "lake"))
    assert state.commits == 2
    assert sum(rows for rows, _ in state.days.values()) == 3
