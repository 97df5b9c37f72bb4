"""The tables that a statement names, loaded into its DuckDB: views opened up, partitions pruned."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from sqlglot import exp

from scripts.local_cloud.athena import catalog, relations, types
from scripts.local_cloud.athena.catalog import CatalogTable, Partition
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.quoting import name, value
from scripts.local_cloud.athena.relations import DataFile

_PRUNABLE = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In,
    exp.Between, exp.Is, exp.Null, exp.Like, exp.Literal, exp.Column, exp.Identifier, exp.Tuple,
)  # fmt: skip


@dataclass
class Session:
    """One query's DuckDB, the database that plain names are in, and a folder for what it writes."""

    con: duckdb.DuckDBPyConnection
    database: str
    folder: Path
    scanned_bytes: int = 0
    partitions_read: int = 0
    loaded: set[tuple[str, str]] = field(default_factory=set)
    stubs: list[tuple[CatalogTable, list[DataFile]]] = field(default_factory=list)


def load(session: Session, tree: exp.Expr) -> None:
    """Make every table of the statement a DuckDB view, and point the statement's names at them."""
    uses = _uses(session, tree)
    for (database, table_name), nodes in uses.items():
        _load_one(session, database, table_name, [_predicates(tree, node) for node in nodes])
        for node in nodes:
            node.set("catalog", None)
            node.set("db", exp.to_identifier(database, quoted=True))
            node.set("this", exp.to_identifier(table_name, quoted=True))
            if not node.alias:
                node.set("alias", exp.TableAlias(this=exp.to_identifier(table_name, quoted=True)))


def _uses(session: Session, tree: exp.Expr) -> dict[tuple[str, str], list[exp.Table]]:
    found: dict[tuple[str, str], list[exp.Table]] = {}
    for node in tree.find_all(exp.Table):
        if not isinstance(node.this, exp.Identifier) or _is_cte(node):
            continue
        if node.catalog and node.catalog.lower() != "awsdatacatalog":
            raise QueryError("CATALOG_NOT_FOUND", f"line 1:15: Catalog '{node.catalog}' does not exist")
        if node.db.lower() == "information_schema":
            raise not_supported("information_schema; use SHOW TABLES, DESCRIBE or the Glue API")
        key = ((node.db or session.database).lower(), node.name.lower())
        found.setdefault(key, []).append(node)
    return found


def _is_cte(node: exp.Table) -> bool:
    if node.db:
        return False
    scope = node.parent
    while scope is not None:
        clause = scope.args.get("with_") or scope.args.get("with")
        if clause and any(cte.alias.lower() == node.name.lower() for cte in clause.expressions):
            return True
        scope = scope.parent
    return False


def _load_one(
    session: Session, database: str, table_name: str, predicates: Sequence[exp.Expr | None]
) -> None:
    if (database, table_name) in session.loaded:
        return
    catalog.find_database(database)
    table = catalog.find_table(database, table_name)
    session.con.execute(f"CREATE SCHEMA IF NOT EXISTS {name(database)}")
    session.loaded.add((database, table_name))
    if table.is_view:
        _load_view(session, table)
        return
    partitions = _prune(session, table, predicates) if table.keys else None
    files = relations.find_files(table, partitions)
    session.scanned_bytes += sum(item.origin.size for item in files)
    session.partitions_read += len(partitions or ())
    relations.create_stub(session.con, table)
    session.stubs.append((table, files))


def fill(session: Session) -> None:
    """Put the tables' rows in the place of their stubs."""
    for table, files in session.stubs:
        relations.create_view(session.con, table, files)
    session.stubs.clear()


def view_sql(table: CatalogTable) -> str:
    """The SELECT of an Athena view, out of the comment that Presto keeps it in."""
    text = table.view_text.removeprefix("/* Presto View: ").removesuffix(" */")
    try:
        return str(json.loads(base64.b64decode(text))["originalSql"])
    except (binascii.Error, ValueError, KeyError) as error:
        raise not_supported(f"the view {table.database}.{table.name}, which Athena did not make") from error


def _load_view(session: Session, table: CatalogTable) -> None:
    from scripts.local_cloud.athena import dialect

    inner = dialect.parse(view_sql(table))
    outer, session.database = session.database, table.database
    try:
        sql = dialect.translate(session, inner)
    finally:
        session.database = outer
    session.con.execute(f"CREATE VIEW {name(table.database)}.{name(table.name)} AS {sql}")


def _predicates(tree: exp.Expr, node: exp.Table) -> exp.Expr | None:
    """The part of the WHERE beside `node` that only compares columns of `node` with constants."""
    select = node.find_ancestor(exp.Select)
    where = select.args.get("where") if select else None
    if select is None or where is None or _outer_joined(select):
        return None
    alone = not select.args.get("joins") and not select.args.get("laterals")
    alias = node.alias_or_name.lower()
    parts = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
    kept = [part for part in parts if _comparable(part, alias, alone)]
    return exp.and_(*(part.copy() for part in kept)) if kept else None


def _outer_joined(select: exp.Select) -> bool:
    return any(join.side for join in select.args.get("joins") or [])


def _comparable(part: exp.Expr, alias: str, alone: bool) -> bool:
    nodes = list(part.walk())
    columns = [node for node in nodes if isinstance(node, exp.Column)]
    ours = all((column.table.lower() == alias) if column.table else alone for column in columns)
    return bool(columns) and ours and all(isinstance(node, _PRUNABLE) for node in nodes)


def _prune(session: Session, table: CatalogTable, predicates: Sequence[exp.Expr | None]) -> list[Partition]:
    """The partitions that any use of the table may need."""
    keys = {key for key, _ in table.keys}
    filters = [_on_keys(predicate, keys) for predicate in predicates]
    if not table.partitions or any(item is None for item in filters):
        return table.partitions
    rows = ", ".join(
        "(" + ", ".join([str(number), *(value(text) for text in item.values)]) + ")"
        for number, item in enumerate(table.partitions)
    )
    columns = ", ".join(
        f"CAST({name(key)} AS {types.from_hive(kind)}) AS {name(key)}" for key, kind in table.keys
    )
    names = ", ".join(["_number", *(name(key) for key, _ in table.keys)])
    condition = " OR ".join(f"({item.sql('duckdb')})" for item in filters if item is not None)
    sql = f"SELECT _number FROM (SELECT _number, {columns} FROM (VALUES {rows}) t({names})) WHERE {condition}"
    try:
        chosen = session.con.execute(sql).fetchall()
    except duckdb.Error:
        return table.partitions
    return [table.partitions[number] for (number,) in sorted(chosen)]


def _on_keys(predicate: exp.Expr | None, keys: set[str]) -> exp.Expr | None:
    if predicate is None:
        return None
    parts = list(predicate.flatten()) if isinstance(predicate, exp.And) else [predicate]
    kept = [part.copy() for part in parts if {c.name.lower() for c in part.find_all(exp.Column)} <= keys]
    for part in kept:
        for column in part.find_all(exp.Column):
            column.set("table", None)
    return exp.and_(*kept) if kept else None
