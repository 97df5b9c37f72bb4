"""What the rewriting rules share: finished SQL as a node, failures, what an expression's type is."""

from collections.abc import Callable
from typing import Protocol

from sqlglot import exp

from scripts.local_cloud.athena import casts
from scripts.local_cloud.athena.errors import QueryError

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}
FLOATS = {"DOUBLE", "FLOAT"}
NULL = '"NULL"'


class Typed(Protocol):
    """Who knows types: the rewriter of the statement."""

    def type(self, node: exp.Expr) -> str | None: ...


Rule = Callable[[Typed, exp.Expr], exp.Expr | None]


def raw(sql: str) -> exp.Expr:
    """DuckDB's SQL as a finished node."""
    return exp.Var(this=f"({sql})")


def duck(node: exp.Expr) -> str:
    return node.sql("duckdb")


def fail(code: str, message: str) -> str:
    """A DuckDB expression that fails the query under Athena's name."""
    return casts.fails(code, "'" + message.replace("'", "''") + "'")


def mismatch(operator: str, left: str, right: str) -> QueryError:
    names = (casts.trino_name(left), casts.trino_name(right))
    return QueryError("TYPE_MISMATCH", f"line 1:1: Cannot apply operator: {names[0]} {operator} {names[1]}")


def unexpected(function: str, *kinds: str) -> QueryError:
    names = ", ".join(map(casts.trino_name, kinds))
    return QueryError("TYPE_MISMATCH", f"line 1:1: Unexpected parameters ({names}) for function {function}")


def macro(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of one of our macros."""
    return raw(f"trino_{name}({', '.join(map(duck, arguments))})")


def family(kind: str) -> str | None:
    """Types of one family compare and mix with each other only; NULL and rows have none."""
    if kind.endswith("]"):
        return "array"
    if kind in INTEGERS | FLOATS or kind.startswith("DECIMAL"):
        return "number"
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return "time"
    return {"VARCHAR": "text", "BOOLEAN": "boolean", "JSON": "json", "BLOB": "binary"}.get(kind)


def whole(node: exp.Expr | None) -> int | None:
    """The value of an integer literal, signed or not."""
    if isinstance(node, exp.Neg):
        value = whole(node.this)
        return None if value is None else -value
    if isinstance(node, exp.Literal) and not node.is_string and node.is_int:
        return int(str(node.this))
    return None
