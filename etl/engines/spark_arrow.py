"""What a local Spark leaves to Arrow in the driver: clean CSV cut into columns of text, and what fits there.

Nothing of a rule, of a merge or of gold is decided here: those are SQL.
"""

import mmap
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from etl.engines.base import Assessed
from etl.engines.spark_io import dictionaries, put_table, runs
from etl.model import SALES_COLUMNS
from etl.schemas import Schema
from etl.storage import Storage

PART = 32 << 20  # bytes of CSV that one task reads
_ROW_GROUP = 1 << 17
_THREADS = 8


def cut_columns(path: Path, width: int, folder: Path, part: int = PART) -> bool:
    """Clean CSV without its header as Parquet: `record` from 1 and texts c0, c1, …; an empty text is NULL.

    False where Arrow finds a line with another number of fields.
    """
    import pyarrow as pa

    folder.mkdir(parents=True)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        cuts = _cuts(data, part)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            counts = pool.map(partial(_lines, data), cuts, cuts[1:])
            starts = [1]
            starts.extend(starts[-1] + count for count in counts)
            work = partial(_cut_part, data, width, folder)
            try:
                return all(pool.map(work, cuts, cuts[1:], starts, starts[1:]))
            except pa.ArrowInvalid:
                return False


def _cuts(data: mmap.mmap, part: int) -> list[int]:
    """Where lines begin: parts of about one size, as many for each core."""
    begin, cores = data.find(b"\n") + 1, os.cpu_count() or 1
    parts = -(-len(data) // (part * cores)) * cores
    places = (begin + (len(data) - begin) * number // parts for number in range(1, parts))
    found = {data.find(b"\n", place) + 1 or len(data) for place in places}
    return sorted({begin, len(data)} | found)


def _lines(data: mmap.mmap, begin: int, end: int) -> int:
    lines = data[begin:end]
    return lines.count(b"\n") + (not lines.endswith(b"\n"))


def _cut_part(data: mmap.mmap, width: int, folder: Path, begin: int, end: int, first: int, last: int) -> bool:
    import pyarrow as pa
    import pyarrow.csv

    names = [f"c{number}" for number in range(width)]
    table = pyarrow.csv.read_csv(
        pa.BufferReader(data[begin:end]),
        pyarrow.csv.ReadOptions(column_names=names, block_size=end - begin + 1, use_threads=False),
        pyarrow.csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
        pyarrow.csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    if table.num_rows != last - first:
        return False
    table = table.append_column("record", pa.array(range(first, last), pa.int64()))
    _write(table, folder / f"{begin:020}.parquet", ())
    return True


def keep(table: Any, folder: Path, column: str | None, buckets: int) -> None:
    """For Spark to read back, some columns at a time: unpacked, a file for each bucket of a column of dates.

    Files are named as Spark names those of a bucketed table: what is grouped by the column needs no shuffle.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    folder.mkdir()
    if column is None:
        _write(table, folder / "whole.parquet", dictionaries(table))
        return
    numbers = pa.array(bucket_numbers(table[column], buckets))

    def write(number: int) -> None:
        _write(
            table.filter(pc.equal(numbers, number)),
            folder / f"part-0_{number:05}.parquet",
            dictionaries(table),
        )

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(write, range(buckets)))


def bucket_numbers(dates: Any, buckets: int) -> Any:
    """Spark's own `pmod(hash(date), buckets)`: MurmurHash3 of 32 bits with the seed 42, which NULL keeps.

    https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
    """
    import numpy as np
    import pyarrow as pa

    whole = dates.combine_chunks() if isinstance(dates, pa.ChunkedArray) else dates
    key = whole.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False).astype(np.uint32)
    u = np.uint32
    key = _rotated(key * u(0xCC9E2D51), 15) * u(0x1B873593)
    mixed = (_rotated(key ^ u(42), 13) * u(5) + u(0xE6546B64)) ^ u(4)
    mixed = (mixed ^ (mixed >> u(16))) * u(0x85EBCA6B)
    mixed = (mixed ^ (mixed >> u(13))) * u(0xC2B2AE35)
    hashed = (mixed ^ (mixed >> u(16))).astype(np.int32)
    hashed[whole.is_null().to_numpy(zero_copy_only=False)] = 42
    return np.mod(hashed, buckets)


def _rotated(values: Any, by: int) -> Any:
    return (values << by) | (values >> (32 - by))


def _write(table: Any, path: Path, dictionaries: Sequence[str]) -> None:
    import pyarrow.parquet as pq

    pq.write_table(
        table,
        path,
        compression="none",
        use_dictionary=list(dictionaries),
        write_statistics=False,
        row_group_size=_ROW_GROUP,
        store_decimal_as_integer=True,
    )


def assessed(table: Any, schema: Schema) -> Assessed:
    import pyarrow.compute as pc

    reasons = ["source", "failed", "warned"]
    counts = table.group_by(reasons).aggregate([([], "count_all")]).select([*reasons, "count_all"])
    good = accepted(table)
    ids = table[schema.names[0]]
    highest = pc.max(table["line_number"]).as_py() if "line_number" in schema.names else None
    days = pc.unique(good["order_date"]).to_pylist() if "order_date" in schema.names else None
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        profiles = list(pool.map(_profile, (good[name] for name in schema.names)))
    return Assessed(
        [tuple(row.values()) for row in counts.to_pylist()],
        records=len(ids) - ids.null_count,
        ids=profiles[0]["distinct"] if good is table else pc.count_distinct(ids, mode="only_valid").as_py(),
        lines=1 if highest is None else highest,
        profile=dict(zip(schema.names, profiles, strict=True)),
        days=None if days is None else frozenset(map(str, days)),
    )


def _profile(values: Any) -> dict[str, Any]:
    import pyarrow.compute as pc

    ends = pc.min_max(values).as_py()
    distinct = pc.count_distinct(values, mode="only_valid").as_py()
    return {
        "nulls": values.null_count,
        "distinct": distinct,
        "min": _text(ends["min"]),
        "max": _text(ends["max"]),
    }


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def accepted(table: Any) -> Any:
    failed = table["failed"]
    return table if failed.null_count == len(failed) else table.filter(failed.is_null())


def first_lines(table: Any) -> Any:
    """`model.numbered`, `accepted` and `of_months` of checked sales of which no order has a second line."""
    import pyarrow as pa
    import pyarrow.compute as pc

    good = accepted(table)
    numbers = pc.fill_null(good["line_number"], pa.scalar(1, good["line_number"].type))
    good = good.set_column(good.column_names.index("line_number"), "line_number", numbers)
    days = good["order_date"]
    months = pc.add(pc.multiply(pc.year(days), 100), pc.month(days))
    return good.select(SALES_COLUMNS).append_column("order_month", months)


def to_arrow(frame: Any) -> Any:
    """The whole frame as one Arrow table in the driver."""
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    schema = to_arrow_schema(frame.schema)
    return pa.Table.from_batches(frame._collect_as_arrow(), schema)


def checked(frame: Any) -> tuple[Any, dict[str, Any]]:
    """The whole frame as Arrow, and the values of columns seen to be alike in all rows.

    What the optimised plan says to be a constant Spark need not write into a million rows.
    """
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    schema, known = to_arrow_schema(frame.schema), _constants(frame)
    known = {} if len(known) == len(schema) else known
    found = to_arrow(frame.drop(*known))
    columns = [
        _repeated(pa.scalar(known[f.name], f.type), len(found)) if f.name in known else found[f.name]
        for f in schema
    ]
    table = pa.table(columns, schema)
    empty = [f.name for f in schema if table[f.name].null_count == len(table)]
    return table, dict.fromkeys(empty) | known


def _constants(frame: Any) -> dict[str, Any]:
    """Columns of NULL, a text or a whole number by Spark's optimised plan."""
    plan = frame._jdf.queryExecution().optimizedPlan()
    if plan.nodeName() != "Project":
        return {}
    found, columns = {}, plan.projectList()
    for number, name in enumerate(frame.columns):
        column = columns.apply(number)
        if column.nodeName() == "Alias" and column.child().nodeName() == "Literal":
            value, kind = column.child().value(), column.child().dataType().simpleString()
            if value is None or kind in ("string", "int", "bigint"):
                found[name] = str(value.toString()) if kind == "string" and value is not None else value
    return found


def _repeated(value: Any, rows: int) -> Any:
    """A column of one value, whose chunks are one piece of memory."""
    import pyarrow as pa

    whole, rest = divmod(rows, _ROW_GROUP)
    chunk = pa.repeat(value, min(rows, _ROW_GROUP))
    return pa.chunked_array([*[chunk] * whole, *([chunk.slice(0, rest)] if rest else [])], value.type)


def with_constants(frame: Any, schema: Any, values: Mapping[str, Any]) -> Any:
    """The columns of the Spark schema in its order, some of which the frame does not have."""
    from pyspark.sql import functions as F

    return frame.select(
        *(
            F.lit(values[f.name]).cast(f.dataType).alias(f.name) if f.name in values else F.col(f.name)
            for f in schema
        )
    )


def put_result(
    table: Any, column: str, keys: Mapping[str, str], storage: Storage, point: str, folder: Path
) -> None:
    """One object for each key, several at a time; a value that is not in the table gives an empty one."""
    import pyarrow.compute as pc

    order = pc.sort_indices(table[column].combine_chunks())  # of one array: sort_by takes twice as long
    together = table.take(order).combine_chunks()
    parts = dict(runs(iter(together.to_batches()), column))
    empty = table.slice(0, 0).drop_columns([column])

    def put(value: str) -> None:
        put_table(parts.get(value, empty), storage, keys[value], point, folder / f"{point}-{value}.parquet")

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(put, sorted(keys)))
