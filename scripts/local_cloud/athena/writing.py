"""Statements that write data: CREATE TABLE AS, UNLOAD and INSERT INTO.

https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html
https://docs.aws.amazon.com/athena/latest/ug/unload.html
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts.local_cloud import glue_store
from scripts.local_cloud.athena import catalog, dialect, storage, types
from scripts.local_cloud.athena.engine import Outcome
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.quoting import name, value
from scripts.local_cloud.athena.scanner import Scanner, split_list
from scripts.local_cloud.athena.tables import Session
from scripts.local_cloud.glue_protocol import call

_CODECS = {"PARQUET": {"GZIP", "SNAPPY", "ZSTD", "LZ4", "NONE", "UNCOMPRESSED"}, "TEXTFILE": {"NONE", "GZIP"}}
_CODECS["JSON"] = _CODECS["TEXTFILE"]
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class Format:
    """How files are written: `options` are those of the WITH clause, lower case."""

    kind: str
    codec: str
    delimiter: str

    @staticmethod
    def of(options: Mapping[str, str]) -> "Format":
        kind = options.get("format", "PARQUET").upper()
        if kind not in _CODECS:
            raise not_supported(f"writing the format {kind}")
        names = ("write_compression", "compression", f"{kind.lower()}_compression")
        codec = next((options[key].upper() for key in names if key in options), "GZIP")
        if codec not in _CODECS[kind]:
            raise not_supported(f"{codec} compression of {kind}")
        return Format(
            kind, "UNCOMPRESSED" if codec == "NONE" else codec, options.get("field_delimiter", "\x01")
        )

    @property
    def suffix(self) -> str:
        return ".gz" if self.codec == "GZIP" and self.kind != "PARQUET" else ""

    def copy_options(self) -> str:
        if self.kind == "PARQUET":
            return f"FORMAT parquet, COMPRESSION {self.codec.lower()}"
        compression = "gzip" if self.codec == "GZIP" else "none"
        if self.kind == "JSON":
            return f"FORMAT json, COMPRESSION {compression}"
        return (
            f"FORMAT csv, HEADER false, DELIMITER {value(self.delimiter)}, QUOTE '', ESCAPE '', "
            f"NULLSTR '\\N', COMPRESSION {compression}"
        )


def with_options(text: str) -> dict[str, str]:
    """`format = 'PARQUET', partitioned_by = ARRAY['a']` by lower-case name; arrays keep their inside."""
    found = {}
    for item in split_list(text):
        scanner = Scanner(item)
        key = scanner.name()
        if not scanner.sign("="):
            raise scanner.fail("'='")
        raw = scanner.rest.strip()
        if raw.upper().startswith("ARRAY"):
            raw = ",".join(
                Scanner(one).string() for one in split_list(raw[raw.index("[") + 1 : raw.rindex("]")])
            )
        elif raw.startswith("'"):
            raw = Scanner(raw).string()
        found[key] = raw
    return found


_CTAS = {
    "external_location", "format", "partitioned_by", "write_compression", "parquet_compression", "table_type",
    "field_delimiter", "is_external",
}  # fmt: skip
_UNLOAD = {"format", "partitioned_by", "compression", "field_delimiter"}


def _check_options(options: Mapping[str, str], known: set[str]) -> None:
    if unknown := sorted(set(options) - known):
        raise not_supported(f"the property {', '.join(unknown)}")
    if options.get("table_type", "HIVE").upper() != "HIVE":
        raise not_supported("Iceberg tables")


def create_table_as(session: Session, scanner: Scanner, query_id: str, output: str) -> Outcome:
    """The statement after CREATE TABLE."""
    if_missing = scanner.took("IF", "NOT", "EXISTS")
    database, table = scanner.qualified(session.database)
    options = with_options(scanner.bracketed()) if scanner.took("WITH") else {}
    scanner.expect("AS")
    _check_options(options, _CTAS)
    catalog.find_database(database)
    if catalog.has_table(database, table):
        if if_missing:
            return Outcome(files=[])
        raise QueryError("TABLE_ALREADY_EXISTS", f"line 1:1: Table '{database}.{table}' already exists")
    sql, no_data = _select_of(scanner.rest)
    location = options.get("external_location", f"{output}tables/{query_id}").rstrip("/") + "/"
    _require_empty(location)
    keys = split_list(options.get("partitioned_by", ""))
    columns = _describe(session, sql)
    _require_names(columns)
    _require_last(columns, keys)
    form = Format.of(options)
    written = [] if no_data else _write(session, sql, columns, keys, form, location)
    _register(database, table, columns, keys, form, location, written)
    return Outcome(files=[uri for uri, _ in written], update_count=_count(session))


def _select_of(text: str) -> tuple[str, bool]:
    """The SELECT of a CTAS, without WITH [NO] DATA at its end."""
    stripped = text.strip()
    for ending, none in (("WITH NO DATA", True), ("WITH DATA", False)):
        if " ".join(stripped.upper().split()).endswith(ending):
            return stripped[: stripped.upper().rindex("WITH")].rstrip(), none
    return stripped, False


def unload(session: Session, scanner: Scanner) -> Outcome:
    """The statement after UNLOAD: a query's rows as files, no table."""
    sql = scanner.bracketed()
    scanner.expect("TO")
    location = scanner.string().rstrip("/") + "/"
    options = with_options(scanner.bracketed()) if scanner.took("WITH") else {}
    scanner.end()
    _check_options(options, _UNLOAD)
    if "format" not in options:
        raise QueryError("SYNTAX_ERROR", "line 1:1: UNLOAD needs the property format")
    _require_empty(location)
    keys = split_list(options.get("partitioned_by", ""))
    columns = _describe(session, sql)
    _require_names(columns)
    _require_last(columns, keys)
    written = _write(session, sql, columns, keys, Format.of(options), location)
    return Outcome(files=[uri for uri, _ in written], update_count=_count(session))


def insert(session: Session, scanner: Scanner) -> Outcome:
    """The statement after INSERT INTO."""
    database, table_name = scanner.qualified(session.database)
    table = catalog.find_table(database, table_name)
    if scanner.rest.startswith("("):
        inner = [Scanner(item).name() for item in split_list(scanner.bracketed())]
        if inner != [column for column, _ in [*table.columns, *table.keys]]:
            raise not_supported("INSERT with a column list that is not the table's own")
    if table.serde != "ParquetHiveSerDe":
        raise not_supported("INSERT INTO a table that is not Parquet")
    given = _describe(session, scanner.rest)
    wanted = [*table.columns, *table.keys]
    fitting = len(given) == len(wanted) and all(
        types.coercible(have, types.from_hive(kind))
        for (_, have), (_, kind) in zip(given, wanted, strict=True)
    )
    if not fitting:
        raise QueryError("TYPE_MISMATCH", "line 1:1: Insert query has mismatched column types")
    session.con.execute("DROP VIEW _query")
    casts = ", ".join(
        f"CAST({name(have)} AS {types.from_hive(kind)}) AS {name(column)}"
        for (have, _), (column, kind) in zip(given, wanted, strict=True)
    )
    session.con.execute(f"CREATE TEMP VIEW _query AS SELECT {casts} FROM _given")
    keys = [key for key, _ in table.keys]
    columns = [(column, types.from_hive(kind)) for column, kind in wanted]
    written = _write(
        session, None, columns, keys, Format("PARQUET", "GZIP", ""), table.location.rstrip("/") + "/"
    )
    _add_partitions(database, table_name, keys, {values for _, values in written if keys}, table.location)
    return Outcome(files=[uri for uri, _ in written], update_count=_count(session))


def _require_empty(location: str) -> None:
    try:
        if not glue_store.list_objects(*glue_store.split_uri(location)):
            return
    except glue_store.StoreError as error:
        raise QueryError("GENERIC_USER_ERROR", f"{location}: {error}") from error
    raise QueryError("HIVE_PATH_ALREADY_EXISTS", f"Target directory for table already exists: {location}")


def _describe(session: Session, sql: str) -> list[tuple[str, str]]:
    """Name the query `_query` in DuckDB; its columns with their DuckDB types."""
    duck = dialect.to_duckdb(session, dialect.parse(sql))
    session.con.execute(f"CREATE TEMP TABLE _given AS {duck}")
    session.con.execute("CREATE TEMP VIEW _query AS FROM _given")
    return [(row[0].lower(), row[1]) for row in session.con.execute("DESCRIBE _query").fetchall()]


def _require_names(columns: Sequence[tuple[str, str]]) -> None:
    if unnamed := [column for column, _ in columns if column.startswith("_col")]:
        raise QueryError(
            "MISSING_COLUMN_NAME", f"line 1:1: Column name not specified at position {unnamed[0][4:]}"
        )


def _require_last(columns: Sequence[tuple[str, str]], keys: Sequence[str]) -> None:
    if keys and [column for column, _ in columns][-len(keys) :] != list(keys):
        raise QueryError(
            "HIVE_COLUMN_ORDER_MISMATCH",
            "Partition keys must be the last columns in the table and in the same order as the table "
            f"properties: [{', '.join(keys)}]",
        )


def _write(
    session: Session,
    _sql: str | None,
    columns: Sequence[tuple[str, str]],
    keys: Sequence[str],
    form: Format,
    location: str,
) -> list[tuple[str, tuple[str, ...]]]:
    """Write one file for each partition; (URI, partition values) of each."""
    plain = [column for column, _ in columns if column not in keys]
    if not plain:
        raise QueryError("INVALID_TABLE_PROPERTY", "Table contains only partition columns")
    names = ", ".join(map(name, plain))
    if not keys:
        if not _count(session):
            return []
        return [(_copy(session, f"SELECT {names} FROM _query", form, location), ())]
    texts = ", ".join(f"CAST({name(key)} AS VARCHAR)" for key in keys)
    found = session.con.execute(f"SELECT DISTINCT {texts} FROM _query ORDER BY ALL").fetchall()
    written = []
    for values in found:
        matches = " AND ".join(
            f"CAST({name(key)} AS VARCHAR) IS NOT DISTINCT FROM {'NULL' if text is None else value(text)}"
            for key, text in zip(keys, values, strict=True)
        )
        texts_of = tuple(_NULL_PARTITION if text is None else str(text) for text in values)
        place = location + "".join(
            f"{key}={_escape(text)}/" for key, text in zip(keys, texts_of, strict=True)
        )
        select = f"SELECT {names} FROM _query WHERE {matches}"
        written.append((_copy(session, select, form, place), texts_of))
    return written


def _escape(text: str) -> str:
    return quote(text, safe=" !$&()+,-.;@_~")


def _copy(session: Session, select: str, form: Format, location: str) -> str:
    path = Path(session.folder) / uuid.uuid4().hex
    session.con.execute(f"COPY ({select}) TO {value(str(path))} ({form.copy_options()})")
    uri = f"{location}{uuid.uuid4().hex}{form.suffix}"
    try:
        glue_store.write(uri, path.read_bytes())
    except glue_store.StoreError as error:
        raise QueryError("GENERIC_USER_ERROR", f"{uri}: {error}") from error
    path.unlink()
    return uri


def _count(session: Session) -> int:
    found = session.con.execute("SELECT count(*) FROM _query").fetchone()
    return int(found[0]) if found else 0


def _register(
    database: str,
    table: str,
    columns: Sequence[tuple[str, str]],
    keys: Sequence[str],
    form: Format,
    location: str,
    written: Sequence[tuple[str, tuple[str, ...]]],
) -> None:
    from ministack.services import glue

    hive = [(column, types.to_hive(kind)) for column, kind in columns]
    descriptor = storage.descriptor(
        form.kind, [one for one in hive if one[0] not in keys], location, {"field.delim": form.delimiter}
    )
    table_input: dict[str, Any] = {
        "Name": table,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": column, "Type": kind} for column, kind in hive if column in keys],
        "StorageDescriptor": descriptor,
        "Parameters": {
            "EXTERNAL": "TRUE",
            "has_encrypted_data": "false",
            "classification": form.kind.lower(),
        },
    }
    call(glue._create_table, {"DatabaseName": database, "TableInput": table_input})
    _add_partitions(database, table, keys, {values for _, values in written if keys}, location)


def _add_partitions(
    database: str, table: str, keys: Sequence[str], values: set[tuple[str, ...]], location: str
) -> None:
    """Register the partitions that the catalog does not have yet."""
    from ministack.services import glue

    known = {partition.values for partition in catalog.find_table(database, table).partitions}
    descriptor = glue._tables[f"{database}/{table}"]["StorageDescriptor"]
    for one in sorted(values - known):
        place = (
            location.rstrip("/") + "/" + "".join(f"{k}={_escape(t)}/" for k, t in zip(keys, one, strict=True))
        )
        partition = {"Values": list(one), "StorageDescriptor": {**descriptor, "Location": place}}
        request = {"DatabaseName": database, "TableName": table, "PartitionInput": partition}
        call(glue._create_partition, request)
