"""Exports customers to the raw zone: id, name, status and day of registration, and only who changed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.services.pipeline.ports import Clock, Log, NewId, Objects


@dataclass(frozen=True)
class CustomerRow:
    """No mail address and no phone number: these stay in PostgreSQL."""

    customer_id: str
    name: str
    status: str
    registration_date: str
    fingerprint: str


class CustomerExports(Protocol):
    """Customers, and what was last exported of each."""

    def changed(self, limit: int) -> list[CustomerRow]: ...

    def exported(self, fingerprints: Mapping[str, str]) -> None: ...


BATCH = 10_000


def export_customers(
    *, exports: CustomerExports, objects: Objects, clock: Clock, new_id: NewId, log: Log
) -> dict[str, int]:
    """How many customers were written. A crash before the note repeats an export, which changes nothing."""
    total = 0
    while rows := exports.changed(BATCH):
        key = f"raw-data/customers/{clock():%Y/%m/%d/%H%M%S}-{new_id()}.jsonl"
        objects.put(key, _lines(rows), "application/x-ndjson")
        exports.exported({row.customer_id: row.fingerprint for row in rows})
        total += len(rows)
    log.info("customers exported", count=total)
    return {"exported": total}


def _lines(rows: Sequence[CustomerRow]) -> bytes:
    fields = ("customer_id", "name", "status", "registration_date")
    lines = (json.dumps({name: getattr(row, name) for name in fields}, ensure_ascii=False) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()
