"""Small inputs for runs: files with rows and times, and the run of them."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from etl.manifest import Manifest, SourceFile

BUCKET, DATABASE = "order-lake-test", "order_lake_test"
AS_OF = date(2024, 12, 31)
CUSTOMERS = [
    {"customer_id": f"C00{i}", "name": f"Name {i}", "email": f"c{i}@example.com", "status": "active"}
    for i in range(1, 8)
]


def line(order_id: str = "1", **changes: Any) -> dict[str, Any]:
    """One accepted order line; an argument of None leaves the value empty."""
    row = {"order_id": order_id, "customer_id": "C001", "product_id": "P1", "quantity": 1, "price": "10.00"}
    return row | {"order_date": "2024-01-15", "region": "North"} | changes


def csv_file(path: Path, rows: Sequence[Mapping[str, Any]], day: int = 1, kind: str = "sales") -> SourceFile:
    """A CSV file of the rows, uploaded on that day of February 2024."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    return source(path, day, kind)


def json_file(path: Path, rows: Sequence[Mapping[str, Any]], day: int = 1) -> SourceFile:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return source(path, day, "orders")


def source(path: Path, day: int = 1, kind: str = "sales") -> SourceFile:
    time = datetime(2024, 2, day, tzinfo=UTC)
    os.utime(path, (time.timestamp(), time.timestamp()))
    return SourceFile(str(path), kind, time, size=path.stat().st_size)


def customers_file(folder: Path) -> SourceFile:
    return csv_file(folder / "customers.csv", CUSTOMERS, kind="customers")


def manifest_of(output: Path, *files: SourceFile, run_id: str = "run-1", **options: Any) -> Manifest:
    return Manifest(
        run_id=run_id,
        as_of=AS_OF,
        files=files,
        output=str(output),
        quarantine=str(output / "quarantine"),
        options=options,
    )
