"""Publishing to EventBridge: batches within its limits, results entry by entry."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.adapters import bus
from chalicelib.adapters.direct_calls import DirectCalls
from chalicelib.domain.errors import ThrottledError
from tests.integration.adapters.conftest import client

BUS = "order-event-bus-local"


def envelope(number: int, padding: int = 0) -> dict[str, Any]:
    return {
        "id": f"event-{number}", "source": "order.service", "type": "Order Placed", "version": 1,
        "orderId": f"ORD-{number}", "sequence": 1, "data": {"padding": "x" * padding},
    }  # fmt: skip


class ScriptedEvents:
    """PutEvents with scripted results: None accepts an entry, a text refuses it, an error fails the call."""

    def __init__(self, *calls: Exception | Sequence[str | None]) -> None:
        self._calls = list(calls)
        self.batches: list[list[Mapping[str, str]]] = []

    def put_events(self, Entries: list[Mapping[str, str]]) -> dict[str, Any]:
        self.batches.append(Entries)
        call = self._calls.pop(0) if self._calls else [None] * len(Entries)
        if isinstance(call, Exception):
            raise call
        results = [{"EventId": "1"} if code is None else {"ErrorCode": code} for code in call]
        return {"Entries": results, "FailedEntryCount": sum(code is not None for code in call)}


def throttled() -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException"}}, "PutEvents")


def test_the_bus_accepts_what_is_published() -> None:
    events = client("events")
    events.create_event_bus(Name=BUS)
    results = bus.EventBus(BUS, events).publish([envelope(1)])

    assert [result.accepted for result in results] == [True]


def test_entry_carries_source_type_and_the_whole_envelope() -> None:
    events = ScriptedEvents()
    bus.EventBus(BUS, events).publish([envelope(1)])
    [[entry]] = events.batches
    assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == (
        "order.service",
        "Order Placed",
        BUS,
    )
    assert json.loads(entry["Detail"]) == envelope(1)


def test_entries_are_matched_by_their_position() -> None:
    events = ScriptedEvents([None, "InternalFailure", None])
    results = bus.EventBus(BUS, events).publish([envelope(n) for n in range(3)])
    assert [result.error for result in results] == [None, "InternalFailure", None]


def test_batches_hold_ten_entries_at_most() -> None:
    events = ScriptedEvents()
    results = bus.EventBus(BUS, events).publish([envelope(n) for n in range(25)])
    assert [len(batch) for batch in events.batches] == [10, 10, 5]
    assert len(results) == 25


def test_batches_stay_below_the_size_limit_of_a_call() -> None:
    events = ScriptedEvents()
    bus.EventBus(BUS, events).publish([envelope(n, padding=100_000) for n in range(5)])
    assert [len(batch) for batch in events.batches] == [2, 2, 1]
    assert all(sum(map(bus.size_of, batch)) <= bus.BATCH_BYTES for batch in events.batches)


@pytest.mark.parametrize("fault", [throttled(), EndpointConnectionError(endpoint_url="https://events")])
def test_call_that_fails_as_a_whole_is_transient(fault: Exception) -> None:
    with pytest.raises(ThrottledError):
        bus.EventBus(BUS, ScriptedEvents(fault)).publish([envelope(1)])


def test_what_went_out_before_a_failing_call_is_not_forgotten() -> None:
    events = ScriptedEvents([None] * 10, throttled())
    results = bus.EventBus(BUS, events).publish([envelope(n) for n in range(12)])
    assert [result.accepted for result in results] == [True] * 10 + [False] * 2


class ScriptedDirect(DirectCalls):
    """The short way to the bus, with one scripted answer."""

    def __init__(self, answer: dict[str, Any] | None) -> None:
        self._answer = answer

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        return self._answer


def test_what_the_short_way_brought_is_not_sent_again() -> None:
    events = ScriptedEvents()
    direct = ScriptedDirect({"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, {"ErrorCode": "Busy"}]})
    results = bus.EventBus(BUS, events, direct).publish([envelope(1), envelope(2)])
    assert [result.error for result in results] == [None, "Busy"]
    assert events.batches == []


def test_what_the_short_way_did_not_bring_goes_by_the_client() -> None:
    events = ScriptedEvents([None])
    results = bus.EventBus(BUS, events, ScriptedDirect(None)).publish([envelope(1)])
    assert [result.accepted for result in results] == [True]
    assert len(events.batches) == 1


def test_missing_bus_fails_the_check() -> None:
    with pytest.raises(ClientError):
        bus.EventBus("no-such-bus", client("events")).check()
