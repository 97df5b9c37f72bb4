"""One JSON file for each execution, however it ended; people are told of what did not go right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.money import to_minor, to_text
from chalicelib.services.reports.model import Task
from chalicelib.services.reports.parts import put_json
from chalicelib.services.reports.ports import Alerts, Clock, Links, Log, Objects

BRANCHES = ("regions", "files")
CAUSE_LIMIT = 4_000
Fields = dict[str, Any]


@dataclass(frozen=True)
class Recorder:
    objects: Objects
    alerts: Alerts
    links: Links
    currency: str
    clock: Clock
    log: Log


def emit_execution_summary(recorder: Recorder, given: Mapping[str, Any]) -> Fields:
    """{"outcome": "succeeded" | "partial", "key"}: the last step of both workflows.

    Partial: some data sets failed or were refused, or the mail did not go out. The rest is as good as ever.
    """
    task = Task.from_input(given)
    body = _data_sets(task, recorder.currency) if "results" in task.state else _report(task)
    wrong = body["wrong"]
    status = "PARTIAL" if wrong else "SUCCEEDED"
    key = _write(recorder, given, task, {"status": status, **body})
    if wrong:
        details = {"workflow": given.get("workflow"), "execution": task.execution, "wrong": wrong[:20]}
        recorder.alerts.alert(
            f"{given.get('workflow')} ended with gaps", {**details, "summary": recorder.links.of(key)}
        )
    return {"outcome": status.lower(), "key": key}


def record_failure(recorder: Recorder, given: Mapping[str, Any]) -> Fields:
    """{"outcome": "recorded", "key"}: writes down why an execution failed, and alerts.

    The record comes first: an alert names it. A repeated try replaces the record and alerts again.
    """
    task = Task.from_input(given)
    failure = task.result("failure")
    error, cause = str(failure.get("Error", "")), str(failure.get("Cause", ""))[:CAUSE_LIMIT]
    done = [name for name in ("generated", "clean", "summary", "mail", "results") if name in task.state]
    fields = {"status": "FAILED", "error": error, "cause": cause, "stepsDone": done}
    key = _write(recorder, given, task, fields)
    recorder.log.error("execution failed", workflow=given.get("workflow"), cause=cause, kind=error)
    recorder.alerts.alert(
        f"{given.get('workflow')} failed: {error}",
        {
            "workflow": given.get("workflow"),
            "execution": task.execution,
            "error": error,
            "cause": cause[:1000],
            "record": recorder.links.of(key),
        },
    )
    return {"outcome": "recorded", "key": key}


def _write(recorder: Recorder, given: Mapping[str, Any], task: Task, fields: Fields) -> str:
    """Under the UTC day on which the execution started, so that a late retry replaces it."""
    key = f"executions/{task.started_at.date()}/{task.name}.json"
    given_input = {
        name: value for name, value in task.state.items() if isinstance(value, str | int | bool | None)
    }
    ended = recorder.clock()
    record = {
        "workflow": given.get("workflow"),
        "execution": task.execution,
        "startedAt": task.started_at.isoformat(),
        "endedAt": ended.isoformat(),
        "seconds": str(round((ended - task.started_at).total_seconds(), 3)),
        "input": given_input,
        **fields,
    }
    put_json(recorder.objects, key, record)
    return key


def _report(task: Task) -> Fields:
    mail = task.result("mail")
    sent = mail.get("outcome") in ("sent", "already_sent")
    wrong = [] if sent else [{"step": "mail", "reason": mail.get("Cause") or mail.get("outcome")}]
    return {"wrong": wrong, "clean": task.result("clean"), "summary": task.result("summary"), "mail": mail}


def _data_sets(task: Task, currency: str) -> Fields:
    results = task.result("results")
    branches = {name: list(results.get(name) or []) for name in BRANCHES}
    wrong = [
        {"dataset": one.get("dataset"), "reason": one.get("reason") or one.get("error")}
        for sets in branches.values()
        for one in sets
        if one.get("outcome") != "summarized"
    ]
    generated = task.result("generated")
    return {
        "date": generated["date"],
        "wrong": wrong,
        "skipped": generated.get("skipped", []),
        "totals": {name: _added_up(sets, currency) for name, sets in branches.items()},
        "datasets": branches,
    }


def _added_up(sets: Sequence[Mapping[str, Any]], currency: str) -> Fields:
    good = [one for one in sets if one.get("outcome") == "summarized"]
    return {
        "datasets": len(sets),
        "failed": len(sets) - len(good),
        "lines": sum(one["lines"] for one in good),
        "rejected": sum(one["rejected"] for one in good),
        "revenue": to_text(sum(to_minor(one["revenue"], currency) for one in good), currency),
    }
