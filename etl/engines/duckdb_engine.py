"""The DuckDB engine: one process, no pyarrow, no extension beyond what the wheel carries."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import count, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import _duckdb  # not `duckdb`, which takes 0.06 s to import what no query here needs

from etl.assessment import ask_all
from etl.engines.base import Assessed, Landing
from etl.engines.duckdb_alike import alike, constant_names, first_lines, rises, short_texts, unsaid
from etl.engines.duckdb_landing import LandedFile, Origin, Way, land_file, text
from etl.engines.small_parquet import KINDS, SmallParquet
from etl.errors import EtlError
from etl.manifest import SourceFile
from etl.reader.sift import HOLDER
from etl.schemas import Schema
from etl.sources import fetch_all
from etl.sqlgen import empty_landed
from etl.storage import Storage

_THREADS = 8
_FEW = 64  # rows a file, up to which it is made in Python
LARGE = 8 << 20  # bytes of a file of which several cores shall read parts


class DuckDbEngine:
    name = "duckdb"
    # One query alone keeps all cores busy; of two, one is left with the core of its own thread to its end.
    side_by_side = False

    def __init__(self, work: Path, memory_limit: str | None = None, large: int = LARGE, **_: Any) -> None:
        self._work = work
        self._large = large
        config: dict[str, Any] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": str(work / "spill"),
            # The database dies with the run: an automatic checkpoint would spend 2 CPU s per million rows.
            "checkpoint_threshold": "1TB",
        }
        if memory_limit:
            config["memory_limit"] = memory_limit
        self._database = _duckdb.connect(config=config)
        [(self._cores,)] = self._database.execute("select current_setting('threads')").fetchall()
        self._of_thread = threading.local()
        self._files = count(1)  # threads share it
        self._kinds: dict[str, str] = {}  # of what was made, table or view
        self._constants: dict[str, Collection[str]] = {}  # by checked table
        self._short_texts: dict[str, Mapping[str, str]] = {}  # of its constants
        self._landed: dict[str, tuple[Schema, Sequence[SourceFile], Sequence[LandedFile]]] = {}

    def land(self, schema: Schema, files: Sequence[SourceFile], view: str) -> Landing:
        """Clean CSV is read natively, everything else by the strict reader; both give the same records."""
        landing = Landing(view)
        self._land(schema, files, landing, Way.CLEAN)
        return landing

    def _land(self, schema: Schema, files: Sequence[SourceFile], landing: Landing, way: Way) -> None:
        landing.native.clear()
        source_type = self._source_type(landing.view, [file.name for file in files])
        landed = []
        for file, path in zip(files, fetch_all(files, self._work / "input"), strict=True):
            origin = Origin(file.name, file.version, source_type, f"{landing.view}_rejects")
            found = land_file(path, origin, schema, way, self._large, self._new_path)
            landing.notes[file.name] = found.notes
            landing.native += [file.name] if found.native else []
            landed.append(found)
        self._landed[landing.view] = (schema, files, landed)
        self._union(landing.view, [found.records for found in landed])

    def _union(self, view: str, queries: Sequence[str]) -> None:
        schema, _, _ = self._landed[view]
        self.view(view, "\nunion all ".join(queries or [empty_landed(schema)]))

    def _source_type(self, view: str, names: Collection[str]) -> str:
        """A type of the names of a landing's files, in the order of texts: a byte a row, not a text a row."""
        values = ", ".join(text(name) for name in sorted(set(names)))
        if names:
            self._connection.execute(f"create type if not exists {view}_source as enum ({values})")
        return f"{view}_source"

    def check(self, name: str, landing: Landing, sql: str) -> None:
        """Numbering the records of a large file would put all of this on one core: their places number them.

        A table keeps the order in which a query gives its rows, and that is the file's order. The view
        holds afterwards no more than is read again: the rejects, and what else was read strictly.
        DuckDB itself finds a wrong number of fields in what looked clean: then all is read more surely.
        Place holders of records that were read strictly have kept the places; they are no records.
        """
        rows, rejects = f"{name}_rows", f"{landing.view}_rejects"
        files = self._landed[landing.view][1]
        constants = self._keep(rows, landing, sql)
        source = constants.get("source", "source")
        numbered = {} if "record" in constants else {"record": self._record(rows, source)}
        replaced = numbered | unsaid(rows, self.rows)
        values = constants | replaced
        added = "".join(f"{value} as {column}, " for column, value in constants.items())
        known = ", ".join(f"{value} as {column}" for column, value in replaced.items())
        kept = f"* replace ({known})" if replaced else "*"
        real = "" if "failed" in values else f" where failed is distinct from {text(HOLDER)}"
        self.view(name, f"select {added}{kept} from {rows}{real}")
        self._constants[name] = constant_names(constants)
        self._short_texts[name] = short_texts(values, self.rows)
        by_place = "record is null" if numbered else "true"
        place = f"{source} as source, {values['record']} as record, {by_place} as by_place"
        self.table(rejects, f"select {place} from {rows} where failed <> {text(HOLDER)}")
        again = {name for (name,) in self.rows(f"select distinct source from {rejects} where by_place")}
        landed = zip(files, self._landed[landing.view][2], strict=True)
        needed = [(found, not found.in_parts or file.name in again) for file, found in landed]
        self._union(landing.view, [found.rejects if native else found.strict for found, native in needed])

    def _keep(self, rows: str, landing: Landing, sql: str) -> dict[str, str]:
        """Makes the table, and answers the columns that are alike in all rows: those are not kept in it."""
        way = Way.CLEAN
        while True:
            schema, files, landed = self._landed[landing.view]
            values = alike(schema, landed, landing.notes.values())
            left_out = f" exclude ({', '.join(values)})" if values else ""
            try:
                self.table(rows, f"select *{left_out} from ({sql})")
                return values
            except _duckdb.Error:
                if not landing.native or way is Way.STRICT:
                    raise
                way = Way(way + 1)
                self._land(schema, files, landing, way)

    def _record(self, rows: str, source: str) -> str:
        found = self.rows(
            f"select {source}, min(rowid), max(rowid), count(*) from {rows} where record is null group by 1"
        )
        if any(last - first + 1 != count for _, first, last, count in found):
            raise EtlError(f"records of one file are not together in {rows}")
        [(numbered,)] = self.rows(f"select count(record) from {rows}")
        if not found:
            return "record"
        if len(found) == 1 and not numbered:
            return f"rowid - {found[0][1] - 1}"
        starts = " ".join(f"when {text(name)} then {first - 1}" for name, first, _, _ in found)
        return f"coalesce(record, rowid - case {source} {starts} end)"

    def table(self, name: str, sql: str) -> None:
        self._make("table", name, sql)

    def view(self, name: str, sql: str) -> None:
        self._make("view", name, sql)

    def _make(self, kind: str, name: str, sql: str) -> None:
        """DuckDB replaces a view by a view only, and a table by a table."""
        old = self._kinds.get(name, kind)
        if old != kind:
            self._connection.execute(f"drop {old} {name}")
        self._connection.execute(f"create or replace {kind} {name} as {sql}")
        self._kinds[name] = kind

    def parquet(self, name: str, storage: Storage, keys: Sequence[str], like: str) -> None:
        empty = f"select * from ({like}) as shape where 1 = 0"
        if not keys:
            self.view(name, empty)
            return
        with ThreadPoolExecutor(_THREADS) as pool:
            local = pool.map(lambda key: storage.fetch(key, self._work / "silver"), keys)
            paths = ", ".join(text(str(path)) for path in local)
        found = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
        self.view(name, f"{empty} union all by name select * from {found}")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def fingerprint(self, column: str) -> str:
        return column

    def assessed(self, schema: Schema, checked: str) -> Assessed:
        key = schema.names[0]
        ids = f"count({key})" if rises(checked, key, self.rows) else f"count(distinct {key})"
        constants = [name for name in schema.names if name in self._constants[checked]]
        return ask_all(self.rows, schema, checked, ids, constants)

    def put_first_lines(self, checked: str, keys: Mapping[str, str], storage: Storage, point: str) -> bool:
        lines = first_lines(checked, self._short_texts[checked])
        self.put_partitions(lines, "order_month", keys, storage, keys.__getitem__, point)
        return True

    def put_accepted(
        self, checked: str, columns: Sequence[str], storage: Storage, key: str, point: str
    ) -> bool:
        return False

    def result(self, name: str, sql: str) -> None:
        self.table(name, sql)

    def selected(self, name: str, result: str, flag: str, columns: Sequence[str]) -> None:
        self.view(name, f"select {', '.join(columns)} from {result} where {flag}")

    def figures(self, name: str, part: str, money: str) -> dict[str, tuple[int, Decimal | None]]:
        whole = f"case when count({money}) = count(*) then sum({money}) end"
        found = self.rows(f"select {part}, count(*), {whole} from {name} group by {part}")
        return {str(value): (rows, revenue) for value, rows, revenue in found}

    def put_result(
        self, name: str, column: str, keys: Mapping[str, str], storage: Storage, point: str
    ) -> None:
        shape = [(found[0], found[1]) for found in self.rows(f"describe {name}")]
        [(rows,)] = self.rows(f"select count(*) from {name}")
        if rows <= _FEW * len(keys) and {kind for other, kind in shape if other != column} <= KINDS.keys():
            self._put_small(name, column, shape, keys, storage, point)
        else:
            self.put_partitions(f"select * from {name}", column, keys, storage, keys.__getitem__, point)

    def _put_small(
        self,
        name: str,
        column: str,
        shape: Sequence[tuple[str, str]],
        keys: Mapping[str, str],
        storage: Storage,
        point: str,
    ) -> None:
        """Files of a few rows each without DuckDB, whose writer spends most of a millisecond on one."""
        columns = [(other, kind) for other, kind in shape if other != column]
        money = "cast({0} * cast(100 as decimal(3,0)) as bigint)"
        texts = (money.format(other) if "DECIMAL" in kind else other for other, kind in columns)
        found = self.rows(f"select cast({column} as varchar), {', '.join(texts)} from {name} order by 1")
        parts = {value: [row[1:] for row in rows] for value, rows in groupby(found, itemgetter(0))}
        small = SmallParquet(columns)

        def put(value: str) -> None:
            storage.put(keys[value], small.file(parts.get(value, ())), point)

        if storage.at_once > 1:
            with ThreadPoolExecutor(storage.at_once) as pool:
                list(pool.map(put, sorted(keys)))
        else:
            for value in sorted(keys):
                put(value)

    def put_partitions(
        self,
        sql: str,
        column: str,
        wanted: Collection[str],
        storage: Storage,
        key_of: Callable[[str], str],
        point: str,
    ) -> None:
        made = self._write_partitions(sql, column)
        for value in set(wanted) - set(made):
            made[value] = self._new_path("empty")
            self._connection.execute(
                f"copy (select * exclude ({column}) from ({sql}) where 1 = 0) "
                f"to {text(str(made[value]))} (format parquet)"
            )
        _put_all([(key_of(value), made[value]) for value in sorted(made)], storage, point)

    def _write_partitions(self, sql: str, column: str) -> dict[str, Path]:
        """Files by value, without a folder for each: making and removing hundreds can cost a second.

        Gold is computed meanwhile: each of two queries needs a thread beside the one that asked it, or the
        one that is left has but one core.
        """
        self._connection.execute(f"set threads = {self._cores + 1}")
        made = self._connection.execute(
            f"copy ({sql}) to {text(str(self._new_path('partitions')))} "
            f"(format parquet, partition_by ({column}), hive_file_pattern false, return_stats true)"
        )
        names = [described[0] for described in made.description or ()]
        files = [dict(zip(names, file, strict=True)) for file in made.fetchall()]
        found = {file["partition_keys"][column]: Path(file["filename"]) for file in files}
        if len(found) != len(files):
            raise EtlError(f"{len(files)} files for {len(found)} partitions by {column}")
        return found

    def put_parquet(self, sql: str, storage: Storage, key: str, point: str) -> None:
        path = self._new_path("object")
        self._connection.execute(f"copy ({sql}) to {text(str(path))} (format parquet)")
        storage.put(key, path, point)

    def put_json_lines(self, sql: str, storage: Storage, key: str, point: str) -> None:
        path = self._new_path("lines")
        self._connection.execute(f"copy ({sql}) to {text(str(path))} (format json)")
        storage.put(key, path, point)

    def close(self) -> None:
        self._database.close()

    @property
    def _connection(self) -> _duckdb.DuckDBPyConnection:
        """A connection runs one statement at a time: each thread has its own to the one database."""
        if not hasattr(self._of_thread, "connection"):
            self._of_thread.connection = self._database.cursor()
            self._of_thread.connection.execute("set TimeZone = 'UTC'")
        found: _duckdb.DuckDBPyConnection = self._of_thread.connection
        return found

    def _new_path(self, stem: str) -> Path:
        return self._work / f"{stem}-{next(self._files)}"


def _put_all(objects: Sequence[tuple[str, Path]], storage: Storage, point: str) -> None:
    with ThreadPoolExecutor(_THREADS) as pool:
        for done in [pool.submit(storage.put, key, path, point) for key, path in objects]:
            done.result()
