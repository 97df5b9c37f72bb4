"""What the report's use cases need from outside, as protocols; adapters implement them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from chalicelib.services.ports import Clock, Log
from chalicelib.services.reports.model import DayTotals, OrderRow

__all__ = ["Alerts", "Claims", "Clock", "Links", "Listed", "Log", "Objects", "Sales", "Snapshot", "Workflows"]


@dataclass(frozen=True)
class Snapshot:
    """One consistent view: the day's orders (read once, in order of their ids) and totals of its week."""

    orders: Iterator[OrderRow]
    history: Sequence[DayTotals]


class Sales(Protocol):
    def snapshot(self, day: date, days_before: int = 0) -> AbstractContextManager[Snapshot]:
        """`history` has the day itself and so many days before it, oldest first."""
        ...


class Listed(Protocol):
    @property
    def key(self) -> str: ...

    @property
    def size(self) -> int: ...


class Objects(Protocol):
    """Objects of one bucket."""

    def put(self, key: str, body: bytes, content_type: str) -> None: ...

    def get(self, key: str) -> bytes | None: ...

    def list(self, prefix: str) -> Iterator[Listed]: ...


class Claims(Protocol):
    def claim(self, key: str, body: bytes) -> bool:
        """Writes the object if there is none; False where there is one."""
        ...

    def settle(self, key: str, body: bytes) -> None: ...


class Alerts(Protocol):
    def alert(self, subject: str, details: Mapping[str, Any]) -> None: ...

    def mail(self, subject: str, text: str) -> None: ...


class Links(Protocol):
    def of(self, key: str) -> str:
        """An address under which an operator can open the object."""
        ...


class Workflows(Protocol):
    def start(self, name: str, state: Mapping[str, Any]) -> bool:
        """Starts one execution of that name; False where it was started before."""
        ...
