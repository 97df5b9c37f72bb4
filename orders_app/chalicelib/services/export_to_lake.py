"""Writes completed and refunded orders to the raw zone of the lake."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chalicelib.services import lake_records


class ObjectWriter(Protocol):
    def put(self, key: str, body: bytes, content_type: str) -> None: ...


def export_to_lake(envelopes: Sequence[Mapping[str, Any]], lake: ObjectWriter) -> int:
    """Puts one object for each day among the events; answers how many. Safe to repeat."""
    written = list(lake_records.files(envelopes))
    for key, body in written:
        lake.put(key, body, "application/jsonl")
    return len(written)
