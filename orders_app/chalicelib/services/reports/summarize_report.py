"""Second step of `report-workflow`: adds the clean parts up and writes the report as JSON and as a page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from chalicelib.domain.errors import ThrottledError
from chalicelib.services.reports.model import DayTotals, SaleLine, Task
from chalicelib.services.reports.page import page
from chalicelib.services.reports.parts import put_json, put_text, read_json, read_lines
from chalicelib.services.reports.ports import Clock, Log, Objects
from chalicelib.services.reports.report import About, make_report
from chalicelib.services.reports.tally import tally


@dataclass(frozen=True)
class Summarizer:
    objects: Objects
    stage: str
    currency: str
    clock: Clock
    log: Log


def summarize_report(summarizer: Summarizer, given: Mapping[str, Any]) -> dict[str, Any]:
    """{"outcome": "summarized", "date", "report", "page", "orders", "revenue", "currency"}.

    Run again it replaces what it wrote. With `"fail_summary": true` in the input it fails as an overloaded
    service would, every time: the demonstration of Retry and Catch.
    """
    task = Task.from_input(given)
    if task.state.get("fail_summary") is True:
        raise ThrottledError("asked to fail by fail_summary")
    cleaned = task.result("clean")
    figures = read_json(summarizer.objects, cleaned["figures"])
    about = About(
        stage=summarizer.stage,
        currency=summarizer.currency,
        execution=task.execution,
        generated_at=summarizer.clock().isoformat(timespec="seconds"),
    )
    history = [day_totals(one) for one in figures["history"]]
    found = tally(sales(summarizer.objects, figures["parts"]))
    report = make_report(about, task.day, found, history, figures)
    folder = f"reports/{task.day}/"
    put_json(summarizer.objects, f"{folder}report.json", report)
    put_text(summarizer.objects, f"{folder}report.html", page(report), "text/html; charset=utf-8")
    summarizer.log.info("report written", day=str(task.day), orders=report["totals"]["orders"])
    return {
        "outcome": "summarized",
        "date": str(task.day),
        "report": f"{folder}report.json",
        "page": f"{folder}report.html",
        "orders": report["totals"]["orders"],
        "revenue": report["totals"]["revenue"],
        "currency": summarizer.currency,
        "rejected": sum(report["account"]["rejected"].values()),
    }


def sales(objects: Objects, parts: Sequence[str]) -> Iterator[SaleLine]:
    """The lines of all parts, one part in memory at a time."""
    for key in parts:
        yield from map(SaleLine.from_json, read_lines(objects, key))


def day_totals(fields: Mapping[str, Any]) -> DayTotals:
    return DayTotals(**{**fields, "day": date.fromisoformat(fields["day"])})
