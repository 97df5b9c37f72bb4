"""What a statement is before it runs: its kind, its verb, where its result goes, and what runs it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.local_cloud.athena import dialect, engine
from scripts.local_cloud.athena.engine import Outcome
from scripts.local_cloud.athena.errors import QueryError
from scripts.local_cloud.athena.tables import Session

_COMMENTS = re.compile(r"^\s*(--[^\n]*\n|/\*.*?\*/)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a query's own files go."""

    query_id: str
    output: str


@dataclass(frozen=True, slots=True)
class Statement:
    kind: str
    verb: str
    run: Callable[[Session, Place], Outcome]
    suffix: str = ".csv"

    def result_name(self, query_id: str) -> str:
        return f"{query_id}{self.suffix}"

    def manifest_name(self, query_id: str) -> str:
        return f"{query_id}-manifest.csv"


def understand(sql: str, parameters: Sequence[str], workgroup: str) -> Statement:
    """The statement, parsed; a malformed one is refused before it gets an id."""
    text = sql.strip().rstrip(";").strip()
    while found := _COMMENTS.match(text):
        text = text[found.end() :].lstrip()
    if not text:
        raise QueryError("SYNTAX_ERROR", "line 1:1: empty query")
    dialect.parse(text)
    return Statement("DML", "SELECT", lambda session, _: engine.select(session, text))
