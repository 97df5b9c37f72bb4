"""The result files of a query: CSV for rows, text for DDL, a manifest for written data, and metadata."""

import json
from collections.abc import Sequence

from scripts.local_cloud import glue_store
from scripts.local_cloud.athena import types
from scripts.local_cloud.athena.engine import Outcome, Row
from scripts.local_cloud.athena.errors import QueryError


def column_info(columns: Sequence[tuple[str, str]], dml: bool) -> list[dict[str, object]]:
    """ColumnInfo of GetQueryResults; DDL answers are all strings."""
    found = []
    for name, duck in columns:
        precision, scale = types.precision_scale(duck) if dml else (0, 0)
        kind = types.to_athena(duck) if dml else "string"
        found.append(
            {
                "CatalogName": "hive",
                "SchemaName": "",
                "TableName": "",
                "Name": name,
                "Label": name,
                "Type": kind,
                "Precision": precision,
                "Scale": scale,
                "Nullable": "UNKNOWN",
                "CaseSensitive": kind == "varchar",
            }
        )
    return found


def write_rows(location: str, outcome: Outcome) -> None:
    """Every value in quotes, NULL as nothing at all: so a reader can tell it from an empty string."""
    lines = [_csv_line(tuple(name for name, _ in outcome.columns)), *map(_csv_line, outcome.rows)]
    _put(location, "".join(lines), "text/csv")
    _put(f"{location}.metadata", json.dumps(column_info(outcome.columns, dml=True)), "application/json")


def _csv_line(row: Row) -> str:
    return ",".join("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row) + "\n"


def write_text(location: str, outcome: Outcome) -> None:
    _put(
        location, "".join("\t".join(cell or "" for cell in row) + "\n" for row in outcome.rows), "text/plain"
    )
    _put(f"{location}.metadata", json.dumps(column_info(outcome.columns, dml=False)), "application/json")


def write_manifest(location: str, files: Sequence[str]) -> None:
    _put(location, "".join(f"{file}\n" for file in files), "text/csv")


def _put(location: str, text: str, content_type: str) -> None:
    try:
        glue_store.write(location, text.encode(), content_type)
    except glue_store.StoreError as error:
        reason = f"Unable to verify/create output bucket {glue_store.split_uri(location)[0]}: {error}"
        raise QueryError("GENERIC_USER_ERROR", reason) from error
