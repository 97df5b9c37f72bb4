"""What an engine must be able to do for the pipeline; everything else is SQL in the common subset."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from etl.manifest import SourceFile
from etl.reader.records import FileNotes
from etl.schemas import Schema
from etl.storage import Storage


@dataclass
class Landing:
    """The name of the landed view and, by source, what was noted of each file and how it was read."""

    view: str
    notes: dict[str, FileNotes] = field(default_factory=dict)
    native: list[str] = field(default_factory=list)


class Engine(Protocol):
    """Where `side_by_side`, `check`, `rows` and `result` are faster called from several threads at a time."""

    name: str
    side_by_side: bool

    def land(self, schema: Schema, files: Sequence[SourceFile], view: str) -> Landing: ...

    def check(self, name: str, landing: Landing, sql: str) -> None:
        """Compute and keep a query over the landed view."""

    def table(self, name: str, sql: str) -> None:
        """Compute once and keep for the run."""

    def view(self, name: str, sql: str) -> None: ...

    def parquet(self, name: str, storage: Storage, keys: Sequence[str], like: str) -> None:
        """A view over Parquet objects; with none, an empty view of the columns of the query `like`."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]: ...

    def fingerprint(self, column: str) -> str:
        """Cheap to count distinct: alike for equal texts, and now and then for others; NULL of NULL."""

    def put_partitions(
        self,
        sql: str,
        column: str,
        wanted: Collection[str],
        storage: Storage,
        key_of: Callable[[str], str],
        point: str,
    ) -> None:
        """One Parquet object for each wanted value of the column, which is left out; empty or not."""

    def result(self, name: str, sql: str) -> None:
        """Compute a result small enough for one machine's memory (gold) and keep it at hand."""

    def figures(self, name: str, part: str, money: str) -> dict[str, tuple[int, Decimal | None]]:
        """By each value of the column `part` of a result: its rows and its money's sum, None if one is."""

    def put_result(
        self, name: str, column: str, keys: Mapping[str, str], storage: Storage, point: str
    ) -> None:
        """A result as one Parquet object for each key of the column's values, which is left out."""

    def put_parquet(self, sql: str, storage: Storage, key: str, point: str) -> None: ...

    def put_json_lines(self, sql: str, storage: Storage, key: str, point: str) -> None: ...

    def close(self) -> None: ...
