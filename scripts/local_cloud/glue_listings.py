"""Glue's List and BatchGet actions, and crawler schedules, which the engine does not know."""

from collections.abc import Callable, Mapping
from typing import Any

from scripts.local_cloud.glue_jobs.schedule import require_cron
from scripts.local_cloud.glue_protocol import Response, ServiceError, page, reply

Answer = Callable[[dict[str, Any]], Response]


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if not key.startswith("_") and value is not None}


def _store(name: str) -> Any:
    from ministack.services import glue

    return getattr(glue, name)


def _names(store: str, key: str) -> Answer:
    def answer(data: dict[str, Any]) -> Response:
        names, more = page(sorted(_store(store).keys()), data)
        return reply({key: names, **more})

    return answer


def _batch(store: str, asked: str, found: str, missing: str) -> Answer:
    def answer(data: dict[str, Any]) -> Response:
        records, names = _store(store), data.get(asked) or []
        have = [_shown(records[name]) for name in names if name in records]
        return reply({found: have, missing: [name for name in names if name not in records]})

    return answer


def _crawler(data: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] | None = _store("_crawlers").get(data.get("CrawlerName"))
    if found is None:
        raise ServiceError("EntityNotFoundException", f"Crawler {data.get('CrawlerName')} does not exist")
    return found


def _set_schedule(state: str) -> Answer:
    def answer(data: dict[str, Any]) -> Response:
        schedule = _crawler(data)["Schedule"]
        if not schedule.get("ScheduleExpression"):
            raise ServiceError("NoScheduleException", "The crawler has no schedule")
        schedule["State"] = state
        return reply({})

    return answer


def _update_schedule(data: dict[str, Any]) -> Response:
    require_cron(data.get("Schedule") or "")
    _crawler(data)["Schedule"] = {"ScheduleExpression": data["Schedule"], "State": "SCHEDULED"}
    return reply({})


ACTIONS: Mapping[str, Answer] = {
    "ListCrawlers": _names("_crawlers", "CrawlerNames"),
    "ListJobs": _names("_jobs", "JobNames"),
    "ListWorkflows": _names("_workflows", "Workflows"),
    "BatchGetCrawlers": _batch("_crawlers", "CrawlerNames", "Crawlers", "CrawlersNotFound"),
    "BatchGetJobs": _batch("_jobs", "JobNames", "Jobs", "JobsNotFound"),
    "BatchGetWorkflows": _batch("_workflows", "Names", "Workflows", "MissingWorkflows"),
    "StartCrawlerSchedule": _set_schedule("SCHEDULED"),
    "StopCrawlerSchedule": _set_schedule("NOT_SCHEDULED"),
    "UpdateCrawlerSchedule": _update_schedule,
}
