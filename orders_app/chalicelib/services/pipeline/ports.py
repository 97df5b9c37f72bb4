"""What the use cases of the data path need from outside, as protocols; adapters implement them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from chalicelib.services.pipeline.model import RawFile, Run, State
from chalicelib.services.ports import Clock, Log

NewId = Callable[[], str]


class PipelineStore(Protocol):
    """The durable record of files and runs."""

    def record(self, files: Sequence[RawFile], now: datetime) -> int:
        """Remembers files that are new, as pending; how many were new."""
        ...

    def claim(self, run: Run, limit: int) -> list[RawFile]:
        """Takes the lock and up to `limit` pending files for `run`, in one transaction.

        Empty, with nothing changed, where another run holds the lock or nothing is pending.
        """
        ...

    def adopt(self, run: Run) -> bool:
        """Takes the lock for a run that was started elsewhere and has no recorded files."""
        ...

    def note_failed(self, run: Run) -> bool:
        """Keeps a failed job of no run as an ended run, without the lock; False where it is kept already."""
        ...

    def active(self) -> Run | None:
        """The run that holds the lock."""
        ...

    def get(self, run_id: str) -> Run | None: ...

    def find_by_job_run(self, job_run_id: str) -> Run | None: ...

    def recent(self, limit: int) -> list[Run]:
        """The latest runs, newest first."""
        ...

    def pending(self) -> int:
        """How many files wait for a run."""
        ...

    def files_of(self, run_id: str) -> list[RawFile]: ...

    def advance(self, run: Run, to: State, now: datetime, **changes: Any) -> Run | None:
        """The run in its new state, or None where somebody else changed it since it was read.

        Raises PipelineError where no run may go from its state to `to`. Reaching a final state settles
        its files: done, or failed with the run.
        """
        ...

    def give_back(self, run: Run) -> bool:
        """Undoes the claim of a run that did not start: its files are pending again."""
        ...

    def requeue(self, run_id: str, without: Collection[str] = ()) -> int:
        """Makes the files of a failed run pending again, but for those keys; how many."""
        ...


class Listed(Protocol):
    """One object as a listing shows it."""

    @property
    def key(self) -> str: ...
    @property
    def version_id(self) -> str: ...
    @property
    def etag(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def modified(self) -> datetime: ...


class Objects(Protocol):
    """The bucket of the lake."""

    def put(self, key: str, body: bytes, content_type: str) -> None: ...

    def get(self, key: str, version_id: str | None = None) -> bytes | None:
        """The object, or None where there is none."""
        ...

    def list(self, prefix: str) -> Iterable[Listed]:
        """The latest version of every object below a prefix."""
        ...


class Engines(Protocol):
    """What runs the job."""

    def start_small_batch(self, payload: Mapping[str, Any]) -> str:
        """Invokes the small-batch Lambda asynchronously; its request id."""
        ...

    def start_job(self, name: str, arguments: Mapping[str, str]) -> str:
        """Starts the Glue job; its run id. Raises EngineBusyError at its concurrency limit."""
        ...

    def job_run(self, name: str, run_id: str) -> Mapping[str, Any]:
        """status, started_on, completed_on, execution_time, error_message, arguments of a job run.

        Raises BadPayloadError where there is no such run.
        """
        ...


class Crawlers(Protocol):
    """The Glue crawler of the processed zone."""

    def start(self) -> bool:
        """False where it is crawling already."""
        ...


class Checker(Protocol):
    """The Lambda of the Athena checks."""

    def check(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """{"passed": bool, "findings": [{"name", "passed", "detail"}]}."""
        ...


class Alerts(Protocol):
    """How people are told."""

    def alert(self, subject: str, details: Mapping[str, Any]) -> None:
        """To the topic of operational alerts."""
        ...

    def mail(self, subject: str, text: str) -> None:
        """To the operators' mailbox, by SES."""
        ...


class Ledger(Protocol):
    """The money that was captured and kept, as PostgreSQL knows it."""

    def revenue(self, days: Sequence[date], now: datetime) -> list[dict[str, Any]]:
        """For each UTC day of placing: {"order_date", "revenue" as a decimal string, "moving"}.

        `moving` says that money of that day changed so lately that the lake may not have it yet.
        """
        ...

    def completed_between(self, after: datetime, until: datetime) -> int:
        """How many completed orders were placed after the one moment and until the other."""
        ...


__all__ = [
    "Alerts",
    "Checker",
    "Clock",
    "Crawlers",
    "Engines",
    "Ledger",
    "Log",
    "NewId",
    "Objects",
    "PipelineStore",
]
