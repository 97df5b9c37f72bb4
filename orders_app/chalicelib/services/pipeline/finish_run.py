"""Moves a run on after its job: published, crawled, checked, closed. Every step happens once a run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.services.pipeline.model import (
    NOT_PUBLISHED,
    BadMessageError,
    Driver,
    Run,
    State,
)
from chalicelib.services.pipeline.ports import Alerts, Checker, Crawlers, Ledger
from chalicelib.services.pipeline.start_run import Starter, start_run

LEDGER_DAYS = 7  # of the ledger that are compared after each run, touched or not
PATIENCE = timedelta(hours=1)  # with a day that is over and still moving
LOOK_AGAIN = timedelta(minutes=10)  # at tables with a day that was moving
FRESH = timedelta(hours=3)  # a completed order is in the tables by then
RECENT_RUNS = 20
SHOWN_FILES = 20
STEP_LEASE = timedelta(minutes=15)  # a crawl, or the checks
# What the database keeps of a report; the whole one stays in the bucket.
_KEPT = (
    "engine", "status", "rows_in", "accepted", "quarantined", "quarantined_by_rule", "warnings_by_rule",
    "duplicates", "dates_touched", "customers_touched", "tables", "quarantine", "left_out", "seconds",
    "published_at",
)  # fmt: skip


@dataclass(frozen=True)
class Finisher:
    """What finishing needs besides starting the next run."""

    starter: Starter
    crawlers: Crawlers
    checker: Checker
    alerts: Alerts
    ledger: Ledger


def on_published(finisher: Finisher, key: str, version_id: str | None = None) -> Run | None:
    """The marker as it was written then: all runs share its key, and the next may have written it since."""
    return note_published(finisher, read_marker(finisher, key, version_id))


def note_published(finisher: Finisher, marker: Mapping[str, Any]) -> Run | None:
    """Notes that a run's tables are there, and starts the crawler; a repeated message changes nothing.

    A run that was started elsewhere (nightly, by hand) is adopted, unless another holds the lock.
    """
    run = _known(finisher, marker)
    if run is not None and run.state in NOT_PUBLISHED:
        now = finisher.starter.clock()
        report = read_report(finisher, run.run_id)
        changes = {"report": report, "attempt": 1, "retry_at": None, "lease_until": now + STEP_LEASE}
        run = finisher.starter.store.advance(run, State.PUBLISHED, now, **changes)
        if run is not None:
            tell_left_out(finisher, run.run_id, report)
    if run is None or run.driver is Driver.WORKFLOW:
        return run
    unfinished = run.state is State.PUBLISHED or (run.state is State.CRAWLING and _lapsed(finisher, run))
    return start_crawl(finisher, run) if unfinished else run


def tell_left_out(finisher: Finisher, run_id: str, report: Mapping[str, Any]) -> None:
    """People are told of files that the run did not take in, though it succeeded."""
    if files := report.get("left_out"):
        said = {"run_id": run_id, "count": len(files), "files": files[:SHOWN_FILES]}
        finisher.alerts.alert("Files were left out of an ETL run", said)


def start_crawl(finisher: Finisher, run: Run) -> Run | None:
    """Takes the step first and acts then: of two deliveries one starts the crawler."""
    store, now = finisher.starter.store, finisher.starter.clock()
    taken = store.advance(run, State.CRAWLING, now, lease_until=now + STEP_LEASE, retry_at=None)
    if taken is None:
        return None
    try:
        started = finisher.crawlers.start()
    except Exception:
        store.advance(taken, State.CRAWLING, now, lease_until=now)  # whoever comes next may try at once
        raise
    finisher.starter.log.info("crawler started", run_id=run.run_id, already_on=not started)
    if started:
        return taken
    return store.advance(taken, State.CRAWLING, now, retry_at=now)  # crawl again after the one that is on


def on_crawled(finisher: Finisher, succeeded: bool, message: str) -> Run | None:
    """After the crawler: the checks; after a crawl that failed: an alert, and the run is closed."""
    run = finisher.starter.store.active()
    if run is None or run.driver is Driver.WORKFLOW:
        return None
    if run.state is State.CHECKING and _lapsed(finisher, run):
        return run_checks(finisher, run)
    if run.state is not State.CRAWLING:
        return None
    if run.retry_at is not None:
        return start_crawl(finisher, run)
    return (
        run_checks(finisher, run) if succeeded else give_up(finisher, run, f"the crawler failed: {message}")
    )


def run_checks(finisher: Finisher, run: Run) -> Run | None:
    """Has the checks run and closes the run by what they found."""
    store, now = finisher.starter.store, finisher.starter.clock()
    taken = store.advance(run, State.CHECKING, now, lease_until=now + STEP_LEASE)
    if taken is None:
        return None
    try:
        result = finisher.checker.check(facts_of(finisher, taken))
    except Exception:
        store.advance(taken, State.CHECKING, now, lease_until=now)
        raise
    return close(finisher, taken, result)


def facts_of(finisher: Finisher, run: Run) -> dict[str, Any]:
    """What the checks hold the tables against: the run's own report, and the ledger's revenue."""
    return check_facts(finisher, run.run_id, run.report)


def check_facts(finisher: Finisher, run_id: str, report: Mapping[str, Any]) -> dict[str, Any]:
    """The days of the ledger are those that the run touched, and the latest, whether or not it did."""
    now, since = finisher.starter.clock(), moving_since(finisher.starter)
    touched = {date.fromisoformat(day) for day in report.get("dates_touched") or ()}
    latest = {now.date() - timedelta(days=age) for age in range(LEDGER_DAYS)}
    return {
        "run_id": run_id,
        "database": finisher.starter.lake.database,
        "report": {name: value for name, value in report.items() if name != "checks"},
        "ledger": [
            _impatient(day, since, now) for day in finisher.ledger.revenue(sorted(touched | latest), now)
        ],
        "freshness": _freshness(finisher, report, now),
    }


def moving_since(starter: Starter) -> dict[str, datetime]:
    """Since when the days that were still moving at the last checks have been so."""
    run = last_checked(starter)
    moving = run.report["checks"].get("moving", {}) if run else {}
    return {day: datetime.fromisoformat(since) for day, since in moving.items()}


def last_checked(starter: Starter) -> Run | None:
    """The latest run whose tables were checked."""
    return next((run for run in starter.store.recent(RECENT_RUNS) if run.report.get("checks")), None)


def _impatient(entry: Mapping[str, Any], since: Mapping[str, datetime], now: datetime) -> dict[str, Any]:
    """A day that is over may go on moving for an hour; after that a difference is one."""
    day = entry["order_date"]
    over = date.fromisoformat(day) < now.date() and now - since.get(day, now) > PATIENCE
    return {**entry, "moving": bool(entry["moving"]) and not over}


def _freshness(finisher: Finisher, report: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    at = report.get("published_at")
    if not at:
        return {}
    waiting = finisher.ledger.completed_between(datetime.fromisoformat(at), now - FRESH)
    return {"published_at": at, "waiting": waiting, "hours": FRESH // timedelta(hours=1)}


def close(finisher: Finisher, run: Run, result: Mapping[str, Any]) -> Run | None:
    """Ends the run, tells people of checks that failed, and lets the next run start."""
    failed = [finding for finding in result.get("findings", ()) if not finding.get("passed")]
    passed = bool(result.get("passed")) and not failed
    said = "; ".join(f"{finding['name']}: {finding['detail']}" for finding in failed)
    error = None if passed else said or "the checks found nothing to check"
    since, now = moving_since(finisher.starter), finisher.starter.clock()
    days = [one["name"].removeprefix("ledger ") for one in result.get("findings", ()) if one.get("moving")]
    moving = {day: since.get(day, now).isoformat() for day in days}
    closed = _end(finisher, run, error, {**run.report, "checks": {**result, "moving": moving}})
    if closed is not None and error is not None:
        finisher.alerts.alert("Checks of the lake failed", {"run_id": run.run_id, "findings": failed})
    return closed


def give_up(finisher: Finisher, run: Run, error: str) -> Run | None:
    """Closes a run whose tables are published but were not checked, and tells people."""
    closed = _end(finisher, run, error, run.report)
    if closed is not None:
        finisher.alerts.alert("The lake was not checked", {"run_id": run.run_id, "cause": error})
    return closed


def read_report(finisher: Finisher, run_id: str) -> dict[str, Any]:
    """The job's own report of the run; empty where it left none."""
    body = finisher.starter.objects.get(f"processed-data/_reports/{run_id}.json")
    report = json.loads(body) if body else {}
    return {name: report[name] for name in _KEPT if name in report}


def start_next(starter: Starter) -> None:
    """Starts what arrived meanwhile; where that fails, the schedule does it."""
    try:
        start_run(starter)
    except Exception as error:
        starter.log.warning("next run not started", cause=f"{type(error).__name__}: {error}")


def _end(finisher: Finisher, run: Run, error: str | None, report: Mapping[str, Any]) -> Run | None:
    starter = finisher.starter
    to = State.SUCCEEDED if error is None else State.CHECKS_FAILED
    now = starter.clock()
    changes = {"error": error, "report": report, "lease_until": now + LOOK_AGAIN}
    closed = starter.store.advance(run, to, now, **changes)
    if closed is not None:
        starter.log.info("run ended", run_id=run.run_id, state=to.value, cause=error)
        start_next(starter)
    return closed


def read_marker(finisher: Finisher, key: str, version_id: str | None = None) -> dict[str, Any]:
    """What the job says that it published; raises BadMessageError where it names no run."""
    body = finisher.starter.objects.get(key, version_id)
    try:
        marker = json.loads(body) if body else None
    except ValueError:
        marker = None
    if not isinstance(marker, dict) or not isinstance(marker.get("run_id"), str):
        raise BadMessageError(f"{key!r} does not say which run was published")
    return marker


def _known(finisher: Finisher, marker: Mapping[str, Any]) -> Run | None:
    starter, run_id = finisher.starter, marker["run_id"]
    run = starter.store.get(run_id)
    if run is not None:
        return run
    now = starter.clock()
    made = Run(run_id, State.STARTING, Driver.EVENTS, now, now + STEP_LEASE, engine=marker.get("engine"))
    made = replace(made, reason="started outside of the starter")
    if starter.store.adopt(made):
        return made
    starter.log.warning("foreign run not checked: another holds the lock", run_id=run_id)
    tell_left_out(finisher, run_id, marker)
    return None


def _lapsed(finisher: Finisher, run: Run) -> bool:
    return run.lease_until <= finisher.starter.clock()
