"""The macros of `macros.sql`, made on a query's connection when its SQL first names them."""

import re
from functools import cache
from pathlib import Path

import duckdb

_FILE = Path(__file__).with_name("macros.sql")
_CALL = re.compile(r"\b(trino_\w+?)(_or_null)?\(")
_FAILURE = re.compile(r"error\('athena:.*?\u00a7'(?: *\|\| *'\u00a7')?\)", re.DOTALL)


@cache
def _definitions() -> dict[str, str]:
    """Each CREATE MACRO by the macro's name."""
    statements = re.findall(r"^CREATE .*?;$", _FILE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return {_CALL.findall(statement)[0][0]: statement for statement in statements}


class Macros:
    """What one connection knows already."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self._known: set[str] = set()

    def define(self, sql: str) -> None:
        """Make every macro that the SQL calls, and those that these call."""
        for name, twin in _CALL.findall(sql):
            if name + twin in self._known or name not in _definitions():
                continue
            self._known.add(name + twin)
            statement = _definitions()[name]
            statement = quieted(statement) if twin else statement
            self.define(statement)
            self._con.execute(statement)


def quieted(sql: str) -> str:
    """The SQL with NULL for each failure, and with each macro's twin, which does the same."""
    return _CALL.sub(r"\1_or_null(", _FAILURE.sub("NULL", sql))
