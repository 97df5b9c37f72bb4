"""Bring corrected rejects back: `python -m etl.reingest FILE… --output raw-data/…` makes a raw file of them.

A quarantine file is JSON lines: an operator corrects values in place and deletes what is beyond help. The
rows are judged again here; what would fail again is listed and nothing is written. Line number and version
travel with each row, so that a corrected line lands in its own place of its order and replaces nothing else.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from etl.engines import open_engine
from etl.engines.work import work_folder
from etl.errors import EtlError, InputError
from etl.manifest import SourceFile
from etl.model import UNPLACED
from etl.schemas import SCHEMAS, Schema
from etl.sqlgen import checked_sql
from etl.storage import read_url, storage_for

# What the quarantine added to the row; `extra` is unfolded again.
_ADDED = ("source", "record", "reasons", "raw", "extra", "line_of")

_ONLY_SALES = frozenset({"order_id", "line_number", "quantity"})
ORDERS = "raw-data/orders/"


@dataclass(frozen=True)
class StillBad:
    line: int
    reasons: str


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 if all rows pass now, 1 if some would be rejected again, 2 for a file that is none."""
    arguments = _parser().parse_args(argv)
    try:
        quarantined = [row for url in arguments.files for row in quarantined_rows(read_url(url), url)]
        rows = [corrected(row) for row in quarantined]
        kind = arguments.kind or kind_of_rows(rows)
        bad = still_bad(rows, SCHEMAS[kind], arguments.as_of or datetime.now(UTC).date())
        for found in bad:
            print(f"row {found.line}: {found.reasons}", file=sys.stderr)
        if bad:
            print(f"error: {len(bad)} of {len(rows)} rows would be rejected again", file=sys.stderr)
            return 1
        written = write(quarantined, arguments.output, kind)
    except EtlError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for url, count in written.items():
        print(f"{count} rows written to {url}")
    return 0


def quarantined_rows(body: bytes, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a quarantine file, `extra` unfolded."""
    for number, line in enumerate(body.decode("utf-8", "replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rest = json.loads(row.get("extra") or "{}")
            kept = {key: value for key, value in row.items() if key != "extra" and value is not None}
            kept |= _place(row)
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            raise InputError(f"{name} line {number} is not a quarantined row: {error}") from error
        yield rest | kept


def _place(row: dict[str, Any]) -> dict[str, int]:
    """Another line number for a row that was put into another order, whose lines were numbered without it."""
    of, now = row.get("line_of"), str(row.get("order_id") or "").strip(" ")
    return {"line_number": UNPLACED + int(row["record"])} if of not in (None, now) else {}


def kind_of_rows(rows: Sequence[dict[str, Any]]) -> str:
    """The kind by columns that only one has: every rejected sale has its `line_number`, if nothing else."""
    kinds = {"sales" if row.keys() & _ONLY_SALES else "customers" for row in rows}
    if len(kinds) > 1:
        raise InputError("rows of sales and of customers: bring them back one kind at a time")
    return kinds.pop() if kinds else "sales"


def corrected(row: Mapping[str, Any]) -> dict[str, Any]:
    """A quarantined row as it goes back into the raw zone."""
    return {key: value for key, value in row.items() if key not in _ADDED}


def still_bad(rows: Sequence[dict[str, Any]], schema: Schema, as_of: date) -> list[StillBad]:
    """The rows that the rules would reject again, with all reasons."""
    if not rows:
        raise InputError("no rows to bring back")
    with work_folder() as folder, open_engine("duckdb") as engine:
        path = folder / "rows.jsonl"
        path.write_bytes(_lines(rows))
        file = SourceFile(str(path), schema.name, datetime.now(UTC))
        landing = engine.land(schema, [file], "landed")
        engine.check("judged", landing, checked_sql(schema, landing.view, as_of))
        found = engine.rows("select record, failed from judged where failed is not null order by record")
    return [StillBad(*row) for row in found]


def write(quarantined: Sequence[Mapping[str, Any]], output: str, kind: str) -> dict[str, int]:
    """Rows by address: a PUT into the raw zone is an arrival like any other; the name says the kind.

    The platform's own orders go back to their own folder, by which the checks compare them with the ledger.
    """
    storage, name = storage_for(output), f"corrected-{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.jsonl"
    of_orders = [row for row in quarantined if ORDERS in str(row.get("source"))]
    others = [row for row in quarantined if ORDERS not in str(row.get("source"))]
    written = {}
    for folder, rows in (("", others), ("orders/", of_orders)):
        if rows:
            storage.put(folder + name, _lines([corrected(row) for row in rows]), "reingest")
            written[storage.url(folder + name)] = len(rows)
    return written


def _lines(rows: Sequence[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="etl.reingest", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="corrected quarantine files, local or s3://")
    parser.add_argument("--output", required=True, metavar="URL", help="a folder of the raw zone")
    parser.add_argument("--kind", choices=sorted(SCHEMAS), help="if the columns of the rows say it wrong")
    parser.add_argument("--as-of", type=date.fromisoformat, metavar="DATE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
