"""Every night the report of the day that has just ended."""

from datetime import timedelta
from typing import Any

from chalicelib.services.reports.ports import Clock, Log, Workflows


def start_daily_report(workflows: Workflows, clock: Clock, log: Log) -> dict[str, Any]:
    """{"date", "started"}; the execution is named after the day: a schedule that fires twice starts one."""
    day = clock().date() - timedelta(days=1)
    started = workflows.start(f"daily-{day}", {"source": "schedule", "date": str(day)})
    log.info("daily report", day=str(day), started=started)
    return {"date": str(day), "started": started}
