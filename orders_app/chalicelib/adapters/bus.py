"""Publishes events to the order bus: PutEvents in batches, each entry's own result."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.adapters.clients import client, session, translated
from chalicelib.adapters.direct_calls import DirectCalls
from chalicelib.domain.errors import TransientError
from chalicelib.services.ports import PublishResult

# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
BATCH_ENTRIES = 10
BATCH_BYTES = 256 * 1024

Envelope = Mapping[str, Any]


class EventBus:
    """One EventBridge bus, by the given client, or by the process's own with the short way beside it."""

    def __init__(self, bus_name: str, events: Any = None, direct: DirectCalls | None = None) -> None:
        self._bus_name = bus_name
        self._events = events
        ours = None if events else DirectCalls(lambda: self._client, lambda: session().get_credentials())
        self._direct = direct or ours

    def publish(self, envelopes: Sequence[Envelope]) -> list[PublishResult]:
        """One result for each envelope, by position. Raises ThrottledError if nothing at all was accepted.

        A later batch whose call fails as a whole is answered as not accepted: publishing it again is
        harmless, forgetting that the batches before it went out is not.
        """
        results: list[PublishResult] = []
        for batch in _batches([_entry(envelope, self._bus_name) for envelope in envelopes]):
            try:
                results += self._put(batch)
            except TransientError as fault:
                if not any(result.accepted for result in results):
                    raise
                results += [PublishResult(error=str(fault))] * len(batch)
        return results

    def check(self) -> None:
        """Raises if the bus cannot be reached."""
        with translated("DescribeEventBus"):
            self._client.describe_event_bus(Name=self._bus_name)

    def _put(self, batch: Sequence[Mapping[str, str]]) -> list[PublishResult]:
        with translated("PutEvents"):
            # A batch that goes out twice is harmless, so it may try the short way first.
            answer = self._direct.call("PutEvents", {"Entries": batch}) if self._direct else None
            entries = (answer or self._client.put_events(Entries=batch))["Entries"]
        # Results come in the order of the entries: an EventId, or an ErrorCode with a message.
        return [
            PublishResult(None if "EventId" in entry else entry.get("ErrorCode", "unknown"))
            for entry in entries
        ]

    @property
    def _client(self) -> Any:
        return self._events or client("events")


def _entry(envelope: Envelope, bus_name: str) -> dict[str, str]:
    return {
        "Source": envelope["source"],
        "DetailType": envelope["type"],
        "Detail": json.dumps(envelope, separators=(",", ":"), ensure_ascii=False),
        "EventBusName": bus_name,
    }


def size_of(entry: Mapping[str, str]) -> int:
    """Bytes that AWS counts: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html"""
    return sum(len(entry[field].encode()) for field in ("Source", "DetailType", "Detail"))


def _batches(entries: Sequence[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    batch: list[dict[str, str]] = []
    room = BATCH_BYTES
    for entry in entries:
        size = size_of(entry)
        if batch and (len(batch) == BATCH_ENTRIES or size > room):
            yield batch
            batch, room = [], BATCH_BYTES
        batch.append(entry)
        room -= size
    if batch:
        yield batch
