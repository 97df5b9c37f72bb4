"""The clock of triggers and crawlers: cron(…) in UTC, looked at once a second.

https://docs.aws.amazon.com/glue/latest/dg/monitor-data-warehouse-schedule.html
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from scripts.local_cloud import seams
from scripts.local_cloud.glue_jobs.triggers import Triggers
from scripts.local_cloud.glue_protocol import ServiceError

Record = dict[str, Any]


def check_seams() -> None:
    from ministack.core import responses
    from ministack.services import eventbridge

    seams.function_at(eventbridge, "_parse_cron_fields", "expr")
    seams.function_at(eventbridge, "_cron_next_fire", "fields", "after_dt")
    seams.function_at(responses, "request_scope", "account_id", "region")


def require_cron(expression: str) -> None:
    """Refuse a schedule that is not cron(…), as Glue does."""
    from ministack.services import eventbridge

    if eventbridge._parse_cron_fields(expression or "") is None:
        raise ServiceError("InvalidInputException", f"Invalid schedule expression {expression!r}")


class Clock:
    """Fires what is due; `now` is seconds since 1970."""

    def __init__(
        self,
        triggers: Triggers,
        start_crawler: Callable[[Record], Any],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._triggers = triggers
        self._start_crawler = start_crawler
        self._now = now
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="glue-clock", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(1.0):
            self.tick()

    def tick(self) -> None:
        """Fire every trigger and crawler whose time has come since it was last looked at."""
        from ministack.core.responses import request_scope
        from ministack.services import glue

        for (account, region, _), trigger in list(glue._triggers._data.items()):
            if trigger["Type"] == "SCHEDULED" and trigger["State"] == "ACTIVATED":
                with request_scope(account, region):
                    if self._due(trigger, trigger.get("Schedule") or ""):
                        self._triggers.fire_scheduled(trigger)
        for (account, region, _), crawler in list(glue._crawlers._data.items()):
            schedule = crawler.get("Schedule") or {}
            if schedule.get("ScheduleExpression") and schedule.get("State") != "NOT_SCHEDULED":
                with request_scope(account, region):
                    if self._due(crawler, schedule["ScheduleExpression"]):
                        self._start_crawler({"Name": crawler["Name"]})

    def _due(self, record: Record, expression: str) -> bool:
        from ministack.services import eventbridge

        fields = eventbridge._parse_cron_fields(expression)
        since = record.setdefault("_since", self._now())
        if fields is None:
            return False
        coming = eventbridge._cron_next_fire(fields, datetime.fromtimestamp(since, UTC))
        if coming is None or coming.timestamp() > self._now():
            return False
        record["_since"] = self._now()
        return True
