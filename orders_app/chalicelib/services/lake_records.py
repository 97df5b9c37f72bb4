"""Turns sales events into the lake's raw records: pure, from envelopes to files of JSON lines."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain import events

PREFIX = "raw-data/orders"
STATUS = {events.COMPLETED: "completed", events.REFUNDED: "refunded"}

Envelope = Mapping[str, Any]


def files(envelopes: Sequence[Envelope]) -> Iterator[tuple[str, bytes]]:
    """Key and content of one file for each UTC date on which the events happened.

    The key is made of the events' ids: the same batch again replaces its own file, whatever carried it.
    Events that are no sales are left out. Raises ValueError on a sale that cannot be read.
    """
    by_day: dict[str, dict[str, Envelope]] = defaultdict(dict)
    for envelope in envelopes:
        if envelope["type"] in STATUS:
            by_day[_utc_date(envelope["time"])][envelope["id"]] = envelope
    for day, sales in sorted(by_day.items()):
        ids = sorted(sales)
        lines = [json.dumps(record, separators=(",", ":")) for id in ids for record in records(sales[id])]
        name = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:32]
        yield f"{PREFIX}/{day}/{name}.jsonl", ("\n".join(lines) + "\n").encode()


def records(envelope: Envelope) -> list[dict[str, Any]]:
    """One record a line of the order; a refund repeats them all with a higher version."""
    data = envelope["data"]
    try:
        return [
            {
                "order_id": envelope["orderId"],
                "line_number": line["lineNumber"],
                "version": data["orderVersion"],
                "customer_id": data["customerId"],
                "product_id": line["productId"],
                "quantity": line["quantity"],
                "price": line["unitPrice"],
                "line_amount": line["lineAmount"],
                "order_date": _utc_date(data["placedAt"]),
                "region": data["region"],
                "status": STATUS[envelope["type"]],
                "currency": data["currency"],
            }
            for line in data["lines"]
        ]
    except (KeyError, TypeError) as fault:
        raise ValueError(f"sale {envelope['id']!r} lacks {fault}") from fault


def _utc_date(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(UTC).date().isoformat()
