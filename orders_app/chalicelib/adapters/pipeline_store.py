"""Raw files and ETL runs in PostgreSQL: the lock is a partial unique index, changes are compare-and-set."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from chalicelib.services.pipeline.model import (
    ALLOWED,
    FINAL,
    Driver,
    Kind,
    PipelineError,
    RawFile,
    Run,
    State,
)

Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]

_FILE = "bucket, key, version_id, etag, size, sequencer, kind, object_time"
_RUN = (
    "run_id, state, driver, started_at, lease_until, attempt, version, engine, reason, manifest,"
    " job_run_id, retry_at, error, execution, report"
)
_CHANGEABLE = frozenset(
    {"lease_until", "attempt", "engine", "reason", "job_run_id", "retry_at", "error", "report", "ended_at"}
)
_ENDED = "('succeeded', 'checks_failed', 'failed')"


class PostgresPipelineStore:
    """`connect` is `Connections.transaction`: it commits when its context ends well."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def record(self, files: Sequence[RawFile], now: datetime) -> int:
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.executemany(
                f"insert into pipeline_files ({_FILE}, recorded_at)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " on conflict (bucket, key, version_id, etag) do nothing",
                [(*_file_values(file), now) for file in files],
            )
            return cursor.rowcount

    def claim(self, run: Run, limit: int) -> list[RawFile]:
        rows: list[dict[str, Any]] = []
        with self._connect() as connection:
            _supersede(connection)
            if not _insert(connection, run):
                return []
            rows = _rows(
                connection,
                "update pipeline_files set state = 'claimed', run_id = %s where id in ("
                " select id from pipeline_files where state = 'pending' order by id limit %s"
                f" for update skip locked) returning {_FILE}",
                run.run_id,
                limit,
            )
            if not rows:
                raise psycopg.Rollback
        return [_file(row) for row in rows]

    def adopt(self, run: Run) -> bool:
        with self._connect() as connection:
            return _insert(connection, run)

    def note_failed(self, run: Run) -> bool:
        with self._connect() as connection:
            return bool(
                _rows(
                    connection,
                    "insert into pipeline_runs (run_id, state, driver, started_at, lease_until, attempt,"
                    " engine, reason, job_run_id, error, ended_at)"
                    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                    " on conflict do nothing returning run_id",
                    *(run.run_id, run.state.value, run.driver.value, run.started_at, run.lease_until),
                    *(run.attempt, run.engine, run.reason, run.job_run_id, run.error, run.lease_until),
                )
            )

    def active(self) -> Run | None:
        return self._one(f"state not in {_ENDED}")

    def get(self, run_id: str) -> Run | None:
        return self._one("run_id = %s", run_id)

    def find_by_job_run(self, job_run_id: str) -> Run | None:
        return self._one("job_run_id = %s", job_run_id)

    def recent(self, limit: int) -> list[Run]:
        with self._connect() as connection:
            query = f"select {_RUN} from pipeline_runs order by started_at desc limit %s"
            return [_run(row) for row in _rows(connection, query, limit)]

    def files_of(self, run_id: str) -> list[RawFile]:
        with self._connect() as connection:
            query = f"select {_FILE} from pipeline_files where run_id = %s order by id"
            return [_file(row) for row in _rows(connection, query, run_id)]

    def advance(self, run: Run, to: State, now: datetime, **changes: Any) -> Run | None:
        if to not in ALLOWED.get(run.state, frozenset()):
            raise PipelineError(f"run {run.run_id!r} cannot go from {run.state.value!r} to {to.value!r}")
        unknown = changes.keys() - _CHANGEABLE
        if unknown:
            raise PipelineError(f"no such column of a run: {sorted(unknown)!r}")
        if to in FINAL and run.state not in FINAL:
            changes["ended_at"] = now
        sets = "".join(f", {name} = %s" for name in changes)
        with self._connect() as connection:
            rows = _rows(
                connection,
                f"update pipeline_runs set state = %s, version = version + 1{sets}"
                f" where run_id = %s and version = %s returning {_RUN}",
                to.value,
                *(_value(name, value) for name, value in changes.items()),
                run.run_id,
                run.version,
            )
            if rows and to in FINAL:
                _settle(connection, run.run_id, "failed" if to is State.FAILED else "done")
            return _run(rows[0]) if rows else None

    def give_back(self, run: Run) -> bool:
        gone: list[dict[str, Any]] = []
        with self._connect() as connection:
            freed = "update pipeline_files set state = 'pending', run_id = null where run_id = %s"
            connection.execute(freed, (run.run_id,))
            query = (
                "delete from pipeline_runs where run_id = %s and state in ('starting', 'running')"
                " returning run_id"
            )
            gone = _rows(connection, query, run.run_id)
            if not gone:
                raise psycopg.Rollback
        return bool(gone)

    def requeue(self, run_id: str, without: Collection[str] = ()) -> int:
        with self._connect() as connection:
            query = (
                "update pipeline_files set state = 'pending', run_id = null"
                " where run_id = %s and state = 'failed' and not key = any(%s) returning id"
            )
            return len(_rows(connection, query, run_id, list(without)))

    def pending(self) -> int:
        with self._connect() as connection:
            query = "select count(*) as files from pipeline_files where state = 'pending'"
            return int(_rows(connection, query)[0]["files"])

    def _one(self, where: str, *values: object) -> Run | None:
        with self._connect() as connection:
            rows = _rows(connection, f"select {_RUN} from pipeline_runs where {where} limit 1", *values)
            return _run(rows[0]) if rows else None


def _insert(connection: psycopg.Connection[Any], run: Run) -> bool:
    """False where the lock is held, or the run is known."""
    return bool(
        _rows(
            connection,
            "insert into pipeline_runs (run_id, state, driver, started_at, lease_until, engine, reason,"
            " manifest, job_run_id, execution) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict do nothing returning run_id",
            run.run_id,
            run.state.value,
            run.driver.value,
            run.started_at,
            run.lease_until,
            run.engine,
            run.reason,
            run.manifest,
            run.job_run_id,
            run.execution,
        )
    )


def _supersede(connection: psycopg.Connection[Any]) -> None:
    """In a bucket without versions an overwritten object cannot be read any more: only the newest counts.

    Sequencers compare as text after padding on the right with zeros (S3's event message structure).
    """
    connection.execute(
        "update pipeline_files older set state = 'superseded' where older.state = 'pending'"
        " and older.version_id = '' and exists (select from pipeline_files newer"
        " where newer.bucket = older.bucket and newer.key = older.key and newer.version_id = ''"
        " and rpad(newer.sequencer, 64, '0') collate \"C\" > rpad(older.sequencer, 64, '0') collate \"C\")"
    )


def _settle(connection: psycopg.Connection[Any], run_id: str, state: str) -> None:
    connection.execute("update pipeline_files set state = %s where run_id = %s", (state, run_id))


def _rows(connection: psycopg.Connection[Any], query: str, *values: object) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def _value(name: str, value: object) -> object:
    return json.dumps(value) if name == "report" else value


def _file_values(file: RawFile) -> tuple[object, ...]:
    return (
        file.bucket,
        file.key,
        file.version_id,
        file.etag,
        file.size,
        file.sequencer,
        file.kind.value,
        file.object_time,
    )


def _file(row: Mapping[str, Any]) -> RawFile:
    return RawFile(**{**row, "kind": Kind(row["kind"])})


def _run(row: Mapping[str, Any]) -> Run:
    return Run(**{**row, "state": State(row["state"]), "driver": Driver(row["driver"])})
