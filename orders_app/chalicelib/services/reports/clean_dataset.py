"""`clean-orders` for one data set of `datasets-workflow`: its records, cleaned, as parts in S3."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from chalicelib.services.reports.clean_lines import clean_record, version_of
from chalicelib.services.reports.model import ReportInputError, SaleLine
from chalicelib.services.reports.parts import PartWriter, put_json, read, read_json
from chalicelib.services.reports.ports import Log, Objects
from chalicelib.services.reports.read_raw import Record, UnreadableFileError, records


@dataclass(frozen=True)
class DatasetCleaner:
    objects: Objects  # of the reports
    raw: Objects  # of the lake
    currency: str
    log: Log


@dataclass
class _Cleaned:
    read: int = 0
    replaced: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    orders: dict[str, tuple[int, dict[int, SaleLine]]] = field(default_factory=dict)


def clean_dataset(cleaner: DatasetCleaner, given: Mapping[str, Any]) -> dict[str, Any]:
    """{"outcome": "cleaned", "dataset", "figures", "read", "kept", "replaced", "rejected"}, or
    {"outcome": "refused", "dataset", "reason"} for a data set that is not what it says.

    Read = kept + replaced + rejected. Replaced: a line that came again, or of an order in a later version.
    """
    dataset = given.get("dataset")
    if not isinstance(dataset, Mapping):
        raise ReportInputError("no data set was given")
    name, prefix = dataset["label"], dataset["manifest"].removesuffix(".json")
    cleaned = _Cleaned()
    try:
        for ordinal, record in enumerate(
            _records(cleaner, read_json(cleaner.objects, dataset["manifest"])), 1
        ):
            _take(cleaned, record, ordinal, cleaner.currency)
    except UnreadableFileError as fault:
        cleaner.log.warning("data set refused", dataset=name, reason=str(fault))
        return {"outcome": "refused", "dataset": name, "kind": dataset["kind"], "reason": str(fault)[:200]}
    parts = PartWriter(cleaner.objects, f"{prefix}/clean-")
    for _, lines in cleaned.orders.values():
        parts.add(*(asdict(line) for line in lines.values()))
    counts = {
        "read": cleaned.read,
        "kept": sum(len(lines) for _, lines in cleaned.orders.values()),
        "replaced": cleaned.replaced,
        "rejected": sum(cleaned.rejected.values()),
    }
    figures = {
        "dataset": name,
        **counts,
        "reasons": dict(cleaned.rejected.most_common()),
        "parts": parts.close(),
    }
    put_json(cleaner.objects, f"{prefix}/figures.json", figures)
    return {
        "outcome": "cleaned", "dataset": name, "kind": dataset["kind"],
        "figures": f"{prefix}/figures.json", **counts,
    }  # fmt: skip


def _records(cleaner: DatasetCleaner, manifest: Mapping[str, Any]) -> Iterator[Record | None]:
    store = cleaner.raw if manifest["store"] == "lake" else cleaner.objects
    for key in manifest["keys"]:
        yield from records(key, read(store, key))


def _take(cleaned: _Cleaned, record: Record | None, ordinal: int, currency: str) -> None:
    cleaned.read += 1
    line = clean_record(record, ordinal, currency) if record is not None else "cannot be read"
    if isinstance(line, str) or record is None:
        cleaned.rejected[str(line)] += 1
        return
    version = version_of(record)
    known, lines = cleaned.orders.setdefault(line.order_id, (version, {}))
    if version < known or (version == known and line.line in lines):
        cleaned.replaced += 1
        return
    if version > known:
        cleaned.replaced += len(lines)
        lines = {}
        cleaned.orders[line.order_id] = (version, lines)
    lines[line.line] = line
