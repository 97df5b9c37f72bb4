"""Raw files and ETL runs: what is remembered of each, and which state may follow which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.domain.errors import OrdersError


class PipelineError(OrdersError):
    """Base of the data path's errors."""


class BadMessageError(PipelineError):
    """A message that is not what the queue is for; it ends in the dead-letter queue."""


class BadPayloadError(PipelineError):
    """A direct invocation whose payload cannot be carried out."""


class EngineBusyError(PipelineError):
    """The engine runs as much as it may; the run waits for the next start."""


class Kind(StrEnum):
    SALES = "sales"
    CUSTOMERS = "customers"
    ORDERS = "orders"


class State(StrEnum):
    """Where a run is. Every state but the last three holds the lock: one run at a time."""

    STARTING = "starting"
    RUNNING = "running"
    RETRYING = "retrying"
    PUBLISHED = "published"
    CRAWLING = "crawling"
    CHECKING = "checking"
    SUCCEEDED = "succeeded"
    CHECKS_FAILED = "checks_failed"
    FAILED = "failed"


# A final state lets go of the lock. Files of a failed run wait for a person; a run whose checks failed has
# published them.
FINAL = frozenset({State.SUCCEEDED, State.CHECKS_FAILED, State.FAILED})
NOT_PUBLISHED = frozenset({State.STARTING, State.RUNNING, State.RETRYING})
ALLOWED: Mapping[State, frozenset[State]] = {
    State.STARTING: frozenset({State.RUNNING, State.RETRYING, State.PUBLISHED, State.FAILED}),
    State.RUNNING: frozenset({State.RUNNING, State.RETRYING, State.PUBLISHED, State.FAILED}),
    State.RETRYING: frozenset({State.STARTING, State.PUBLISHED, State.FAILED}),
    State.PUBLISHED: frozenset({State.PUBLISHED, State.CRAWLING, State.CHECKING, State.CHECKS_FAILED}),
    State.CRAWLING: frozenset({State.CRAWLING, State.CHECKING, State.CHECKS_FAILED}),
    State.CHECKING: frozenset({State.CHECKING, State.SUCCEEDED, State.CHECKS_FAILED}),
    State.SUCCEEDED: frozenset({State.SUCCEEDED, State.CHECKS_FAILED}),  # its tables are looked at again
}


class Driver(StrEnum):
    """Who moves a run on after its job: the events, or the state machine that started it."""

    EVENTS = "events"
    WORKFLOW = "workflow"


@dataclass(frozen=True)
class RawFile:
    """One exact version of one object of the raw zone."""

    bucket: str
    key: str
    version_id: str  # "" where the bucket keeps no versions
    etag: str
    size: int
    sequencer: str
    kind: Kind
    object_time: datetime


@dataclass(frozen=True)
class Run:
    """One pass of the job over one manifest; `version` guards every change (compare-and-set)."""

    run_id: str
    state: State
    driver: Driver
    started_at: datetime
    lease_until: datetime
    attempt: int = 1
    version: int = 0
    engine: str | None = None
    reason: str | None = None
    manifest: str | None = None
    job_run_id: str | None = None
    retry_at: datetime | None = None
    error: str | None = None
    execution: str | None = None  # the workflow execution that asked for it
    report: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Engine:
    """The chosen engine and why."""

    name: str
    reason: str


def total_bytes(files: Sequence[RawFile]) -> int:
    return sum(file.size for file in files)
