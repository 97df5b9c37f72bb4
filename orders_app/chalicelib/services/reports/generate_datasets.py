"""First step of `datasets-workflow`: the day's sales by region, and the raw files of the day, as data sets.

A data set is a manifest in S3; the state holds its label and key only, and at most 50 for each branch.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.money import to_text
from chalicelib.services.reports.clean_lines import SOLD, region_of
from chalicelib.services.reports.model import OrderRow, Task
from chalicelib.services.reports.parts import PartWriter, put_json
from chalicelib.services.reports.ports import Log, Objects, Sales

MOST = 50
OTHERS = "other-regions"
RAW_PREFIXES = ("raw-data/orders/", "raw-data/sales/")
READABLE = (".jsonl", ".json", ".csv")
LARGEST = 64 * 1024 * 1024  # bytes of one raw file: larger ones are the Glue job's
SHOWN_SKIPPED = 20


@dataclass(frozen=True)
class Generator:
    sales: Sales
    objects: Objects  # of the reports
    raw: Objects  # of the lake
    currency: str
    log: Log


def generate_datasets(generator: Generator, given: Mapping[str, Any]) -> dict[str, Any]:
    """{"outcome": "generated", "date", "regions": [dataset], "files": [dataset], "skipped": [...]}.

    A dataset is {"label", "kind", "manifest"}. What a Lambda does not read is named in `skipped`.
    """
    task = Task.from_input(given)
    folder = f"work/datasets/{task.day}/{task.name}/"
    regions = _regions(generator, task, folder)
    files, skipped = _files(generator, task, folder)
    generator.log.info("data sets generated", day=str(task.day), regions=len(regions), files=len(files))
    return {
        "outcome": "generated",
        "date": str(task.day),
        "regions": regions,
        "files": files,
        "skipped": skipped[:SHOWN_SKIPPED],
    }


def _regions(generator: Generator, task: Task, folder: str) -> list[dict[str, str]]:
    writers: dict[str, PartWriter] = {}
    with generator.sales.snapshot(task.day) as snapshot:
        for order in snapshot.orders:
            if order.status not in SOLD:
                continue
            region = region_of(order.region)
            if region not in writers and len(writers) >= MOST - 1:
                region = OTHERS
            if region not in writers:
                prefix = f"{folder}region-{len(writers):02}/"
                writers[region] = PartWriter(generator.objects, prefix)
            writers[region].add(*records_of(order))
    found = []
    for number, (region, writer) in enumerate(writers.items()):
        manifest = f"{folder}region-{number:02}.json"
        found.append(_data_set(generator, region, "region", manifest, "reports", writer.close()))
    return found


def records_of(order: OrderRow) -> list[dict[str, Any]]:
    """In the form of the lake's raw records: one reader serves both kinds of data sets."""
    return [
        {
            "order_id": order.order_id,
            "line_number": line.number,
            "customer_id": order.customer_id,
            "product_id": line.product_id,
            "product": line.product,
            "quantity": line.quantity,
            "line_amount": to_text(line.amount, order.currency),
            "region": order.region,
            "status": order.status,
            "currency": order.currency,
        }
        for line in order.lines
    ]


def _files(
    generator: Generator, task: Task, folder: str
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    keys, skipped = [], []
    for prefix in RAW_PREFIXES:
        for one in generator.raw.list(f"{prefix}{task.day}/"):
            if not one.key.lower().endswith(READABLE):
                skipped.append({"key": one.key, "reason": "read by the ETL only"})
            elif one.size > LARGEST:
                skipped.append({"key": one.key, "reason": "too large for a Lambda"})
            else:
                keys.append(one.key)
    found = []
    for number, group in enumerate(grouped(keys, MOST)):
        name = group[0].rsplit("/", 1)[-1] + (f" and {len(group) - 1} more" if len(group) > 1 else "")
        manifest = f"{folder}files-{number:02}.json"
        found.append(_data_set(generator, name, "file", manifest, "lake", group))
    return found, skipped


def grouped(keys: Sequence[str], most: int) -> list[list[str]]:
    """At most so many groups, in order: one file each as long as that is enough."""
    size = max(1, math.ceil(len(keys) / most))
    return [list(keys[start : start + size]) for start in range(0, len(keys), size)]


def _data_set(
    generator: Generator, name: str, kind: str, manifest: str, store: str, keys: Sequence[str]
) -> dict[str, str]:
    put_json(generator.objects, manifest, {"name": name, "kind": kind, "store": store, "keys": list(keys)})
    return {"label": name[:100], "kind": kind, "manifest": manifest}
