"""Builders of files, messages and starters for the tests of the data path."""

import json
from datetime import timedelta
from itertools import count
from typing import Any

from chalicelib.services.pipeline.finish_run import Finisher
from chalicelib.services.pipeline.manifest import PUBLISHED_KEY, Lake
from chalicelib.services.pipeline.model import Kind, RawFile, Run
from chalicelib.services.pipeline.record_arrivals import Message
from chalicelib.services.pipeline.start_run import RunRules, Starter, start_run
from tests.unit.pipeline.fakes import (
    NOON,
    FakeAlerts,
    FakeChecker,
    FakeClock,
    FakeCrawlers,
    FakeEngines,
    FakeLedger,
    FakeLog,
    FakeObjects,
    FakeStore,
)

BUCKET = "order-lake-local-000000000000"


def raw_file(key: str = "raw-data/sales_data.csv", **values: Any) -> RawFile:
    given: dict[str, Any] = {
        "bucket": BUCKET,
        "key": key,
        "version_id": "v1",
        "etag": "e1",
        "size": 100,
        "sequencer": "0055AED6DCD90281E5",
        "kind": Kind.SALES,
        "object_time": NOON,
    }
    return RawFile(**(given | values))


def s3_record(key: str = "raw-data/sales_data.csv", **changes: Any) -> dict[str, Any]:
    """One record as S3 sends it; `key` as it stands in the event, URL-encoded."""
    thing = {"key": key, "size": 100, "eTag": "e1", "versionId": "v1", "sequencer": "0055AED6DCD90281E5"}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": "2026-11-20T12:00:00.000Z",
        "eventName": changes.pop("event_name", "ObjectCreated:Put"),
        "s3": {"bucket": {"name": changes.pop("bucket", BUCKET)}, "object": thing | changes},
    }


def s3_body(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": list(records)})


def sns_body(message: str) -> str:
    return json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:::t", "Message": message})


def message(body: str, message_id: str = "m1") -> Message:
    return Message(message_id, body)


def rules(**values: Any) -> RunRules:
    given: dict[str, Any] = {
        "engine": "auto",
        "spark_threshold": 1000,
        "job_name": "etl-job-local",
        "duckdb_lease": timedelta(minutes=25),
        "spark_lease": timedelta(minutes=75),
    }
    return RunRules(**(given | values))


def starter(store: FakeStore | None = None, **values: Any) -> Starter:
    numbers = count(1)
    given: dict[str, Any] = {
        "store": store or FakeStore(),
        "objects": FakeObjects(),
        "engines": FakeEngines(),
        "clock": FakeClock(),
        "new_id": lambda: f"{next(numbers):04}",
        "log": FakeLog(),
        "lake": Lake(BUCKET, "order_lake_local"),
        "rules": rules(),
    }
    return Starter(**(given | values))


class World:
    """The whole data path on fakes, with what the tests do to it."""

    def __init__(self, **rule_values: Any) -> None:
        self.store, self.objects, self.engines = FakeStore(), FakeObjects(), FakeEngines()
        self.clock, self.log = FakeClock(), FakeLog()
        self.crawlers, self.checker, self.alerts = FakeCrawlers(), FakeChecker(), FakeAlerts()
        parts = {"objects": self.objects, "engines": self.engines, "clock": self.clock, "log": self.log}
        self.starter = starter(self.store, **parts, rules=rules(**rule_values))
        self.ledger = FakeLedger()
        self.finisher = Finisher(self.starter, self.crawlers, self.checker, self.alerts, self.ledger)

    def arrive(self, *keys: str, **values: Any) -> None:
        self.store.record([raw_file(key, **values) for key in keys], self.clock())

    def running(self, *keys: str, **values: Any) -> Run:
        """A run of these files, started."""
        self.arrive(*(keys or ("raw-data/sales_data.csv",)), **values)
        run = start_run(self.starter)
        assert run is not None
        return run

    def publish(self, run_id: str, **report: Any) -> str:
        """What the job leaves behind when it is done; the marker's key. Its version is called as the run."""
        marker = json.dumps({"run_id": run_id, "published_at": self.clock().isoformat()}).encode()
        self.objects.stored[PUBLISHED_KEY] = self.objects.versions[PUBLISHED_KEY, run_id] = marker
        at = self.clock().isoformat()
        told = {
            "status": "succeeded",
            "published_at": at,
            "dates_touched": ["2024-01-15"],
            "rows_in": 10,
            **report,
        }
        self.objects.stored[f"processed-data/_reports/{run_id}.json"] = json.dumps(told).encode()
        return PUBLISHED_KEY

    def run(self, run_id: str) -> Run:
        run = self.store.get(run_id)
        assert run is not None
        return run
