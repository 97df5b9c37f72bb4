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


@dataclass(frozen=True)
class Assessed:
    """What was found in checked rows: `counts` are rows of each (source, failed, warned).

    Of all rows with an id (the schema's first column) `records` have one, `ids` at most are different: a
    fingerprint may make them fewer. `lines` is the highest line number, 1 if there is none. The profile is of
    the accepted rows: nulls, distinct values (estimated), smallest and largest of every column; `days` are
    those of accepted sales, None where they must be asked.
    """

    counts: Sequence[tuple[Any, ...]]
    records: int
    ids: int
    lines: int
    profile: dict[str, dict[str, Any]]
    days: frozenset[str] | None = None


class Engine(Protocol):
    """Where `side_by_side`, `check`, `rows` and `result` are faster called from several threads at a time."""

    name: str
    side_by_side: bool

    def land(self, schema: Schema, files: Sequence[SourceFile], view: str) -> Landing: ...

    def check(self, name: str, landing: Landing, sql: str) -> None:
        """Compute and keep a query over the landed view."""

    def assessed(self, schema: Schema, checked: str) -> Assessed | None:
        """What the engine finds in checked rows by itself; None: it must be asked by SQL."""

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

    def put_first_lines(self, checked: str, keys: Mapping[str, str], storage: Storage, point: str) -> bool:
        """The accepted rows as silver by month number, for a lake's first sales with no order twice: line 1.

        False, and nothing is done, where SQL has to do it.
        """

    def put_accepted(
        self, checked: str, columns: Sequence[str], storage: Storage, key: str, point: str
    ) -> bool:
        """The columns of the accepted rows of a checked table as one object; or False, as above."""

    def result(self, name: str, sql: str) -> None:
        """Compute a result small enough for one machine's memory (gold) and keep it at hand."""

    def selected(self, name: str, result: str, flag: str, columns: Sequence[str]) -> None:
        """Another result: the columns of the rows of a result that have the flag, a column of truths."""

    def figures(self, name: str, part: str, money: str) -> dict[str, tuple[int, Decimal | None]]:
        """By each value of the column `part` of a result: its rows and its money's sum, None if one is."""

    def put_result(
        self, name: str, column: str, keys: Mapping[str, str], storage: Storage, point: str
    ) -> None:
        """A result as one Parquet object for each key of the column's values, which is left out."""

    def put_parquet(self, sql: str, storage: Storage, key: str, point: str) -> None: ...

    def put_json_lines(self, sql: str, storage: Storage, key: str, point: str) -> None: ...

    def close(self) -> None: ...
