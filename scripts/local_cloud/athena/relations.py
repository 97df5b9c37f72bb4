"""A catalog table as a DuckDB view: its files read as its SerDe reads, with their partition's values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from scripts.local_cloud import glue_store
from scripts.local_cloud.athena import types
from scripts.local_cloud.athena.catalog import CatalogTable, Column, Partition
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.quoting import name, value, values
from scripts.local_cloud.glue_store import StoredObject

_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_NEVER = "\x01never\x01"
_FILE = "_data_file"
_OPTIONS = f"hive_partitioning=false, filename='{_FILE}'"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A local copy of a data file, and the values of the partition that it belongs to."""

    path: Path
    origin: StoredObject
    values: tuple[str, ...]


def find_files(table: CatalogTable, partitions: Sequence[Partition] | None) -> list[DataFile]:
    """Every data file of the table, or of the given partitions of it."""
    places = (
        [((), table.location)] if partitions is None else [(one.values, one.location) for one in partitions]
    )
    listing = glue_store.DataFiles()
    return [
        DataFile(_as_readable(table, item), item, values)
        for values, location in places
        for item in _visible(listing, location)
    ]


def _visible(listing: glue_store.DataFiles, location: str) -> list[StoredObject]:
    try:
        return listing.at(location)
    except glue_store.StoreError as error:
        raise QueryError("HIVE_CANNOT_OPEN_SPLIT", f"Error opening {location}: {error}") from error


def _as_readable(table: CatalogTable, item: StoredObject) -> Path:
    if table.serde == "AvroSerDe":
        from scripts.local_cloud.glue_avro import as_parquet

        return as_parquet(item)
    return glue_store.local_copy(item)


def create_stub(con: duckdb.DuckDBPyConnection, table: CatalogTable) -> None:
    """The table without rows: enough to ask for types, at no cost however many files it has."""
    wanted = [*table.columns, *table.keys]
    nulls = ", ".join(f"CAST(NULL AS {types.from_hive(kind)}) AS {name(column)}" for column, kind in wanted)
    con.execute(f"CREATE VIEW {_full_name(table)} AS SELECT {nulls} WHERE false")


def create_view(con: duckdb.DuckDBPyConnection, table: CatalogTable, files: Sequence[DataFile]) -> None:
    """The table with its rows in the stub's place, typed as the catalog says."""
    if files:
        rows = _shortened(table, _select(con, table, files))
        con.execute(f"CREATE OR REPLACE VIEW {_full_name(table)} AS {rows}")


def _shortened(table: CatalogTable, rows: str) -> str:
    """varchar(n) reads the first n characters.

    https://docs.aws.amazon.com/athena/latest/ug/data-types-considerations.html
    """
    sizes = [
        (name(column), kind.strip()[8:-1])
        for column, kind in table.columns
        if kind.strip().lower().startswith("varchar(")
    ]
    if not sizes:
        return rows
    short = ", ".join(f"substring({column}, 1, {int(size)}) AS {column}" for column, size in sizes)
    return f"SELECT * REPLACE ({short}) FROM ({rows})"


def _full_name(table: CatalogTable) -> str:
    return f"{name(table.database)}.{name(table.name)}"


def _select(con: duckdb.DuckDBPyConnection, table: CatalogTable, files: Sequence[DataFile]) -> str:
    if table.serde in {"ParquetHiveSerDe", "AvroSerDe"}:
        return _from_parquet(con, table, files)
    if table.serde in {"JsonSerDe"}:
        return _from_json(con, table, files)
    if table.serde in {"LazySimpleSerDe", "OpenCSVSerde", "OpenCSVSerDe"}:
        return _from_csv(table, files)
    raise not_supported(f"the SerDe {table.serde or 'none'!r} of table {table.database}.{table.name}")


def _keys(table: CatalogTable) -> list[str]:
    return [
        f"CAST(nullif({name(key)}, {value(_NULL_PARTITION)}) AS {types.from_hive(kind)}) AS {name(key)}"
        for key, kind in table.keys
    ]


def _from(reader: str, table: CatalogTable, files: Sequence[DataFile]) -> str:
    """The reader's rows, each with the partition values of the file that it comes from."""
    if not table.keys:
        return f"{reader} AS _rows"
    rows = ", ".join(f"({', '.join(map(value, (str(file.path), *file.values)))})" for file in files)
    keys = ", ".join(name(key) for key, _ in table.keys)
    return f"{reader} AS _rows JOIN (VALUES {rows}) AS _places({_FILE}, {keys}) USING ({_FILE})"


def _paths(files: Iterable[DataFile]) -> str:
    return values(dict.fromkeys(file.path for file in files))


def _from_parquet(con: duckdb.DuckDBPyConnection, table: CatalogTable, files: Sequence[DataFile]) -> str:
    reader = f"read_parquet({_paths(files)}, union_by_name=true, {_OPTIONS})"
    try:
        described = con.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
    except duckdb.InvalidInputException as error:
        raise QueryError("HIVE_CANNOT_OPEN_SPLIT", _first_line(error)) from error
    present = {row[0].lower(): (row[0], row[1]) for row in described}
    columns = [_parquet_column(table, column, present.get(column[0]), files) for column in table.columns]
    return f"SELECT {', '.join([*columns, *_keys(table)])} FROM {_from(reader, table, files)}"


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
        f"null_padding=true, strict_mode=false, {_OPTIONS})"
    )
    columns = [_text_column(column, lazy) for column in table.columns]
    return f"SELECT {', '.join([*columns, *_keys(table)])} FROM {_from(reader, table, files)}"


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
    if any(len(keys) > 1 for keys in spellings.values()):
        return _from_json_objects(table, files, spellings)
    kinds = {
        key: types.from_hive(kind) for column, kind in table.columns for key in spellings.get(column, [])
    }
    if not kinds:
        kinds = {table.columns[0][0]: types.from_hive(table.columns[0][1])}
    typed = "{" + ", ".join(f"{value(key)}: {value(kind)}" for key, kind in kinds.items()) + "}"
    reader = f"read_json({_paths(files)}, columns={typed}, format='newline_delimited', {_OPTIONS})"
    columns = [_json_column(column, kind, spellings) for column, kind in table.columns]
    return f"SELECT {', '.join([*columns, *_keys(table)])} FROM {_from(reader, table, files)}"


def _from_json_objects(
    table: CatalogTable, files: Sequence[DataFile], spellings: dict[str, list[str]]
) -> str:
    """Files that do not agree on the case of a key: DuckDB would take the two for one."""
    columns = []
    for column, kind in table.columns:
        wanted = types.from_hive(kind)
        parts = [f"json_extract(json, {value(_json_path(key))})" for key in spellings.get(column, [])]
        found = f"coalesce({', '.join([*parts, 'NULL'])})"
        columns.append(
            f"json_transform_strict({found}, {value(chr(34) + wanted + chr(34))}) AS {name(column)}"
        )
        if wanted.startswith(("STRUCT", "MAP")) or wanted.endswith("]"):
            raise not_supported("nested columns in JSON whose keys change their case")
    reader = f"read_ndjson_objects({_paths(files)}, {_OPTIONS})"
    return f"SELECT {', '.join([*columns, *_keys(table)])} FROM {_from(reader, table, files)}"


def _json_path(key: str) -> str:
    return '$."' + key.replace('"', '\\"') + '"'


def _json_column(column: str, kind: str, spellings: dict[str, list[str]]) -> str:
    keys = spellings.get(column, [])
    if not keys:
        return f"CAST(NULL AS {types.from_hive(kind)}) AS {name(column)}"
    return f"coalesce({', '.join(map(name, keys))}) AS {name(column)}"


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]
