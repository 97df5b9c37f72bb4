"""One Athena query on a fresh DuckDB: a SELECT becomes typed columns and rows of text."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from scripts.local_cloud import glue_store
from scripts.local_cloud.athena import dialect, types
from scripts.local_cloud.athena.errors import from_duckdb
from scripts.local_cloud.athena.tables import Session
from scripts.local_cloud.athena.values import as_text

_SETTINGS = (
    "SET TimeZone='UTC'",
    "SET threads=2",
    "SET enable_progress_bar=false",
    "SET parquet_metadata_cache=true",  # files are looked at when described, when bound and when read
    "SET autoinstall_known_extensions=false",
    "SET autoload_known_extensions=false",
    "SET disabled_optimizers='type_pushdown'",  # it makes the CSV reader's TRY_CAST strict
)

Row = tuple[str | None, ...]


@dataclass
class Outcome:
    """What a finished statement leaves: columns as (name, DuckDB type), rows as Athena's text."""

    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    scanned_bytes: int = 0
    partitions_read: int = 0
    update_count: int = 0
    files: list[str] | None = None


@contextmanager
def open_session(database: str, on_open: Callable[[duckdb.DuckDBPyConnection], None]) -> Iterator[Session]:
    """A connection for one query; `on_open` gets it first, to be able to interrupt it."""
    con = duckdb.connect()
    try:
        on_open(con)
        for setting in _SETTINGS:
            con.execute(setting)
        with glue_store.scratch_dir() as folder:
            yield Session(con, database.lower(), folder)
    except duckdb.Error as error:
        raise from_duckdb(error) from error
    finally:
        con.close()


def select(session: Session, sql: str) -> Outcome:
    """Run a query and fetch it whole."""
    cursor = session.con.execute(dialect.to_duckdb(session, dialect.parse(sql)))
    columns = [(column[0].lower(), str(column[1])) for column in cursor.description or []]
    for _, kind in columns:
        types.to_athena(kind)  # refuses what GetQueryResults could not name
    formats = [as_text(kind) for _, kind in columns]
    rows = [
        tuple(None if cell is None else form(cell) for form, cell in zip(formats, row, strict=True))
        for row in cursor.fetchall()
    ]
    return Outcome(columns, rows, session.scanned_bytes, session.partitions_read)
