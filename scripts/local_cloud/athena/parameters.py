"""Parameters of a statement: `?` marks filled with literals, and statements prepared under a name.

https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from scripts.local_cloud.athena.errors import QueryError
from scripts.local_cloud.athena.scanner import Scanner, split_list

_LITERALS = (
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Neg,
    exp.Cast,
    exp.DataType,
    exp.DataTypeParam,
    exp.Interval,
)


def fill(sql: str, values: Sequence[str]) -> str:
    """The statement with each `?` outside of texts and comments replaced by its literal."""
    marks = list(_marks(sql))
    if len(marks) != len(values):
        raise QueryError(
            "INVALID_PARAMETER_USAGE",
            f"line 1:1: Incorrect number of parameters: expected {len(marks)} but found {len(values)}",
        )
    for at, value in reversed(list(zip(marks, values, strict=True))):
        sql = sql[:at] + _literal(value) + sql[at + 1 :]
    return sql


def _marks(sql: str) -> Iterator[int]:
    quote, index = "", 0
    while index < len(sql):
        char = sql[index]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif sql.startswith("--", index):
            index = (sql.find("\n", index) + 1 or len(sql)) - 1
        elif sql.startswith("/*", index):
            index = (sql.find("*/", index) + 2 or len(sql)) - 1
        elif char == "?":
            yield index
        index += 1


def _literal(value: str) -> str:
    """A parameter is a constant, never a piece of SQL."""
    try:
        tree = sqlglot.parse_one(value, read="athena")
    except (ParseError, TokenError) as error:
        raise QueryError("SYNTAX_ERROR", f"line 1:1: not a parameter value: {value!r}") from error
    if not all(isinstance(node, _LITERALS) for node in tree.walk()):
        raise QueryError("SYNTAX_ERROR", f"line 1:1: not a parameter value: {value!r}")
    return value


def prepare(scanner: Scanner, workgroup: str) -> None:
    """PREPARE name FROM statement."""
    from ministack.services import athena

    name = scanner.name()
    scanner.expect("FROM")
    athena._prepared_statements[f"{workgroup}/{name}"] = {
        "StatementName": name,
        "WorkGroupName": workgroup,
        "QueryStatement": scanner.rest,
        "Description": "",
        "LastModifiedTime": int(time.time()),
    }


def execute(scanner: Scanner, workgroup: str, given: Sequence[str]) -> str:
    """EXECUTE name [USING value, …] as the statement that it stands for."""
    name = scanner.name()
    values = split_list(scanner.rest) if scanner.took("USING") else list(given)
    return fill(str(_prepared(name, workgroup)["QueryStatement"]), values)


def deallocate(scanner: Scanner, workgroup: str) -> None:
    """DEALLOCATE PREPARE name."""
    from ministack.services import athena

    scanner.expect("PREPARE")
    name = scanner.name()
    _prepared(name, workgroup)
    athena._prepared_statements.pop(f"{workgroup}/{name}")


def _prepared(name: str, workgroup: str) -> Mapping[str, Any]:
    from ministack.services import athena

    for key, statement in athena._prepared_statements.items():
        if key.lower() == f"{workgroup}/{name}".lower():
            found: Mapping[str, Any] = statement
            return found
    raise QueryError("NOT_FOUND", f"PreparedStatement {name} was not found in workGroup {workgroup}")
