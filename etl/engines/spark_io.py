"""What Spark's executors do with files: read by the one strict reader, write objects under fixed keys."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from etl.engines.spark_paths import literal, put_copy
from etl.engines.work import work_folder
from etl.manifest import SourceFile
from etl.reader.clean import clean_csv
from etl.reader.files import compression_of
from etl.reader.records import DAMAGED, FileNotes, Record
from etl.schemas import SCHEMAS, Schema
from etl.sources import fetch_if_there, records_of
from etl.storage import Storage

NOTES = -1  # the record number of the row that carries a file's notes to the driver
_ROWS = 20_000
# Many different values: a dictionary of them costs more than it saves.
_LONG = {"order_id", "customer_id", "product_id", "price", "line_amount", "record", "name", "email"}
_LOW_BITS = 33  # monotonically_increasing_id: partition above, row in partition below


@dataclass(frozen=True)
class CleanFile:
    """A clean CSV and where Spark's own text reader finds it; a copy is to be deleted at the end."""

    path: str
    names: tuple[str, ...]
    is_copy: bool = False


def clean_file(file: SourceFile, schema: Schema, folder: Path, local: bool) -> CleanFile | None:
    """The file's shape if it is clean and plain. On Glue what was looked at is put where no one else writes.

    Spark reads a key and not a version, several times and late, and takes [ ] { } * ? in it for a pattern.
    """
    path = fetch_if_there(file, folder)
    if path is None or compression_of(path) is not None:
        return None
    found = clean_csv(path, schema)
    if found is None or not found.has_records:
        return None
    if file.bucket is None or local:
        return CleanFile(literal(str(path)), found.names)
    return CleanFile(put_copy(path, file.bucket), found.names, is_copy=True)


def native_lines(spark: Any, clean: CleanFile, file: SourceFile, schema: Schema) -> Any:
    """Landed records of a clean file: a line is a record, numbered over the splits by one cheap job."""
    from pyspark.sql import functions as F

    lines = (
        spark.read.option("lineSep", "\n").text(clean.path).withColumn("id", F.monotonically_increasing_id())
    )
    split = F.shiftright("id", _LOW_BITS)
    sizes = dict(lines.groupBy(split.alias("split")).count().collect())
    before, starts = 0, []
    for number in range(max(sizes) + 1):
        starts.append(before)
        before += sizes.get(number, 0)
    start = F.element_at(F.array(*(F.lit(s).cast("bigint") for s in starts)), (split + 1).cast("int"))
    numbered = lines.select(
        "value",
        (start + F.col("id").bitwiseAND(F.lit((1 << _LOW_BITS) - 1))).alias("record"),
        F.split("value", ",", -1).alias("f"),
    ).where("record > 0")
    fits = F.size("f") == len(clean.names)

    def field(name: str) -> Any:
        value = F.col("f")[clean.names.index(name)]
        return F.when(fits & (value != ""), value)

    wrong = F.when(~fits, F.lit("wrong_field_count"))
    extra = F.when(fits, _extra(clean, schema, field))
    return numbered.select(*_landed_columns(clean, file, schema, field, wrong, F.col("value"), extra))


def native_columns(spark: Any, clean: CleanFile, file: SourceFile, schema: Schema, cut: Path) -> Any:
    """Landed records of a clean file whose columns were cut out already."""
    from pyspark.sql import functions as F

    columns = [f"c{number}" for number in range(len(clean.names))]
    shape = ", ".join(("record bigint", *(f"{column} string" for column in columns)))
    by_name = dict(zip(clean.names, map(F.col, columns), strict=True))
    raw = F.concat_ws(",", *(F.coalesce(value, F.lit("")) for value in by_name.values()))
    extra = _extra(clean, schema, by_name.__getitem__)
    landed = _landed_columns(clean, file, schema, by_name.__getitem__, F.lit(None), raw, extra)
    return spark.read.schema(shape).parquet(literal(str(cut))).select(*landed)


def _extra(clean: CleanFile, schema: Schema, field: Callable[[str], Any]) -> Any:
    """Unknown columns as JSON, NULL if there is none or no value in any."""
    from pyspark.sql import functions as F

    rest = sorted(n for n in clean.names if n not in schema.names)
    if not rest:
        return F.lit(None)
    told = F.to_json(F.struct(*(field(n).alias(n) for n in rest)))
    return F.when(told != "{}", told)


def _landed_columns(
    clean: CleanFile,
    file: SourceFile,
    schema: Schema,
    field: Callable[[str], Any],
    error: Any,
    raw: Any,
    extra: Any,
) -> list[Any]:
    from pyspark.sql import functions as F

    return [
        F.lit(file.name).alias("source"),
        F.lit(file.version).cast("bigint").alias("source_version"),
        F.col("record"),
        error.cast("string").alias("error"),
        raw.alias("raw"),
        extra.cast("string").alias("extra"),
        *((field(n) if n in clean.names else F.lit(None)).cast("string").alias(n) for n in schema.names),
    ]


def strict_records(spark: Any, files: Sequence[SourceFile], schema: Schema, local: bool, work: Path) -> Any:
    """All records of the files, one task a file, by the strict reader; and a row of notes for each file."""
    rows = [(json.dumps(asdict(file), default=lambda v: v.isoformat()),) for file in files]
    tasks = spark.createDataFrame(rows, "file string").repartition(len(rows))
    texts = ", ".join(f"{n} string" for n in ("error", "raw", "extra", *schema.names))
    shape = f"source string, source_version bigint, record bigint, {texts}"
    folder = str(work / "input") if local else None
    return tasks.mapInArrow(_reader(schema.name, folder), shape)


def without(records: Any, damaged: Sequence[str]) -> Any:
    """The records, those of damaged files all rejected."""
    if not damaged:
        return records
    from pyspark.sql import functions as F

    error = F.when(F.col("source").isin(*damaged), F.coalesce("error", F.lit(DAMAGED)))
    return records.withColumn("error", error.otherwise(F.col("error")))


def _reader(schema_name: str, folder: str | None) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def read(batches: Iterator[Any]) -> Iterator[Any]:
        schema = SCHEMAS[schema_name]
        with work_folder() as own:
            for batch in batches:
                for described in batch.column(0).to_pylist():
                    file = _described(described)
                    yield from _batches(fetch_if_there(file, Path(folder) if folder else own), file, schema)

    return read


def _described(text: str) -> SourceFile:
    found = json.loads(text)
    return SourceFile(**found | {"object_time": datetime.fromisoformat(found["object_time"])})


def _batches(path: Path | None, file: SourceFile, schema: Schema) -> Iterator[Any]:
    notes = FileNotes()
    records = records_of(path, file.name, schema, notes)
    while rows := list(islice(records, _ROWS)):
        yield _batch(rows, file, schema)
    told = json.dumps({"unknown": sorted(notes.unknown), "seen": sorted(notes.seen), "damage": notes.damage})
    yield _batch([Record(NOTES, {}, told)], file, schema)


def _batch(rows: Sequence[Record], file: SourceFile, schema: Schema) -> Any:
    import pyarrow as pa

    size = len(rows)
    columns = [
        pa.array([file.name] * size, pa.string()),
        pa.array([file.version] * size, pa.int64()),
        pa.array([r.number for r in rows], pa.int64()),
        pa.array([r.error for r in rows], pa.string()),
        pa.array([r.raw for r in rows], pa.string()),
        pa.array([r.extra for r in rows], pa.string()),
        *(pa.array([r.values.get(n) for r in rows], pa.string()) for n in schema.names),
    ]
    names = ["source", "source_version", "record", "error", "raw", "extra", *schema.names]
    return pa.RecordBatch.from_arrays(columns, names=names)


def put_partitions(
    frame: Any, column: str, keys: Mapping[str, str], storage: Storage, point: str
) -> set[str]:
    """One object for each value, written by the executor that holds all of its rows; the values written."""
    tasks = max(1, min(len(keys), int(frame.sparkSession.conf.get("spark.sql.shuffle.partitions"))))
    together = frame.repartition(tasks, column).sortWithinPartitions(column)
    written = together.mapInArrow(_writer(column, dict(keys), storage, point), "value string").collect()
    return {row[0] for row in written}


def _writer(
    column: str, keys: dict[str, str], storage: Storage, point: str
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def write(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        done = []
        with work_folder() as folder:
            for value, table in runs(batches, column):
                put_table(table, storage, keys[value], point, folder / "object.parquet")
                done.append(value)
        yield pa.RecordBatch.from_arrays([pa.array(done, pa.string())], names=["value"])

    return write


def runs(batches: Iterator[Any], column: str) -> Iterator[tuple[str, Any]]:
    """(value, its rows) of batches that are sorted by the column."""
    import pyarrow as pa

    current: str | None = None
    parts: list[Any] = []
    for batch in batches:
        values, start = batch.column(column), 0
        while start < batch.num_rows:
            value, end = str(values[start].as_py()), _end(values, start)
            if value != current:
                if current is not None:
                    yield current, pa.Table.from_batches(parts).drop_columns([column])
                current, parts = value, []
            parts.append(batch.slice(start, end - start))
            start = end
    if current is not None:
        yield current, pa.Table.from_batches(parts).drop_columns([column])


def _end(values: Any, start: int) -> int:
    """The end of the run of equal values that begins at `start`, by bisection."""
    value, low, high = values[start], start, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if values[middle] == value else (low, middle)
    return high


def put_empty(
    frame: Any,
    column: str,
    values: Collection[str],
    keys: Mapping[str, str],
    storage: Storage,
    point: str,
    folder: Path,
) -> None:
    """Objects without rows, for partitions that have lost theirs."""
    if not values:
        return
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    empty = pa.Table.from_batches([], to_arrow_schema(frame.drop(column).schema))
    for value in sorted(values):
        put_table(empty, storage, keys[value], point, folder / f"{point}-{value}.parquet")


def put_table(table: Any, storage: Storage, key: str, point: str, path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path, use_dictionary=dictionaries(table))
    storage.put(key, path, point)


def dictionaries(table: Any) -> list[str]:
    """The columns for whose values Parquet is to have a dictionary."""
    return [name for name in table.column_names if name not in _LONG]
