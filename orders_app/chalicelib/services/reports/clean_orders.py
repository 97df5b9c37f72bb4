"""First step of `report-workflow`: the day's orders, cleaned, as parts in S3, each accounted for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from chalicelib.services.reports.clean_lines import clean_order
from chalicelib.services.reports.model import Task
from chalicelib.services.reports.parts import PartWriter, put_json
from chalicelib.services.reports.ports import Log, Objects, Sales, Snapshot

WEEK = 7
EXAMPLES = 20


@dataclass(frozen=True)
class Cleaner:
    sales: Sales
    objects: Objects
    currency: str
    log: Log


def clean_orders(cleaner: Cleaner, given: Mapping[str, Any]) -> dict[str, Any]:
    """{"outcome": "cleaned", "date", "figures", "parts", "read", "kept", "leftOut", "rejected"}.

    Every order that was read is kept, left out by its status, or rejected with a reason. Run again, it
    writes the same keys.
    """
    task = Task.from_input(given)
    prefix = f"work/reports/{task.day}/{task.name}/"
    with cleaner.sales.snapshot(task.day, WEEK) as snapshot:
        account, parts = _clean(cleaner, snapshot, prefix)
        figures = {**account, "parts": parts, "history": [_plain(asdict(one)) for one in snapshot.history]}
    put_json(cleaner.objects, f"{prefix}figures.json", figures)
    counts = {
        "read": account["read"],
        "kept": account["kept"],
        "leftOut": sum(account["leftOut"].values()),
        "rejected": sum(account["rejected"].values()),
    }
    cleaner.log.info("orders cleaned", day=str(task.day), **counts)
    return {
        "outcome": "cleaned",
        "date": str(task.day),
        "figures": f"{prefix}figures.json",
        "parts": len(parts),
        **counts,
    }


def _clean(cleaner: Cleaner, snapshot: Snapshot, prefix: str) -> tuple[dict[str, Any], list[str]]:
    left_out: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    examples: list[dict[str, str]] = []
    read = kept = 0
    parts = PartWriter(cleaner.objects, prefix)
    for order in snapshot.orders:
        read += 1
        verdict = clean_order(order, cleaner.currency)
        if verdict.lines:
            kept += 1
            parts.add(*map(asdict, verdict.lines))
        elif verdict.left_out:
            left_out[verdict.left_out] += 1
        elif verdict.rejected:
            rejected[verdict.rejected] += 1
            if len(examples) < EXAMPLES:
                examples.append({"orderId": order.order_id, "reason": verdict.rejected})
    account = {
        "read": read,
        "kept": kept,
        "leftOut": dict(left_out.most_common()),
        "rejected": dict(rejected.most_common()),
        "examples": examples,
    }
    return account, parts.close()


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in fields.items()}
