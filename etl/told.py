"""What the command line says of an error in one clear sentence, whichever library it comes from."""

import re

from etl.errors import EtlError

# DuckDB's errors of the disk and the memory; its others are faults of our SQL.
_OF_THE_MACHINE = ("IOException", "OutOfMemoryException")
_LOCATED = ("NoRegionError", "NoCredentialsError", "PartialCredentialsError")
# A line of a Python or Java trace that names an error: its class (without its module) and its message.
_NAMED = re.compile(r"^(?:Caused by: |: )?(?:[\w$]+[.])*(\w*(?:Error|Exception)\w*: .+)$", re.M)
_WRAPPERS = re.compile(r"(Spark|Python|Py4J|Execution)\w*(Error|Exception): ")
_LONGEST = 500


def told(error: BaseException) -> str | None:
    """One clear sentence for what the user can change; None for a fault of our own."""
    if isinstance(error, EtlError | OSError):
        return str(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if is_interrupt(error):
        return "interrupted"
    library, name = type(error).__module__.partition(".")[0], type(error).__name__
    if library in ("duckdb", "_duckdb"):
        return _first_line(error) if name in _OF_THE_MACHINE else None
    if library in ("py4j", "pyspark"):
        return f"Spark: {_cause(str(error))}"
    if library != "botocore":
        return None
    if name in _LOCATED:
        return f"{error} Set AWS_DEFAULT_REGION and AWS credentials, or run `aws configure`."
    return f"AWS refused: {error}"


def is_interrupt(error: BaseException) -> bool:
    """Ctrl-C, which DuckDB turns into an error of its own where it has interrupted a query."""
    if isinstance(error, KeyboardInterrupt):
        return True
    return isinstance(error, RuntimeError) and str(error) == "Query interrupted"


def _cause(trace: str) -> str:
    """The innermost error that a trace names, or else its first line."""
    named = [found for found in _NAMED.findall(trace) if not _WRAPPERS.match(found)]
    return (named[-1] if named else trace.strip().partition("\n")[0])[:_LONGEST]


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:_LONGEST]
