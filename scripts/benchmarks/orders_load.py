"""Places orders over HTTP and waits for workflows: the same load for the app and for lesson 7's design."""

import http.client
import itertools
import json
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

# The lesson's own curl (lines 819-826), accepted by both. One copy more per order would be the same load.
BODY = {
    "customer": "Bob Smith",
    "amount": 499.99,
    "items": [{"product": "Gaming Console", "quantity": 1}, {"product": "Controller", "quantity": 2}],
}
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Posted:
    """Answers of one load: order ids of the 202s, statuses, milliseconds of each, seconds in all."""

    order_ids: Sequence[str]
    statuses: Sequence[int]
    milliseconds: Sequence[float]
    seconds: float
    started: float

    def percentile(self, part: float) -> float:
        return percentile(self.milliseconds, part)

    @property
    def per_second(self) -> float:
        return len(self.statuses) / self.seconds


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which `part` (0 to 1) of the values lie; the nearest one, not interpolated."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def post(url: str, keys: Sequence[str], clients: int = 1, *, pace: float = 0.0) -> Posted:
    """POST one order for each idempotency key, each client on its own connection, `pace` seconds apart."""
    local = threading.local()
    results: list[tuple[str, int, float]] = []
    guard, numbers = threading.Lock(), itertools.count()
    body = json.dumps(BODY).encode()
    target = urlsplit(url)

    def one(key: str) -> None:
        if pace:
            with guard:
                number = next(numbers)
            time.sleep(max(0.0, began + number * pace - time.perf_counter()))
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=120)
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        start = time.perf_counter()
        local.connection.request("POST", target.path + "/orders", body, headers)
        answer = local.connection.getresponse()
        said = json.loads(answer.read() or b"{}")
        results.append((said.get("orderId"), answer.status, (time.perf_counter() - start) * 1000))

    started, began = time.time(), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one, keys))
    seconds = time.perf_counter() - began
    return Posted(
        [one[0] for one in results if one[1] == 202],
        [one[1] for one in results],
        [one[2] for one in results],
        seconds,
        started,
    )


def keys(label: str, count: int) -> list[str]:
    """Idempotency keys that no other run of this benchmark used."""
    return [f"bench-{label}-{time.time_ns()}-{number}" for number in range(count)]


@dataclass(frozen=True)
class Executions:
    """Executions of one machine that were started since some moment."""

    found: Sequence[Mapping[str, Any]]

    def count(self, status: str) -> int:
        return sum(one["status"] == status for one in self.found)

    def last_end(self) -> float:
        return max(float(one["stopDate"].timestamp()) for one in self.found)

    def median_seconds(self) -> float:
        spent: list[float] = [(one["stopDate"] - one["startDate"]).total_seconds() for one in self.found]
        return statistics.median(spent)


def await_executions(client: Any, machine: str, since: float, wanted: int, seconds: float) -> Executions:
    """Wait until at least `wanted` executions started after `since` and none is running."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        running = client.list_executions(stateMachineArn=machine, statusFilter="RUNNING", maxResults=1)
        if not running["executions"]:
            found = executions(client, machine, since)
            if len(found.found) >= wanted and all(one["status"] in ENDED for one in found.found):
                return found
        time.sleep(0.2)
    raise TimeoutError(f"{machine}: not all of {wanted} executions ended in {seconds:.0f} s")


def executions(client: Any, machine: str, since: float) -> Executions:
    """Every execution of `machine` started at or after `since` (seconds of the epoch)."""
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
    listed = (one for page in pages for one in page["executions"])
    return Executions([one for one in listed if one["startDate"].timestamp() >= since - 0.001])
