"""One crawl from start to end: its states, its log, its events, and the numbers that it leaves behind."""

import fnmatch
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from scripts.local_cloud import glue_events, glue_store
from scripts.local_cloud.crawlers.classify import Classifier, classify
from scripts.local_cloud.crawlers.grouping import Classified, FoundTable, find_tables
from scripts.local_cloud.crawlers.publish import Changes, Policy, publish

LOG_GROUP = "/aws-glue/crawlers"

# Told of every crawl that has ended, with the crawler's record.
on_end: list[Callable[[Mapping[str, Any]], None]] = []


class CrawlStopped(Exception):
    """StopCrawler was called."""


class Crawl:
    """One run of a crawler; `record` is the engine's own crawler."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.began = time.time()
        self.stopping = threading.Event()
        self.changes = Changes()
        self.lines: list[str] = []

    def run(self) -> None:
        glue_events.emit(
            "Glue Crawler State Change", self._detail("Started", "Crawler Started", startTime=_now())
        )
        self.lines.append(f"BENCHMARK : Running Start Crawl for Crawler {self.record['Name']}")
        try:
            self._crawl()
        except CrawlStopped:
            self._end("CANCELLED", "Crawler cancelled")
        except Exception as error:
            self._fail(error)
        else:
            self._succeed()

    def _crawl(self) -> None:
        record = self.record
        targets = [dict(one) for one in (record.get("Targets") or {}).get("S3Targets") or []]
        others = [
            kind for kind, items in (record.get("Targets") or {}).items() if items and kind != "S3Targets"
        ]
        if others:
            raise ValueError(f"the local crawler reads S3 targets only, not {', '.join(others)}")
        found = [table for target in targets for table in self._look(target)]
        if self.stopping.is_set():
            raise CrawlStopped
        self.lines.append(
            "BENCHMARK : Classification complete, writing results to database " + record["DatabaseName"]
        )
        paths = [_folder(one["Path"]) for one in targets]
        self.changes = publish(_policy(record), found, paths)
        self.lines += self.changes.log
        self.lines.append("BENCHMARK : Finished writing to Catalog")

    def _look(self, target: Mapping[str, Any]) -> list[FoundTable]:
        bucket, prefix = glue_store.split_uri(_folder(target["Path"]))
        if not glue_store.bucket_exists(bucket):
            raise ValueError(f"The specified bucket does not exist: {bucket}")
        custom = _classifiers(self.record.get("Classifiers") or [])
        files = []
        for item in _objects(bucket, prefix, target.get("Exclusions") or []):
            if self.stopping.is_set():
                raise CrawlStopped
            schema = classify(item, custom)
            if schema is None:
                self.lines.append(f"WARN : No classifier knows {item.uri}; skipped")
            else:
                files.append(Classified(item, schema))
        return find_tables(bucket, prefix, files, _table_level(self.record))

    def _succeed(self) -> None:
        changes = self.changes
        detail = {
            "tablesCreated": str(len(changes.tables_created)),
            "tablesUpdated": str(len(changes.tables_updated)),
            "tablesDeleted": str(len(changes.tables_deleted)),
            "partitionsCreated": str(changes.partitions_created),
            "partitionsUpdated": str(changes.partitions_updated),
            "partitionsDeleted": str(changes.partitions_deleted),
            "runningTime (sec)": str(int(time.time() - self.began)),
            "completionDate": _now(),
            "warningMessage": "N/A",
        }
        self._end("SUCCEEDED", "Crawler Succeeded")
        glue_events.emit(
            "Glue Crawler State Change", self._detail("Succeeded", "Crawler Succeeded", **detail)
        )

    def _fail(self, error: Exception) -> None:
        message = (
            f"{error}" if isinstance(error, ValueError | glue_store.StoreError) else f"Internal: {error!r}"
        )
        self.lines.append(f"ERROR : {message}")
        self._end("FAILED", message)
        glue_events.emit(
            "Glue Crawler State Change", self._detail("Failed", "Crawler Failed", errorMessage=message)
        )

    def _end(self, status: str, message: str) -> None:
        """Ready again, the crawl on record; events come after, so that who hears one may start another."""
        self.lines.append(f"BENCHMARK : Crawler has finished running and is in state READY: {message}")
        stream = self.record["Name"]
        glue_events.write_log(LOG_GROUP, stream, self.lines, int(time.time() * 1000))
        crawl = {
            "Status": status,
            "LogGroup": LOG_GROUP,
            "LogStream": stream,
            "MessagePrefix": f"{int(self.began * 1000)}",
            "StartTime": round(self.began, 3),
        }
        if status != "SUCCEEDED":
            crawl["ErrorMessage"] = message
        elapsed = time.time() - self.began
        self.record.update(LastCrawl=crawl, CrawlElapsedTime=int(elapsed * 1000), State="READY")
        self.record.setdefault("_runtimes", []).append(elapsed)
        self.record["_changes"] = self.changes
        for listener in on_end:
            listener(self.record)

    def _detail(self, state: str, message: str, **more: str) -> dict[str, str]:
        from ministack.core.responses import get_account_id

        return {
            "accountId": get_account_id(),
            "crawlerName": self.record["Name"],
            "cloudWatchLogLink": f"log-group:{LOG_GROUP}:log-stream:{self.record['Name']}",
            "state": state,
            "message": message,
            **more,
        }


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _folder(path: str) -> str:
    """A target is a folder, whether or not it ends in a slash."""
    return path if path.endswith("/") else f"{path}/"


def _objects(bucket: str, prefix: str, exclusions: Sequence[str]) -> list[glue_store.StoredObject]:
    found = glue_store.list_objects(bucket, prefix)
    if not found and prefix:
        found = [item for item in glue_store.list_objects(bucket, prefix[:-1]) if item.key == prefix[:-1]]
    return [
        item
        for item in found
        if item.size
        and not glue_store.is_hidden(item.key, prefix)
        and not any(_matches(pattern, item.key[len(prefix) :]) for pattern in exclusions)
    ]


def _matches(pattern: str, relative: str) -> bool:
    """A glob relative to the include path: `**` crosses folders, `*` does not."""
    if "**" in pattern:
        return fnmatch.fnmatchcase(relative, pattern.replace("**/", "*").replace("**", "*"))
    return relative.count("/") == pattern.count("/") and fnmatch.fnmatchcase(relative, pattern)


def _classifiers(names: Sequence[str]) -> list[Classifier]:
    from ministack.services import glue

    return [glue._classifiers[name] for name in names if name in glue._classifiers]


def _configuration(record: Mapping[str, Any]) -> dict[str, Any]:
    text = record.get("Configuration")
    return dict(json.loads(text)) if text else {}


def _table_level(record: Mapping[str, Any]) -> int | None:
    level = (_configuration(record).get("Grouping") or {}).get("TableLevelConfiguration")
    return int(level) if level else None


def _policy(record: Mapping[str, Any]) -> Policy:
    change = record.get("SchemaChangePolicy") or {}
    output = (_configuration(record).get("CrawlerOutput") or {}).get("Tables") or {}
    return Policy(
        crawler=record["Name"],
        database=record["DatabaseName"],
        prefix=record.get("TablePrefix") or "",
        on_update=change.get("UpdateBehavior") or "UPDATE_IN_DATABASE",
        on_delete=change.get("DeleteBehavior") or "DEPRECATE_IN_DATABASE",
        merge_new_columns=output.get("AddOrUpdateBehavior") == "MergeNewColumns",
    )
