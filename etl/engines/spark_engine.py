"""The Spark engine: the same SQL on Glue or locally; files are read and objects written by the executors."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from etl.engines import spark_arrow, spark_io
from etl.engines.base import Assessed, Landing
from etl.engines.spark_paths import delete_copies, literal
from etl.engines.spark_session import is_local, open_session, starts_local
from etl.errors import LakeBusyError
from etl.manifest import SourceFile
from etl.reader.files import compression_of, format_of
from etl.reader.records import FileNotes
from etl.schemas import Schema
from etl.sources import fetch, fetch_if_there
from etl.sqlgen import empty_landed, text
from etl.storage import S3Storage, Storage

# Below this a file is read whole by one task: finding its line numbers would cost more than it saves.
MIN_NATIVE_BYTES = 1 << 20
# Locally up to this much passes through the driver as Arrow: no cache, no shuffle, no sort. An estimate:
# of silver it is Spark's, of checked rows so many bytes for one of a file.
MAX_DRIVER_BYTES = 512 << 20
_GROWS, _UNPACKS = 4, 40
_BUCKETED = "checked_by_day"


class SparkEngine:
    name = "spark"
    side_by_side = True  # one query alone leaves cores idle

    def __init__(
        self,
        work: Path,
        session: Any = None,
        min_native_bytes: int = MIN_NATIVE_BYTES,
        max_driver_bytes: int = MAX_DRIVER_BYTES,
        **_: Any,
    ) -> None:
        self._work = work
        self._owned = session is None
        self._session: Any = session
        self._starting: Future[Any] | None = None
        if session is None and starts_local():
            pool = ThreadPoolExecutor(1)
            self._starting = pool.submit(open_session)  # meanwhile files are looked at
            pool.shutdown(wait=False)
        elif session is None:
            self._session = open_session()
        self._local = self._starting is not None or is_local(self._session)
        self._min_native_bytes = min_native_bytes
        self._max_driver_bytes = max_driver_bytes if self._local else 0
        self._kept: list[Any] = []
        self._copies: list[str] = []
        self._results: dict[str, Any] = {}
        self._landed_bytes: dict[str, int] = {}
        self._numbers = count()
        self._at_hand: dict[str, Any] = {}

    @property
    def _spark(self) -> Any:
        return self._starting.result() if self._starting else self._session

    def land(self, schema: Schema, files: Sequence[SourceFile], view: str) -> Landing:
        """Large clean CSV is split among the tasks, any other file is read strictly by one."""
        landing = Landing(view)
        clean = [(file, self._clean(file, schema)) for file in files]
        strict = [file for file, found in clean if found is None]
        natives = [(file, found, self._cut(file, found)) for file, found in clean if found]
        self._landed_bytes[view] = sum(map(self._grown, files))
        frames = [self._spark.sql(empty_landed(schema))] if not files else []
        for file, found, cut in natives:
            self._copies += [found.path] if found.is_copy else []
            if cut:
                frames.append(spark_io.native_columns(self._spark, found, file, schema, cut))
            else:
                frames.append(spark_io.native_lines(self._spark, found, file, schema))
            landing.native.append(file.name)
            seen = set(found.names)
            landing.notes[file.name] = FileNotes(seen - set(schema.names), seen & set(schema.names))
        if strict:
            frames.append(self._strict(strict, schema, landing))
        whole = frames[0]
        for frame in frames[1:]:
            whole = whole.unionAll(frame)
        whole.createOrReplaceTempView(view)
        return landing

    def check(self, name: str, landing: Landing, sql: str) -> None:
        """Kept at hand as Arrow, and for Spark in files of which it reads the columns that it needs.

        Columns that are alike in all rows are constants of the view: no query has to look at them.
        Sales are bucketed by day as a table of Spark's: it counts gold by day without a shuffle.
        """
        if not self._max_driver_bytes or self._landed_bytes[landing.view] > self._max_driver_bytes:
            self.table(name, sql)
            return
        frame = self._spark.sql(sql)
        table, alike = spark_arrow.checked(frame)
        self._at_hand[name] = table
        by_day = "order_date" in frame.columns
        needed = {frame.columns[0], "record", "order_date"}
        given = {column: value for column, value in alike.items() if column not in needed}
        kept = frame.drop(*given).schema
        folder, buckets = self._new_folder(name), int(self._spark.conf.get("spark.sql.shuffle.partitions"))
        spark_arrow.keep(table.select(kept.names), folder, "order_date" if by_day else None, buckets)
        found = self._bucketed(kept, folder, buckets) if by_day else self._files(kept, folder)
        spark_arrow.with_constants(found, frame.schema, given).createOrReplaceTempView(name)

    def _files(self, shape: Any, folder: Path) -> Any:
        return self._spark.read.schema(shape).parquet(literal(str(folder)))

    def _bucketed(self, shape: Any, folder: Path, buckets: int) -> Any:
        columns = ", ".join(f"{f.name} {f.dataType.simpleString()}" for f in shape)
        self._drop()
        self._spark.sql(
            # Spark's own option (DataSource.GLOB_PATHS_KEY): the folder's name is no pattern
            f"create table {_BUCKETED} ({columns}) using parquet options (`__globPaths__` = 'false') "
            f"clustered by (order_date) into {buckets} buckets location {text(str(folder))}"
        )
        return self._spark.table(_BUCKETED)

    def assessed(self, schema: Schema, checked: str) -> Assessed | None:
        table = self._at_hand.get(checked)
        return None if table is None else spark_arrow.assessed(table, schema)

    def put_first_lines(self, checked: str, keys: Mapping[str, str], storage: Storage, point: str) -> bool:
        if checked not in self._at_hand:
            return False
        lines = spark_arrow.first_lines(self._at_hand[checked])
        spark_arrow.put_result(lines, "order_month", keys, storage, point, self._work)
        return True

    def put_accepted(
        self, checked: str, columns: Sequence[str], storage: Storage, key: str, point: str
    ) -> bool:
        if checked not in self._at_hand:
            return False
        rows = spark_arrow.accepted(self._at_hand[checked]).select(columns)
        spark_io.put_table(rows, storage, key, point, self._work / "accepted.parquet")
        return True

    def table(self, name: str, sql: str) -> None:
        self._keep(self._spark.sql(sql)).createOrReplaceTempView(name)

    def view(self, name: str, sql: str) -> None:
        self._spark.sql(sql).createOrReplaceTempView(name)

    def parquet(self, name: str, storage: Storage, keys: Sequence[str], like: str) -> None:
        shape = self._spark.sql(like)
        if not keys:
            shape.where("1 = 0").createOrReplaceTempView(name)
            return
        paths = [self._path(storage, key) for key in keys]
        found = self._spark.read.schema(shape.schema).parquet(*paths)
        found.select(*shape.columns).createOrReplaceTempView(name)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._spark.sql(sql).collect()]

    def fingerprint(self, column: str) -> str:
        return f"case when {column} is not null then xxhash64({column}) end"

    def result(self, name: str, sql: str) -> None:
        """Gold comes to the driver as Arrow: no job to count it and none to write it."""
        self._results[name] = spark_arrow.to_arrow(self._spark.sql(sql))

    def figures(self, name: str, part: str, money: str) -> dict[str, tuple[int, Decimal | None]]:
        from pyarrow.compute import ScalarAggregateOptions

        found = self._results[name].select([part, money]).group_by(part)
        whole = (money, "sum", ScalarAggregateOptions(skip_nulls=False))
        rows = found.aggregate([whole, (part, "count")]).to_pylist()
        return {str(r[part]): (r[f"{part}_count"], r[f"{money}_sum"]) for r in rows}

    def selected(self, name: str, result: str, flag: str, columns: Sequence[str]) -> None:
        whole = self._results[result]
        self._results[name] = whole.filter(whole[flag]).select(columns)

    def put_result(
        self, name: str, column: str, keys: Mapping[str, str], storage: Storage, point: str
    ) -> None:
        spark_arrow.put_result(self._results[name], column, keys, storage, point, self._work)

    def put_partitions(
        self,
        sql: str,
        column: str,
        wanted: Collection[str],
        storage: Storage,
        key_of: Callable[[str], str],
        point: str,
    ) -> None:
        keys = {value: key_of(value) for value in wanted}
        frame = self._spark.sql(sql)
        if self._fits_driver(frame):
            table = spark_arrow.to_arrow(frame)
            spark_arrow.put_result(table, column, keys, storage, point, self._work)
            return
        try:
            made = spark_io.put_partitions(frame, column, keys, storage, point)
        except Exception as error:  # Spark wraps what a task raised; a task run twice conflicts with itself
            if LakeBusyError.__name__ in str(error):
                raise LakeBusyError(f"another run or task changed {point} meanwhile") from error
            raise
        spark_io.put_empty(frame, column, set(keys) - made, keys, storage, point, self._work)

    def put_parquet(self, sql: str, storage: Storage, key: str, point: str) -> None:
        self.put_partitions(
            f"select *, '' as whole from ({sql}) as object", "whole", {""}, storage, lambda _: key, point
        )

    def put_json_lines(self, sql: str, storage: Storage, key: str, point: str) -> None:
        path = self._work / "lines.jsonl"
        with path.open("w", encoding="utf-8") as out:
            for row in self._spark.sql(sql).toLocalIterator():
                out.write(json.dumps(row.asDict(), ensure_ascii=False, separators=(",", ":"), default=str))
                out.write("\n")
        storage.put(key, path, point)

    def close(self) -> None:
        """A session that was given stays; its cached tables go."""
        for frame in self._kept:
            frame.unpersist()
        delete_copies(self._copies)
        if self._owned and self._local:
            self._spark.stop()
        elif self._at_hand:
            self._drop()

    def _drop(self) -> None:
        self._spark.sql(f"drop table if exists {_BUCKETED}")

    def _fits_driver(self, frame: Any) -> bool:
        if not self._max_driver_bytes:
            return False
        estimated = frame._jdf.queryExecution().optimizedPlan().stats().sizeInBytes()
        return int(str(estimated)) <= self._max_driver_bytes

    def _keep(self, frame: Any) -> Any:
        self._kept.append(frame.cache())
        return frame

    def _path(self, storage: Storage, key: str) -> str:
        """On Glue Spark reads S3 itself; a local one has no S3 file system, so objects are fetched."""
        if isinstance(storage, S3Storage) and not self._local:
            return literal(storage.url(key))
        return literal(str(storage.fetch(key, self._work / "silver")))

    def _clean(self, file: SourceFile, schema: Schema) -> "spark_io.CleanFile | None":
        if file.size and file.size < self._min_native_bytes:
            return None
        return spark_io.clean_file(file, schema, self._work / "input", self._local)

    def _cut(self, file: SourceFile, clean: "spark_io.CleanFile") -> Path | None:
        """On one machine the columns of a clean file are cut out before Spark sees it; None: Spark shall."""
        if not self._max_driver_bytes:
            return None
        path, folder = fetch(file, self._work / "input"), self._new_folder("cut")
        return folder if spark_arrow.cut_columns(path, len(clean.names), folder) else None

    def _new_folder(self, stem: str) -> Path:
        return self._work / f"{stem}-{next(self._numbers)}"

    def _grown(self, file: SourceFile) -> int:
        """What a file's checked rows will be as Arrow, roughly."""
        path = fetch_if_there(file, self._work / "input") if self._local else None
        if path is None:
            return 0
        plain = compression_of(path) is None and format_of(path) in ("csv", "json")
        return path.stat().st_size * (_GROWS if plain else _UNPACKS)

    def _strict(self, files: Sequence[SourceFile], schema: Schema, landing: Landing) -> Any:
        records = self._keep(spark_io.strict_records(self._spark, files, schema, self._local, self._work))
        told = records.where(f"record = {spark_io.NOTES}").select("source", "raw").collect()
        for source, raw in told:
            seen = json.loads(raw)
            landing.notes[source] = FileNotes(set(seen["unknown"]), set(seen["seen"]), seen["damage"])
        damaged = [source for source, _ in told if landing.notes[source].damage]
        return spark_io.without(records.where(f"record <> {spark_io.NOTES}"), damaged)
