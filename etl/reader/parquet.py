"""Parquet rows as names and values, alike by DuckDB (laptop and Lambda) and by pyarrow (Glue)."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from etl.reader.numbers import day, moment, single

Row = Sequence[tuple[str, Any]]
_BATCH = 4096
_CHUNK = 1 << 20
_MICROSECONDS = {"s": (1_000_000, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}


class UnreadableError(ValueError):
    """The format or compression is not read here."""


def read_parquet(path: Path) -> Iterator[Row]:
    """The rows in order, by DuckDB where it is installed."""
    try:
        import duckdb  # noqa: F401
    except ImportError:
        return arrow_rows(path)
    return duckdb_rows(path)


def duckdb_rows(path: Path) -> Iterator[Row]:
    import duckdb

    connection = duckdb.connect()
    source = "read_parquet(?, hive_partitioning = false)"  # no column is taken from the path
    try:
        shape = connection.execute(f"describe select * from {source}", [str(path)]).fetchall()
        nodes = connection.execute("select name, num_children from parquet_schema(?)", [str(path)]).fetchall()
        names = _columns(nodes[1:])  # DuckDB renames what comes twice
        kinds = [kind for _, kind, *_ in shape]
        # Python times with a zone would need pytz: they come as UTC without one.
        zoned = [_quoted(name) for name, kind, *_ in shape if kind == "TIMESTAMP WITH TIME ZONE"]
        utc = ", ".join(f"{n} at time zone 'UTC' as {n}" for n in zoned)
        columns = f"* replace ({utc})" if zoned else "*"
        result = connection.execute(f"select {columns} from {source}", [str(path)])
        singles = [place for place, kind in enumerate(kinds) if kind == "FLOAT"]
        while rows := result.fetchmany(_BATCH):
            for row in rows:
                yield list(zip(names, _with_singles(row, singles), strict=True))
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        _read_through(path)
        raise UnreadableError(str(error)) from error
    finally:
        connection.close()


def _read_through(path: Path) -> None:
    """Raises OSError where the machine is to blame: DuckDB's IOException is of damage, too."""
    with path.open("rb") as stream:
        while stream.read(_CHUNK):
            pass


def _columns(nodes: Sequence[tuple[str, int | None]]) -> list[str]:
    """The names of the top level of a schema that is listed depth first."""
    names, inner = [], 0
    for name, children in nodes:
        if inner:
            inner -= 1
        else:
            names.append(name)
        inner += children or 0
    return names


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _with_singles(row: Sequence[Any], singles: Sequence[int]) -> Sequence[Any]:
    if not singles:
        return row
    values = list(row)
    for place in singles:
        if values[place] is not None:
            values[place] = single(values[place])
    return values


def arrow_rows(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(path).iter_batches(_BATCH):
            names = batch.schema.names
            for row in zip(*map(_values, batch.columns), strict=True):
                yield list(zip(names, row, strict=True))
    except pa.ArrowMemoryError:
        raise
    except pa.ArrowException as error:
        raise UnreadableError(str(error)) from error


def _values(column: Any) -> list[Any]:
    """Python values as DuckDB has them."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        return _each(single, column.to_pylist())
    if pa.types.is_date(kind):
        return _each(day, column.cast(pa.date32()).cast(pa.int32()).to_pylist())
    if pa.types.is_timestamp(kind):
        many, few = _MICROSECONDS[kind.unit]
        return _each(lambda time: moment(time * many // few), column.cast(pa.int64()).to_pylist())
    if pa.types.is_map(kind):
        return _each(dict, column.to_pylist())
    if pa.types.is_nested(kind):
        return [_nested(value) for value in column]
    return list(column.to_pylist())


def _each(make: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    return [None if value is None else make(value) for value in values]


def _nested(value: Any) -> Any:
    """A list or a struct; where Python has no value for a part of it, a list of its text in Arrow."""
    import pyarrow as pa

    try:
        return value.as_py()
    except (OverflowError, ValueError):
        return [" ".join(pa.array([value]).to_string().split())]
