"""In-memory stand-ins of the data path's ports; the store is held to the real one by a contract test."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chalicelib.services.pipeline.model import (
    ALLOWED,
    FINAL,
    BadPayloadError,
    EngineBusyError,
    PipelineError,
    RawFile,
    Run,
    State,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class FakeClock:
    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@dataclass
class FakeLog:
    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def info(self, message: str, **fields: Any) -> None:
        self.lines.append((message, fields))

    warning = error = info

    def fields(self, message: str) -> dict[str, Any]:
        return next(fields for said, fields in self.lines if said == message)


@dataclass
class _Kept:
    file: RawFile
    state: str = "pending"
    run_id: str | None = None


class FakeStore:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str, str], _Kept] = {}
        self.runs: dict[str, Run] = {}

    def record(self, files: Sequence[RawFile], now: datetime) -> int:
        before = len(self.kept)
        for file in files:
            self.kept.setdefault((file.bucket, file.key, file.version_id, file.etag), _Kept(file))
        return len(self.kept) - before

    def claim(self, run: Run, limit: int) -> list[RawFile]:
        self._supersede()
        waiting = [kept for kept in self.kept.values() if kept.state == "pending"][:limit]
        if not waiting or not self.adopt(run):
            return []
        for kept in waiting:
            kept.state, kept.run_id = "claimed", run.run_id
        return [kept.file for kept in waiting]

    def adopt(self, run: Run) -> bool:
        if self.active() or run.run_id in self.runs:
            return False
        self.runs[run.run_id] = run
        return True

    def note_failed(self, run: Run) -> bool:
        return self.runs.setdefault(run.run_id, run) is run

    def active(self) -> Run | None:
        return next((run for run in self.runs.values() if run.state not in FINAL), None)

    def get(self, run_id: str) -> Run | None:
        return self.runs.get(run_id)

    def find_by_job_run(self, job_run_id: str) -> Run | None:
        return next((run for run in self.runs.values() if run.job_run_id == job_run_id), None)

    def recent(self, limit: int) -> list[Run]:
        return sorted(self.runs.values(), key=lambda run: run.started_at, reverse=True)[:limit]

    def pending(self) -> int:
        return sum(kept.state == "pending" for kept in self.kept.values())

    def files_of(self, run_id: str) -> list[RawFile]:
        return [kept.file for kept in self.kept.values() if kept.run_id == run_id]

    def advance(self, run: Run, to: State, now: datetime, **changes: Any) -> Run | None:
        if to not in ALLOWED.get(run.state, frozenset()):
            raise PipelineError(f"run {run.run_id!r} cannot go from {run.state.value!r} to {to.value!r}")
        if self.runs.get(run.run_id, run).version != run.version or run.run_id not in self.runs:
            return None
        self.runs[run.run_id] = replace(self.runs[run.run_id], state=to, version=run.version + 1, **changes)
        if to in FINAL:
            for kept in self._of(run.run_id):
                kept.state = "failed" if to is State.FAILED else "done"
        return self.runs[run.run_id]

    def give_back(self, run: Run) -> bool:
        if self.runs[run.run_id].state not in (State.STARTING, State.RUNNING):
            return False
        del self.runs[run.run_id]
        for kept in self._of(run.run_id):
            kept.state, kept.run_id = "pending", None
        return True

    def requeue(self, run_id: str, without: Collection[str] = ()) -> int:
        failed = [k for k in self._of(run_id) if k.state == "failed" and k.file.key not in without]
        for kept in failed:
            kept.state, kept.run_id = "pending", None
        return len(failed)

    def states(self) -> dict[str, str]:
        return {kept.file.key: kept.state for kept in self.kept.values()}

    def _of(self, run_id: str) -> list[_Kept]:
        return [kept for kept in self.kept.values() if kept.run_id == run_id]

    def _supersede(self) -> None:
        unversioned = [kept for kept in self.kept.values() if kept.file.version_id == ""]
        for kept in unversioned:
            newer = any(_newer(other.file, kept.file) for other in unversioned)
            if kept.state == "pending" and newer:
                kept.state = "superseded"


def _newer(one: RawFile, other: RawFile) -> bool:
    same = (one.bucket, one.key) == (other.bucket, other.key)
    return same and one.sequencer.ljust(64, "0") > other.sequencer.ljust(64, "0")


@dataclass(frozen=True)
class FakeListed:
    key: str
    version_id: str = "v1"
    etag: str = "e1"
    size: int = 0
    modified: datetime = NOON


class FakeObjects:
    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.versions: dict[tuple[str, str], bytes] = {}
        self.broken = False

    def put(self, key: str, body: bytes, content_type: str) -> None:
        if self.broken:
            raise ConnectionError("no way to the bucket")
        self.stored[key] = body

    def get(self, key: str, version_id: str | None = None) -> bytes | None:
        return self.stored.get(key) if version_id is None else self.versions.get((key, version_id))

    def list(self, prefix: str) -> list[FakeListed]:
        return [
            FakeListed(key, size=len(body)) for key, body in self.stored.items() if key.startswith(prefix)
        ]


class FakeEngines:
    def __init__(self) -> None:
        self.small: list[Mapping[str, Any]] = []
        self.jobs: list[tuple[str, Mapping[str, str]]] = []
        self.states: dict[str, Mapping[str, Any]] = {}
        self.busy = False
        self.broken = False

    def start_small_batch(self, payload: Mapping[str, Any]) -> str:
        if self.broken:
            raise ConnectionError("no way to Lambda")
        self.small.append(payload)
        return f"request-{len(self.small)}"

    def start_job(self, name: str, arguments: Mapping[str, str]) -> str:
        if self.busy:
            raise EngineBusyError("ConcurrentRunsExceededException")
        self.jobs.append((name, arguments))
        return f"jr_{len(self.jobs)}"

    def job_run(self, name: str, run_id: str) -> Mapping[str, Any]:
        if run_id not in self.states:
            raise BadPayloadError(f"EntityNotFoundException: {run_id}")
        return self.states[run_id]


class FakeCrawlers:
    def __init__(self) -> None:
        self.starts = 0
        self.on = False
        self.broken = False

    def start(self) -> bool:
        if self.broken:
            raise ConnectionError("no way to Glue")
        if self.on:
            return False
        self.starts += 1
        return True


class FakeChecker:
    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.findings: list[dict[str, Any]] = [{"name": "fresh", "passed": True, "detail": "today"}]
        self.broken = False

    def check(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.broken:
            raise ConnectionError("no way to Athena")
        self.asked.append(facts)
        return {"passed": all(one["passed"] for one in self.findings), "findings": self.findings}


class FakeAlerts:
    def __init__(self) -> None:
        self.alerts: list[tuple[str, Mapping[str, Any]]] = []
        self.mails: list[tuple[str, str]] = []
        self.mail_broken = False

    def alert(self, subject: str, details: Mapping[str, Any]) -> None:
        self.alerts.append((subject, details))

    def mail(self, subject: str, text: str) -> None:
        if self.mail_broken:
            raise ConnectionError("no way to SES")
        self.mails.append((subject, text))


class FakeLedger:
    def __init__(self) -> None:
        self.moving: set[str] = set()
        self.placed: list[datetime] = []

    def revenue(self, days: Sequence[date], now: datetime) -> list[dict[str, Any]]:
        listed = [day.isoformat() for day in days]
        return [{"order_date": day, "revenue": "10.00", "moving": day in self.moving} for day in listed]

    def completed_between(self, after: datetime, until: datetime) -> int:
        return sum(after < placed <= until for placed in self.placed)
