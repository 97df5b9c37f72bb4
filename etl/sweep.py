"""Deletes what silver no longer uses, when nobody can be reading it any more."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from etl.report import Report
from etl.state import LakeState, load_state
from etl.storage import Storage

# Longer than any reader that began with an older state: a Glue job runs for at most 60 minutes, an Athena
# query for 30.
GRACE_HOURS = 6.0
MOST = 1000  # in one run, and in one request of S3
_COMMIT = re.compile(r"silver/[a-z]+/run=.+?\.([0-9]+)/")


def grace(options: Mapping[str, Any]) -> timedelta:
    return timedelta(hours=float(options.get("sweep_after_hours", GRACE_HOURS)))


def retire(before: LakeState, after: LakeState, now: datetime, keep: timedelta) -> dict[str, str]:
    """What a commit takes out of use, and what earlier ones did within the grace."""
    recent = {key: at for key, at in before.retired.items() if datetime.fromisoformat(at) > now - keep}
    return recent | dict.fromkeys(sorted(before.keys() - after.keys()), now.isoformat())


def sweep(storage: Storage, report: Report, keep: timedelta) -> None:
    """After the run's settle. What cannot be deleted is noted and tried again by a later run."""
    try:
        listed = storage.modified("silver/")
        gone = superseded(listed, load_state(storage), datetime.now(UTC) - keep)[:MOST]
        if gone:
            storage.delete(gone, "sweep")
            report.notes.append(f"{len(gone)} superseded objects of silver deleted")
    except Exception as error:
        report.notes.append(f"superseded objects not deleted: {type(error).__name__}: {error}"[:300])


def superseded(listed: Mapping[str, datetime], state: LakeState, before: datetime) -> list[str]:
    """Of the objects that were listed before the state was read: those that nobody reads or will refer to.

    A key is of no use once its commit number is past: no later commit takes it up again. One of a run that
    is still writing has a number to come, and its age protects one whose commit lost a race.
    """
    if state.pending_dates or state.pending_buckets:  # the catalog may still point to what was superseded
        return []
    used = state.keys()
    lately = {key for key, at in state.retired.items() if datetime.fromisoformat(at) > before}
    return sorted(
        key
        for key, modified in listed.items()
        if key not in used and key not in lately and modified <= before and _number(key) <= state.commits
    )


def _number(key: str) -> float:
    found = _COMMIT.match(key)
    return int(found[1]) if found else float("inf")
