"""Puts real crawls in the place of the engine's timer."""

import statistics
from collections.abc import Mapping
from typing import Any

from scripts.local_cloud import glue_events, seams
from scripts.local_cloud.crawlers.run import Crawl
from scripts.local_cloud.glue_protocol import Response, ServiceError, refusal, reply


def install() -> None:
    """StartCrawler crawls, StopCrawler stops it, GetCrawler does not tell of our own notes."""
    from ministack.services import glue

    seams.require_engine_version()
    glue_events.check_seams()
    for name in ("_start_crawler", "_stop_crawler", "_get_crawler_metrics", "_get_crawler", "_get_crawlers"):
        seams.function_at(glue, name, "data")
    for name in ("_crawlers", "_tables", "_partitions", "_databases", "_classifiers"):
        seams.value_at(glue, name, object)
    glue._start_crawler = start_crawler
    glue._stop_crawler = stop_crawler
    glue._get_crawler = get_crawler
    glue._get_crawlers = get_crawlers
    glue._get_crawler_metrics = get_metrics


def start_crawler(data: Mapping[str, Any]) -> Response:
    from ministack.core.concurrency import resource_lock, spawn_background
    from ministack.services import glue

    name = data.get("Name")
    record = glue._crawlers.get(name)
    if record is None:
        return refusal(
            ServiceError("EntityNotFoundException", f"Crawler entry with name {name} does not exist")
        )
    with resource_lock("glue-crawler", name):
        if record["State"] != "READY":
            return refusal(
                ServiceError("CrawlerRunningException", f"Crawler with name {name} has already started")
            )
        crawl = Crawl(record)
        record.update(State="RUNNING", CrawlElapsedTime=0, _crawl=crawl)
    spawn_background(crawl.run, thread_name="glue-crawler")
    return reply({})


def stop_crawler(data: Mapping[str, Any]) -> Response:
    from ministack.services import glue

    name = data.get("Name")
    record = glue._crawlers.get(name)
    if record is None:
        return refusal(
            ServiceError("EntityNotFoundException", f"Crawler entry with name {name} does not exist")
        )
    if record["State"] == "STOPPING":
        return refusal(ServiceError("CrawlerStoppingException", f"Crawler with name {name} is stopping"))
    if record["State"] != "RUNNING":
        return refusal(ServiceError("CrawlerNotRunningException", f"Crawler with name {name} isn't running"))
    record["State"] = "STOPPING"
    record["_crawl"].stopping.set()
    return reply({})


def get_crawler(data: Mapping[str, Any]) -> Response:
    from ministack.services import glue

    record = glue._crawlers.get(data.get("Name"))
    if record is None:
        message = f"Crawler entry with name {data.get('Name')} does not exist"
        return refusal(ServiceError("EntityNotFoundException", message))
    return reply({"Crawler": _shown(record)})


def get_crawlers(data: Mapping[str, Any]) -> Response:
    from ministack.services import glue

    return reply({"Crawlers": [_shown(record) for record in glue._crawlers.values()]})


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if not key.startswith("_") and value is not None}


def get_metrics(data: Mapping[str, Any]) -> Response:
    from ministack.services import glue

    wanted = data.get("CrawlerNameList") or list(glue._crawlers.keys())
    return reply(
        {"CrawlerMetricsList": [_metrics(glue._crawlers[name]) for name in wanted if name in glue._crawlers]}
    )


def _metrics(record: Mapping[str, Any]) -> dict[str, Any]:
    spent, changes = record.get("_runtimes") or [0.0], record.get("_changes")
    return {
        "CrawlerName": record["Name"],
        "TimeLeftSeconds": 0.0,
        "StillEstimating": False,
        "LastRuntimeSeconds": round(spent[-1], 3),
        "MedianRuntimeSeconds": round(statistics.median(spent), 3),
        "TablesCreated": len(changes.tables_created) if changes else 0,
        "TablesUpdated": len(changes.tables_updated) if changes else 0,
        "TablesDeleted": len(changes.tables_deleted) if changes else 0,
    }
