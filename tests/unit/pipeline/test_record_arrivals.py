"""Arrivals are recorded durably; a bad message fails alone."""

import pytest

from chalicelib.services.pipeline.record_arrivals import Message, record_arrivals
from tests.unit.pipeline.builders import BUCKET, message, s3_body, s3_record
from tests.unit.pipeline.fakes import FakeClock, FakeLog, FakeStore


class Starts:
    def __init__(self, broken: bool = False) -> None:
        self.count = 0
        self.broken = broken

    def __call__(self) -> None:
        self.count += 1
        if self.broken:
            raise ConnectionError("no way to Lambda")


def record(store: FakeStore, starts: Starts, *messages: Message) -> list[str]:
    return record_arrivals(
        messages, store=store, start_run=starts, clock=FakeClock(), log=FakeLog(), lake_bucket=BUCKET
    )


def test_a_malformed_message_is_refused_alone() -> None:
    store, starts = FakeStore(), Starts()
    good = message(s3_body(s3_record("raw-data/a.csv"), s3_record("raw-data/b.csv")), "good")
    assert record(store, starts, message("rubbish", "bad"), good) == ["bad"]
    assert store.states() == {"raw-data/a.csv": "pending", "raw-data/b.csv": "pending"}


def test_a_message_delivered_twice_is_recorded_once_and_starts_once() -> None:
    store, starts = FakeStore(), Starts()
    record(store, starts, message(s3_body(s3_record())))
    record(store, starts, message(s3_body(s3_record())))
    assert (len(store.kept), starts.count) == (1, 1)


def test_another_version_of_the_same_key_is_another_file() -> None:
    store = FakeStore()
    record(store, Starts(), message(s3_body(s3_record(), s3_record(versionId="v2", eTag="e2"))))
    assert len(store.kept) == 2


def test_a_start_that_fails_does_not_lose_the_record() -> None:
    store, starts = FakeStore(), Starts(broken=True)
    assert record(store, starts, message(s3_body(s3_record()))) == []
    assert store.pending() == 1


def test_a_fault_of_the_store_brings_the_whole_batch_back() -> None:
    class Broken(FakeStore):
        def record(self, files: object, now: object) -> int:
            raise ConnectionError("no database")

    with pytest.raises(ConnectionError):
        record(Broken(), Starts(), message(s3_body(s3_record())))
