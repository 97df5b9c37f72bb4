"""What a statement is before it runs: its kind, its verb, where its result goes, and what runs it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.local_cloud.athena import ddl, dialect, engine, parameters, writing
from scripts.local_cloud.athena.engine import Outcome
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.scanner import Scanner
from scripts.local_cloud.athena.tables import Session

_QUERY = re.compile(r"(?is)^(select|with|values|table)\b|^\(")
_REFUSED = re.compile(
    r"(?is)^(explain|delete|update|merge|optimize|vacuum|analyze|grant|revoke|set|use|call)\b"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a query's own files go."""

    query_id: str
    output: str


@dataclass(frozen=True, slots=True)
class Statement:
    kind: str
    verb: str
    run: Callable[[Session, Place], Outcome]
    suffix: str = ".csv"

    def result_name(self, query_id: str) -> str:
        return f"tables/{query_id}" if self.verb == "CREATE_TABLE_AS_SELECT" else f"{query_id}{self.suffix}"

    def manifest_name(self, query_id: str) -> str:
        folder = "tables/" if self.verb == "CREATE_TABLE_AS_SELECT" else ""
        return f"{folder}{query_id}-manifest.csv"


def understand(sql: str, given: Sequence[str], workgroup: str) -> Statement:
    """The statement, parsed; a malformed one is refused before it gets an id."""
    text = sql.strip().rstrip(";").strip()
    scanner = Scanner(text)
    if scanner.ended:
        raise QueryError("SYNTAX_ERROR", "line 1:1: mismatched input '<EOF>'")
    if scanner.took("EXECUTE"):
        return understand(parameters.execute(scanner, workgroup, given), (), workgroup)
    if scanner.took("PREPARE"):
        return Statement("DDL", "PREPARE", _once(lambda: parameters.prepare(scanner, workgroup)), ".txt")
    if scanner.took("DEALLOCATE"):
        return Statement(
            "DDL", "DEALLOCATE", _once(lambda: parameters.deallocate(scanner, workgroup)), ".txt"
        )
    filled = parameters.fill(scanner.rest, given)
    return _writer(filled) or _ddl(filled) or _query(filled)


def _once(step: Callable[[], None]) -> Callable[[Session, Place], Outcome]:
    def run(_: Session, __: Place) -> Outcome:
        step()
        return Outcome()

    return run


def _writer(text: str) -> Statement | None:
    scanner = Scanner(text)
    if scanner.took("UNLOAD"):
        dialect.parse(Scanner(scanner.rest).bracketed())
        return Statement("DML", "UNLOAD", lambda session, _: writing.unload(session, scanner))
    if scanner.took("INSERT", "INTO"):
        return Statement("DML", "INSERT", lambda session, _: writing.insert(session, scanner))
    if scanner.took("CREATE", "TABLE"):
        if re.search(r"(?i)'?table_type'?\s*=\s*'iceberg'", scanner.rest):
            raise not_supported("Iceberg tables")
        if not re.search(r"(?is)\bas\s*(\(|select\b|with\b|values\b|table\b)", scanner.rest):
            raise QueryError("SYNTAX_ERROR", "External keyword required for table type HIVE")
        return Statement(
            "DDL",
            "CREATE_TABLE_AS_SELECT",
            lambda session, place: writing.create_table_as(session, scanner, place.query_id, place.output),
        )
    return None


def _ddl(text: str) -> Statement | None:
    for words in sorted(ddl.STATEMENTS, key=len, reverse=True):
        scanner = Scanner(text)
        if scanner.took(*words):
            verb, run = ddl.STATEMENTS[words]
            kind = "UTILITY" if words[0] in {"SHOW", "DESCRIBE", "DESC"} else "DDL"
            return Statement(kind, verb, _with(run, scanner), ".txt")
    return None


def _with(run: ddl.Run, scanner: Scanner) -> Callable[[Session, Place], Outcome]:
    return lambda session, _: run(session, scanner)


def _query(text: str) -> Statement:
    if _REFUSED.match(text):
        raise not_supported(f"{text.split(None, 1)[0].upper()} statements")
    if not _QUERY.match(text):
        raise Scanner(text).fail("'SELECT', 'WITH', 'CREATE', 'DROP', 'SHOW', 'INSERT', 'UNLOAD'")
    dialect.parse(text)
    return Statement("DML", "SELECT", lambda session, _: engine.select(session, text))
