"""Athena's SQL (that of Trino, engine version 3) as DuckDB's: parsed by sqlglot, differences rewritten."""

import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError, TokenError, UnsupportedError

from scripts.local_cloud.athena import tables, written
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.oracle import TypeOracle
from scripts.local_cloud.athena.rewrite import Rewriter
from scripts.local_cloud.athena.tables import Session

_TEXT = "text"  # where a tree keeps the SQL that it was made of
_WHERE = re.compile(r"Line (\d+), Col: (\d+)")


def parse(sql: str) -> exp.Expr:
    """One statement, or SYNTAX_ERROR."""
    try:
        statements = sqlglot.parse(sql, read="athena")
    except (ParseError, TokenError) as error:
        text = str(error).partition("\n")[0]
        place = _WHERE.search(text)
        line, column = place.groups() if place else ("1", "1")
        raise QueryError("SYNTAX_ERROR", f"line {line}:{column}: {text}") from error
    if len(statements) != 1 or statements[0] is None:
        raise QueryError("SYNTAX_ERROR", "line 1:1: only one sql statement is allowed")
    written.check_syntax(sql)
    statements[0].meta[_TEXT] = sql
    return statements[0]


def to_duckdb(session: Session, tree: exp.Expr) -> str:
    """The statement's SQL for the session's DuckDB, ready to run there."""
    sql = translate(session, tree)
    tables.fill(session)
    return sql


def translate(session: Session, tree: exp.Expr) -> str:
    """The statement's SQL, its tables known by their types only."""
    written.check_meaning(tree.meta[_TEXT], tree)
    tables.load(session, tree)
    _name_columns(tree)
    oracle = TypeOracle(session.con)
    Rewriter(oracle).run(tree)
    try:
        sql = tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)
        oracle.define(sql)
        return sql
    except UnsupportedError as error:
        raise not_supported(str(error)) from error


def _name_columns(tree: exp.Expr) -> None:
    """Athena calls an expression without a name `_colN`."""
    select = tree
    while not isinstance(select, exp.Select) and isinstance(select.this, exp.Expr):
        select = select.this
    if not isinstance(select, exp.Select):
        return
    for position, item in enumerate(list(select.expressions)):
        if not (item.is_star or isinstance(item, exp.Alias | exp.Column)):
            select.expressions[position].replace(exp.alias_(item.copy(), f"_col{position}", quoted=True))
