"""Athena's errors: the name that a reason begins with, and the category and type that go with it."""

import re
from dataclasses import dataclass

import duckdb

# https://docs.aws.amazon.com/athena/latest/ug/error-reference.html: 1 system, 2 user, 3 other.
_USER, _SYSTEM = 2, 1
_TYPES = {
    "TABLE_NOT_FOUND": 1301,
    "SCHEMA_NOT_FOUND": 1301,
    "COLUMN_NOT_FOUND": 1006,
    "SYNTAX_ERROR": 1006,
    "TYPE_MISMATCH": 1006,
    "FUNCTION_NOT_FOUND": 1006,
    "NOT_SUPPORTED": 1006,
    "DIVISION_BY_ZERO": 1200,
    "INVALID_CAST_ARGUMENT": 1200,
    "INVALID_FUNCTION_ARGUMENT": 1200,
    "NUMERIC_VALUE_OUT_OF_RANGE": 1200,
    "SUBQUERY_MULTIPLE_ROWS": 1200,
    "HIVE_BAD_DATA": 1304,
    "HIVE_CANNOT_OPEN_SPLIT": 1304,
    "HIVE_PATH_ALREADY_EXISTS": 1401,
    "HIVE_UNSUPPORTED_FORMAT": 1304,
    "GENERIC_USER_ERROR": 1006,
    "GENERIC_INTERNAL_ERROR": 401,
}


@dataclass
class QueryError(Exception):
    """A query that Athena fails; its reason reads `NAME: detail`."""

    name: str
    detail: str

    @property
    def reason(self) -> str:
        return f"{self.name}: {self.detail}"

    @property
    def category(self) -> int:
        return _SYSTEM if self.name == "GENERIC_INTERNAL_ERROR" else _USER

    @property
    def type(self) -> int:
        return _TYPES.get(self.name, 1006)


def not_supported(what: str) -> QueryError:
    """What Athena can and the local engine cannot: refused by name, never answered wrongly."""
    return QueryError("NOT_SUPPORTED", f"the local Athena does not support {what}")


_MARKED = re.compile("athena:([A-Z_]+): (.*?)\u00a7", re.DOTALL)


def from_duckdb(error: duckdb.Error) -> QueryError:
    """What the executing engine complained about, under the name that Athena has for it."""
    text = str(error).partition("\n")[0]
    if marked := _MARKED.search(str(error)):
        return QueryError(marked[1], marked[2])
    if "ivision by zero" in text:
        return QueryError("DIVISION_BY_ZERO", "Division by zero")
    if isinstance(error, duckdb.BinderException) and (column := re.search(r'column "([^"]+)"', text)):
        if "not found" in text or "does not" in text:
            return QueryError("COLUMN_NOT_FOUND", f"line 1:1: Column '{column[1]}' cannot be resolved")
        return QueryError("SYNTAX_ERROR", text)
    if isinstance(error, duckdb.CatalogException):
        return QueryError("FUNCTION_NOT_FOUND", text.removeprefix("Catalog Error: "))
    if "field value out of range" in text or text.startswith("Conversion Error: Date out of range"):
        return QueryError("INVALID_CAST_ARGUMENT", f"Value cannot be cast to date or timestamp: {text}")
    if "Could not parse string" in text:
        return QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid format: {text.partition('string ')[2]}")
    if "invalid perl operator" in text or "invalid escape sequence" in text or "bad repetition" in text:
        return not_supported(f"the regular expression: {text}")
    if isinstance(error, duckdb.ConversionException) and "out of range" in text:
        return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", text.removeprefix("Conversion Error: "))
    if isinstance(error, duckdb.ConversionException):
        return QueryError("INVALID_CAST_ARGUMENT", text.removeprefix("Conversion Error: "))
    if isinstance(error, duckdb.OutOfRangeException):
        return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", text.removeprefix("Out of Range Error: "))
    if isinstance(error, duckdb.BinderException):
        return QueryError("TYPE_MISMATCH", text.removeprefix("Binder Error: "))
    if isinstance(error, duckdb.ParserException):
        return QueryError("SYNTAX_ERROR", text)
    if "More than one row" in text:
        return QueryError("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows")
    return QueryError("GENERIC_USER_ERROR", text)
