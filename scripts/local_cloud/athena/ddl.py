"""DDL over the Glue catalog: databases, external tables, partitions, views, and what SHOW and DESCRIBE tell.

https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from scripts.local_cloud import glue_store
from scripts.local_cloud.athena import catalog, dialect, storage, types
from scripts.local_cloud.athena.catalog import CatalogTable
from scripts.local_cloud.athena.engine import Outcome
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.scanner import Scanner, properties, split_list
from scripts.local_cloud.athena.tables import Session, view_sql
from scripts.local_cloud.glue_protocol import call


def _answer(name: str, rows: Sequence[Sequence[str]]) -> Outcome:
    names = name.split()
    return Outcome([(one, "VARCHAR") for one in names], [tuple(row) for row in rows])


def create_database(session: Session, scanner: Scanner) -> Outcome:
    from ministack.services import glue

    if_missing = scanner.took("IF", "NOT", "EXISTS")
    given: dict[str, Any] = {"Name": scanner.name()}
    if scanner.took("COMMENT"):
        given["Description"] = scanner.string()
    if scanner.took("LOCATION"):
        given["LocationUri"] = scanner.string()
    if scanner.took("WITH", "DBPROPERTIES"):
        given["Parameters"] = properties(scanner.bracketed())
    scanner.end()
    if given["Name"] in glue._databases:
        if if_missing:
            return Outcome()
        raise _failed(f"Database {given['Name']} already exists")
    call(glue._create_database, {"DatabaseInput": given})
    return Outcome()


def drop_database(session: Session, scanner: Scanner) -> Outcome:
    from ministack.services import glue

    if_there = scanner.took("IF", "EXISTS")
    name = scanner.name()
    cascade = scanner.took("CASCADE") or not scanner.took("RESTRICT")
    scanner.end()
    if name not in glue._databases:
        if if_there:
            return Outcome()
        raise _failed(f"Database does not exist: {name}")
    if catalog.tables_in(name) and not ("CASCADE" in scanner.text.upper() and cascade):
        raise _failed(f"Database {name} is not empty. One or more tables exist.")
    call(glue._delete_database, {"Name": name})
    return Outcome()


def drop_table(session: Session, scanner: Scanner) -> Outcome:
    return _drop(session, scanner, view=False)


def drop_view(session: Session, scanner: Scanner) -> Outcome:
    return _drop(session, scanner, view=True)


def _drop(session: Session, scanner: Scanner, view: bool) -> Outcome:
    from ministack.services import glue

    if_there = scanner.took("IF", "EXISTS")
    database, name = scanner.qualified(session.database)
    scanner.end()
    if not catalog.has_table(database, name):
        if if_there:
            return Outcome()
        raise QueryError("TABLE_NOT_FOUND", f"Table not found {database}.{name}")
    if catalog.find_table(database, name).is_view != view:
        raise _failed(f"{database}.{name} is {'not ' if view else ''}a view")
    call(glue._delete_table, {"DatabaseName": database, "Name": name})
    return Outcome()


def create_external_table(session: Session, scanner: Scanner) -> Outcome:
    from ministack.services import glue

    if_missing = scanner.took("IF", "NOT", "EXISTS")
    database, name = scanner.qualified(session.database)
    table = _table_input(scanner, name)
    catalog.find_database(database)
    if catalog.has_table(database, name):
        if if_missing:
            return Outcome()
        raise _failed(f"Table {name} already exists")
    call(glue._create_table, {"DatabaseName": database, "TableInput": table})
    return Outcome()


def _table_input(scanner: Scanner, name: str) -> dict[str, Any]:
    """Everything after the name of a CREATE EXTERNAL TABLE, its clauses in any order."""
    columns = _columns(scanner.bracketed())
    keys: list[tuple[str, str]] = []
    kind, serde, location, comment = "TEXTFILE", None, "", ""
    options: dict[str, str] = {}
    parameters: dict[str, str] = {}
    while not scanner.ended:
        if scanner.took("COMMENT"):
            comment = scanner.string()
        elif scanner.took("PARTITIONED", "BY"):
            keys = _columns(scanner.bracketed())
        elif scanner.took("ROW", "FORMAT", "SERDE"):
            serde = scanner.string()
        elif scanner.took("WITH", "SERDEPROPERTIES"):
            options |= properties(scanner.bracketed())
        elif scanner.took("ROW", "FORMAT", "DELIMITED"):
            options |= _delimited(scanner)
        elif scanner.took("STORED", "AS", "INPUTFORMAT"):
            kind = _kind_of_input(scanner.string())
            scanner.expect("OUTPUTFORMAT")
            scanner.string()
        elif scanner.took("STORED", "AS"):
            kind = scanner.name().upper()
        elif scanner.took("LOCATION"):
            location = scanner.string()
        elif scanner.took("TBLPROPERTIES"):
            parameters = properties(scanner.bracketed())
        else:
            raise scanner.fail("a table clause")
    if not location:
        raise QueryError("SYNTAX_ERROR", "line 1:1: no viable alternative: LOCATION is required")
    if kind not in storage.FORMATS:
        raise not_supported(f"STORED AS {kind}")
    return {
        "Name": name,
        "Description": comment,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": key, "Type": hive} for key, hive in keys],
        "StorageDescriptor": storage.descriptor(kind, columns, location, options, serde),
        "Parameters": {"EXTERNAL": "TRUE", **parameters},
    }


def _columns(text: str) -> list[tuple[str, str]]:
    found = []
    for item in split_list(text):
        scanner = Scanner(item)
        name = scanner.name()
        kind = re.sub(r"(?is)\s+comment\s+'.*$", "", scanner.rest)
        hive = re.sub(r"\s+", "", kind).lower()
        hive = {"integer": "int", "string": "string"}.get(hive, hive)
        types.from_hive(hive)
        found.append((name, hive))
    return found


def _delimited(scanner: Scanner) -> dict[str, str]:
    found: dict[str, str] = {}
    while True:
        if scanner.took("FIELDS", "TERMINATED", "BY"):
            found["field.delim"] = found["serialization.format"] = scanner.string().replace("\\t", "\t")
        elif scanner.took("ESCAPED", "BY"):
            found["escape.delim"] = scanner.string()
        elif scanner.took("LINES", "TERMINATED", "BY"):
            if scanner.string() not in {"\\n", "\n"}:
                raise not_supported("lines that do not end in \\n")
        elif scanner.took("NULL", "DEFINED", "AS"):
            found["serialization.null.format"] = scanner.string()
        elif scanner.took("COLLECTION", "ITEMS", "TERMINATED", "BY") or scanner.took("MAP", "KEYS"):
            raise not_supported("arrays and maps in delimited text")
        else:
            return found


def _kind_of_input(input_format: str) -> str:
    for kind, (reads, _, _) in storage.FORMATS.items():
        if reads == input_format:
            return kind
    raise not_supported(f"the input format {input_format}")


def create_view(session: Session, scanner: Scanner, replace: bool) -> Outcome:
    from ministack.services import glue

    database, name = scanner.qualified(session.database)
    scanner.expect("AS")
    sql = scanner.rest
    catalog.find_database(database)
    duck = dialect.to_duckdb(session, dialect.parse(sql))
    described = session.con.execute(f"DESCRIBE {duck}").fetchall()
    columns = [(row[0].lower(), types.to_hive(row[1])) for row in described]
    shown = [{"name": column, "type": types.to_trino(hive)} for column, hive in columns]
    body = {"originalSql": sql, "catalog": "awsdatacatalog", "schema": database, "columns": shown}
    text = base64.b64encode(json.dumps(body).encode()).decode()
    table = {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "PartitionKeys": [],
        "StorageDescriptor": {"Columns": [{"Name": c, "Type": h} for c, h in columns], "Location": ""},
        "ViewOriginalText": f"/* Presto View: {text} */",
        "ViewExpandedText": "/* Presto View */",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
    }
    if not catalog.has_table(database, name):
        call(glue._create_table, {"DatabaseName": database, "TableInput": table})
    elif replace and catalog.find_table(database, name).is_view:
        call(glue._update_table, {"DatabaseName": database, "TableInput": table})
    else:
        raise QueryError("ALREADY_EXISTS", f"line 1:1: '{database}.{name}' already exists")
    return Outcome()


def repair(session: Session, scanner: Scanner) -> Outcome:
    """MSCK REPAIR TABLE: register every `key=value` folder that the catalog does not have."""
    database, name = scanner.qualified(session.database)
    scanner.end()
    table = catalog.find_table(database, name)
    location = table.location.rstrip("/") + "/"
    bucket, prefix = glue_store.split_uri(location)
    known = {partition.values for partition in table.partitions}
    found: dict[tuple[str, ...], str] = {}
    for item in glue_store.list_objects(bucket, prefix):
        parts = [part.partition("=") for part in item.key[len(prefix) :].split("/")[: len(table.keys)]]
        if [part[0].lower() for part in parts] == [key for key, _ in table.keys] and all(
            part[1] for part in parts
        ):
            values = tuple(unquote(part[2]) for part in parts)
            found[values] = location + "/".join("".join(part) for part in parts) + "/"
    lines = []
    for values in sorted(set(found) - known):
        _add_partition(table, values, found[values])
        lines.append([f"Partitions not in metastore: {table.name}:{_spec(table, values)}"])
    return _answer("result", lines)


def _spec(table: CatalogTable, values: Sequence[str]) -> str:
    return "/".join(f"{key}={text}" for (key, _), text in zip(table.keys, values, strict=True))


def _add_partition(table: CatalogTable, values: Sequence[str], location: str) -> None:
    from ministack.services import glue

    descriptor = glue._tables[f"{table.database}/{table.name}"]["StorageDescriptor"]
    partition = {"Values": list(values), "StorageDescriptor": {**descriptor, "Location": location}}
    request = {"DatabaseName": table.database, "TableName": table.name, "PartitionInput": partition}
    call(glue._create_partition, request)


def alter_table(session: Session, scanner: Scanner) -> Outcome:
    database, name = scanner.qualified(session.database)
    table = catalog.find_table(database, name)
    if scanner.took("ADD"):
        if scanner.took("COLUMNS"):
            return _add_columns(table, scanner)
        return _add_partitions(table, scanner, scanner.took("IF", "NOT", "EXISTS"))
    if scanner.took("DROP"):
        return _drop_partitions(table, scanner, scanner.took("IF", "EXISTS"))
    if scanner.rest.upper().startswith("PARTITION"):
        return _relocate(table, scanner)
    raise not_supported(f"ALTER TABLE {scanner.rest.split('(')[0].strip()}")


def _partition_spec(table: CatalogTable, scanner: Scanner) -> tuple[str, ...]:
    scanner.expect("PARTITION")
    given = {key.lower(): text for key, text in properties(scanner.bracketed()).items()}
    try:
        return tuple(given[key] for key, _ in table.keys)
    except KeyError as error:
        raise _failed(f"partition spec {given} does not name the key {error}") from error


def _add_partitions(table: CatalogTable, scanner: Scanner, if_missing: bool) -> Outcome:
    known = {partition.values for partition in table.partitions}
    while not scanner.ended:
        values = _partition_spec(table, scanner)
        location = f"{table.location.rstrip('/')}/{_spec(table, values)}/"
        if scanner.took("LOCATION"):
            location = scanner.string()
        if values not in known:
            _add_partition(table, values, location)
        elif not if_missing:
            raise _failed(f"Partition already exists: {_spec(table, values)}")
    return Outcome()


def _drop_partitions(table: CatalogTable, scanner: Scanner, if_there: bool) -> Outcome:
    from ministack.services import glue

    known = {partition.values for partition in table.partitions}
    while not scanner.ended:
        values = _partition_spec(table, scanner)
        scanner.sign(",")
        if values in known:
            request = {
                "DatabaseName": table.database,
                "TableName": table.name,
                "PartitionValues": list(values),
            }
            call(glue._delete_partition, request)
        elif not if_there:
            raise _failed(f"Partition not found: {_spec(table, values)}")
    return Outcome()


def _relocate(table: CatalogTable, scanner: Scanner) -> Outcome:
    """ALTER TABLE … PARTITION (…) SET LOCATION '…'."""
    from ministack.services import glue

    values = _partition_spec(table, scanner)
    scanner.expect("SET", "LOCATION")
    location = scanner.string()
    for partition in glue._partitions.get(f"{table.database}/{table.name}") or []:
        if tuple(partition["Values"]) == values:
            partition["StorageDescriptor"] = {**partition["StorageDescriptor"], "Location": location}
            return Outcome()
    raise _failed(f"Partition not found: {_spec(table, values)}")


def _add_columns(table: CatalogTable, scanner: Scanner) -> Outcome:
    from ministack.services import glue

    record = glue._tables[f"{table.database}/{table.name}"]
    new = [{"Name": column, "Type": hive} for column, hive in _columns(scanner.bracketed())]
    descriptor = {**record["StorageDescriptor"], "Columns": [*record["StorageDescriptor"]["Columns"], *new]}
    wanted = {"Name": table.name, "StorageDescriptor": descriptor}
    call(glue._update_table, {"DatabaseName": table.database, "TableInput": wanted})
    return Outcome()


def show_databases(session: Session, scanner: Scanner) -> Outcome:
    return _answer("database_name", [[name] for name in catalog.databases() if _like(scanner, name)])


def show_tables(session: Session, scanner: Scanner) -> Outcome:
    database = scanner.name() if scanner.took("IN") or scanner.took("FROM") else session.database
    catalog.find_database(database)
    pattern = scanner.string().strip("'") if not scanner.ended else ".*"
    names = [table.name for table in catalog.tables_in(database)]
    return _answer("tab_name", [[name] for name in names if re.fullmatch(pattern.replace("*", ".*"), name)])


def show_views(session: Session, scanner: Scanner) -> Outcome:
    database = scanner.name() if scanner.took("IN") or scanner.took("FROM") else session.database
    return _answer("views", [[table.name] for table in catalog.tables_in(database) if table.is_view])


def _like(scanner: Scanner, name: str) -> bool:
    rest = scanner.rest.removeprefix("LIKE").removeprefix("like").strip().strip("'")
    return not rest or re.fullmatch(rest.replace("*", ".*"), name) is not None


def show_partitions(session: Session, scanner: Scanner) -> Outcome:
    table = catalog.find_table(*scanner.qualified(session.database))
    if not table.keys:
        raise _failed(f"Table {table.name} is not a partitioned table")
    return _answer(
        "partition", [[_spec(table, values)] for values in sorted(p.values for p in table.partitions)]
    )


def show_columns(session: Session, scanner: Scanner) -> Outcome:
    if not (scanner.took("IN") or scanner.took("FROM")):
        raise scanner.fail("'IN'")
    table = catalog.find_table(*scanner.qualified(session.database))
    return _answer("field", [[column] for column, _ in [*table.columns, *table.keys]])


def describe(session: Session, scanner: Scanner) -> Outcome:
    """Hive's own layout: padded columns, then the partition keys once more under a heading."""
    scanner.took("FORMATTED")
    table = catalog.find_table(*scanner.qualified(session.database))
    rows = [[f"{column:<20}\t{hive:<20}\t{'':<20}"] for column, hive in [*table.columns, *table.keys]]
    if table.keys:
        rows += [
            ["\t \t "],
            ["# Partition Information\t \t "],
            [f"{'# col_name':<20}\t{'data_type':<20}\tcomment"],
        ]
        rows += [["\t \t "], *([f"{key:<20}\t{hive:<20}\t{'':<20}"] for key, hive in table.keys)]
    return _answer("col_name data_type comment", rows)  # three columns, of which each row is one text


def show_create(session: Session, scanner: Scanner) -> Outcome:
    view = scanner.took("VIEW")
    if not view:
        scanner.expect("TABLE")
    table = catalog.find_table(*scanner.qualified(session.database))
    if table.is_view:
        return _answer("createview", [[f"CREATE VIEW {table.database}.{table.name} AS"], [view_sql(table)]])
    lines = [f"CREATE EXTERNAL TABLE `{table.database}.{table.name}`("]
    lines += _listed(table.columns)
    if table.keys:
        lines += ["PARTITIONED BY ( ", *_listed(table.keys)]
    serde = next((full for _, _, full in storage.FORMATS.values() if full.endswith(table.serde)), table.serde)
    lines += ["ROW FORMAT SERDE ", f"  '{serde}' ", "LOCATION", f"  '{table.location}'"]
    return _answer("createtab_stmt", [[line] for line in lines])


def _listed(columns: Sequence[tuple[str, str]]) -> list[str]:
    last = len(columns) - 1
    return [f"  `{column}` {hive}{')' if i == last else ', '}" for i, (column, hive) in enumerate(columns)]


def _failed(message: str) -> QueryError:
    return QueryError(
        "FAILED", f"Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. {message}"
    )


Run = Callable[[Session, Scanner], Outcome]

# The words that a statement begins with, its verb, its kind, and what runs it; longer ones first.
STATEMENTS: Mapping[tuple[str, ...], tuple[str, Run]] = {
    ("CREATE", "DATABASE"): ("CREATE_DATABASE", create_database),
    ("CREATE", "SCHEMA"): ("CREATE_DATABASE", create_database),
    ("CREATE", "EXTERNAL", "TABLE"): ("CREATE_TABLE", create_external_table),
    ("CREATE", "OR", "REPLACE", "VIEW"): ("CREATE_VIEW", lambda se, sc: create_view(se, sc, replace=True)),
    ("CREATE", "VIEW"): ("CREATE_VIEW", lambda se, sc: create_view(se, sc, replace=False)),
    ("DROP", "DATABASE"): ("DROP_DATABASE", drop_database),
    ("DROP", "SCHEMA"): ("DROP_DATABASE", drop_database),
    ("DROP", "TABLE"): ("DROP_TABLE", drop_table),
    ("DROP", "VIEW"): ("DROP_VIEW", drop_view),
    ("MSCK", "REPAIR", "TABLE"): ("MSCK_REPAIR_TABLE", repair),
    ("ALTER", "TABLE"): ("ALTER_TABLE", alter_table),
    ("SHOW", "DATABASES"): ("SHOW_DATABASES", show_databases),
    ("SHOW", "SCHEMAS"): ("SHOW_DATABASES", show_databases),
    ("SHOW", "TABLES"): ("SHOW_TABLES", show_tables),
    ("SHOW", "VIEWS"): ("SHOW_VIEWS", show_views),
    ("SHOW", "PARTITIONS"): ("SHOW_PARTITIONS", show_partitions),
    ("SHOW", "COLUMNS"): ("SHOW_COLUMNS", show_columns),
    ("SHOW", "CREATE"): ("SHOW_CREATE", show_create),
    ("DESCRIBE",): ("DESCRIBE_TABLE", describe),
    ("DESC",): ("DESCRIBE_TABLE", describe),
}
