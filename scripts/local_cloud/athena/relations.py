"""A catalog table as a DuckDB view: its files linked in Hive's layout and read as its SerDe reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import duckdb

from scripts.local_cloud import glue_store
from scripts.local_cloud.athena import types
from scripts.local_cloud.athena.catalog import CatalogTable, Column, Partition
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.quoting import name, value, values
from scripts.local_cloud.glue_store import StoredObject

_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_NEVER = "\x01never\x01"
_TEXT_TYPES = {"string"}


@dataclass(frozen=True, slots=True)
class DataFile:
    path: Path
    origin: StoredObject


def link_files(table: CatalogTable, partitions: Sequence[Partition] | None, folder: Path) -> list[DataFile]:
    """Link every data file below `folder` as `key=value/…/n`, so that DuckDB reads the keys from the path."""
    places = (
        [("", table.location)] if partitions is None else [(_path(table, p), p.location) for p in partitions]
    )
    found = []
    for place, location in places:
        below = folder / place
        below.mkdir(parents=True, exist_ok=True)
        for number, item in enumerate(_visible(location)):
            path = below / str(number)
            path.symlink_to(_as_readable(table, item))
            found.append(DataFile(path, item))
    return found


def _path(table: CatalogTable, partition: Partition) -> str:
    pairs = zip(table.keys, partition.values, strict=True)
    return "/".join(f"{quote(key)}={quote(text, safe='') or '%20'}" for (key, _), text in pairs)


def _visible(location: str) -> list[StoredObject]:
    try:
        return glue_store.visible_data(location)
    except glue_store.StoreError as error:
        raise QueryError("HIVE_CANNOT_OPEN_SPLIT", f"Error opening {location}: {error}") from error


def _as_readable(table: CatalogTable, item: StoredObject) -> Path:
    if table.serde == "AvroSerDe":
        from scripts.local_cloud.glue_avro import as_parquet

        return as_parquet(item)
    return glue_store.local_copy(item)


def create_view(con: duckdb.DuckDBPyConnection, table: CatalogTable, files: Sequence[DataFile]) -> None:
    """`"database"."table"` in DuckDB, its columns and partition keys typed as the catalog says."""
    wanted = [*table.columns, *table.keys]
    if not files:
        nulls = ", ".join(
            f"CAST(NULL AS {types.from_hive(kind)}) AS {name(column)}" for column, kind in wanted
        )
        select = f"SELECT {nulls} WHERE false"
    else:
        select = _select(con, table, files)
    con.execute(f"CREATE VIEW {name(table.database)}.{name(table.name)} AS {select}")


def _select(con: duckdb.DuckDBPyConnection, table: CatalogTable, files: Sequence[DataFile]) -> str:
    if table.serde in {"ParquetHiveSerDe", "AvroSerDe"}:
        return _from_parquet(con, table, files)
    if table.serde in {"JsonSerDe"}:
        return _from_json(con, table, files)
    if table.serde in {"LazySimpleSerDe", "OpenCSVSerde", "OpenCSVSerDe"}:
        return _from_csv(table, files)
    raise not_supported(f"the SerDe {table.serde or 'none'!r} of table {table.database}.{table.name}")


def _hive_options(table: CatalogTable) -> str:
    if not table.keys:
        return "hive_partitioning=false"
    kinds = ", ".join(f"{value(key)}: VARCHAR" for key, _ in table.keys)
    return f"hive_partitioning=true, hive_types={{{kinds}}}"


def _keys(table: CatalogTable) -> list[str]:
    return [
        f"CAST(nullif({name(key)}, {value(_NULL_PARTITION)}) AS {types.from_hive(kind)}) AS {name(key)}"
        for key, kind in table.keys
    ]


def _paths(files: Iterable[DataFile]) -> str:
    return values(file.path for file in files)


def _from_parquet(con: duckdb.DuckDBPyConnection, table: CatalogTable, files: Sequence[DataFile]) -> str:
    reader = f"read_parquet({_paths(files)}, union_by_name=true, {_hive_options(table)})"
    try:
        described = con.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
    except duckdb.InvalidInputException as error:
        raise QueryError("HIVE_CANNOT_OPEN_SPLIT", _first_line(error)) from error
    present = {row[0].lower(): (row[0], row[1]) for row in described}
    columns = [_parquet_column(table, column, present.get(column[0]), files) for column in table.columns]
    return f"SELECT {', '.join([*columns, *_keys(table)])} FROM {reader}"


def _parquet_column(
    table: CatalogTable, column: Column, present: tuple[str, str] | None, files: Sequence[DataFile]
) -> str:
    wanted = types.from_hive(column[1])
    if present is None:
        return f"CAST(NULL AS {wanted}) AS {name(column[0])}"
    if not types.readable_as(present[1], wanted):
        raise QueryError(
            "HIVE_BAD_DATA",
            f"Field {column[0]}'s type {present[1]} in parquet file {files[0].origin.uri} is incompatible "
            f"with type {types.to_trino(column[1])} defined in table schema",
        )
    return f"CAST({name(present[0])} AS {wanted}) AS {name(column[0])}"


def _from_csv(table: CatalogTable, files: Sequence[DataFile]) -> str:
    """Every field as text first: LazySimpleSerDe knows no quotes and makes NULL of what it cannot read."""
    lazy = table.serde == "LazySimpleSerDe"
    options = table.serde_options
    delimiter = (
        options.get("field.delim") or options.get("serialization.format") or "\x01"
        if lazy
        else options.get("separatorChar", ",")
    )
    if lazy and delimiter == "1":
        delimiter = "\x01"
    quoting = (
        "quote='', escape=''" if lazy else f"quote={value(options.get('quoteChar', chr(34)))}, escape='\"'"
    )
    null_text = options.get("serialization.null.format", "\\N") if lazy else _NEVER
    skip = int(table.parameters.get("skip.header.line.count", 0))
    texts = "{" + ", ".join(f"{value(column)}: 'VARCHAR'" for column, _ in table.columns) + "}"
    reader = (
        f"read_csv({_paths(files)}, auto_detect=false, columns={texts}, delim={value(delimiter)}, {quoting}, "
        f"header=false, skip={skip}, nullstr={value(null_text)}, "
        f"null_padding=true, strict_mode=false, {_hive_options(table)})"
    )
    columns = [_text_column(column, lazy) for column in table.columns]
    return f"SELECT {', '.join([*columns, *_keys(table)])} FROM {reader}"


def _text_column(column: Column, lazy: bool) -> str:
    text, wanted = name(column[0]), types.from_hive(column[1])
    if wanted == "VARCHAR":
        return text
    if lazy:
        return f"TRY_CAST({text} AS {wanted}) AS {text}"
    if wanted in {"DATE", "TIMESTAMP"}:
        raise not_supported(f"{column[1]} columns of OpenCSVSerDe (which counts days or milliseconds)")
    return f"CAST(nullif({text}, '') AS {wanted}) AS {text}"


def _from_json(con: duckdb.DuckDBPyConnection, table: CatalogTable, files: Sequence[DataFile]) -> str:
    """JSON lines; keys match columns whatever their case."""
    try:
        rows = con.execute(
            f"SELECT DISTINCT unnest(json_keys(json)) FROM read_ndjson_objects({_paths(files)})"
        ).fetchall()
    except duckdb.Error as error:
        raise QueryError("HIVE_BAD_DATA", f"Row is not a valid JSON Object: {_first_line(error)}") from error
    spellings: dict[str, list[str]] = {}
    for (key,) in sorted(rows):
        spellings.setdefault(key.lower(), []).append(key)
    kinds = {
        key: types.from_hive(kind) for column, kind in table.columns for key in spellings.get(column, [])
    }
    if not kinds:
        kinds = {table.columns[0][0]: types.from_hive(table.columns[0][1])}
    typed = "{" + ", ".join(f"{value(key)}: {value(kind)}" for key, kind in kinds.items()) + "}"
    reader = (
        f"read_json({_paths(files)}, columns={typed}, format='newline_delimited', {_hive_options(table)})"
    )
    columns = [_json_column(column, kind, spellings) for column, kind in table.columns]
    return f"SELECT {', '.join([*columns, *_keys(table)])} FROM {reader}"


def _json_column(column: str, kind: str, spellings: dict[str, list[str]]) -> str:
    keys = spellings.get(column, [])
    if not keys:
        return f"CAST(NULL AS {types.from_hive(kind)}) AS {name(column)}"
    return f"coalesce({', '.join(map(name, keys))}) AS {name(column)}"


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]
