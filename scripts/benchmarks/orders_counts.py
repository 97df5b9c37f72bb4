"""Counts what AWS would bill: functions' calls and durations, log bytes, transitions of executions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from scripts.benchmarks.orders_load import Executions

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutLogEvents.html
_LOG_EVENT_OVERHEAD = 26


@dataclass(frozen=True)
class Calls:
    """Calls of one function, their milliseconds in all, its memory in MB and the bytes that it logged."""

    calls: float
    milliseconds: float
    memory: int
    log_bytes: float

    @property
    def gb_seconds(self) -> float:
        return self.milliseconds / 1000 * self.memory / 1024

    def minus(self, earlier: "Calls | None") -> "Calls":
        if earlier is None:
            return self
        return Calls(
            self.calls - earlier.calls,
            self.milliseconds - earlier.milliseconds,
            self.memory,
            self.log_bytes - earlier.log_bytes,
        )


Counted = Mapping[str, Calls]


def functions(session: Any, names: Iterable[str]) -> Counted:
    """What the engine measured of each function since it started."""
    memory = {
        one["FunctionName"]: int(one.get("MemorySize", 128))
        for page in session.client("lambda").get_paginator("list_functions").paginate()
        for one in page["Functions"]
    }
    watch, logs = session.client("cloudwatch"), session.client("logs")
    return {
        name: Calls(
            _sum(watch, name, "Invocations"), _sum(watch, name, "Duration"), memory[name], _logged(logs, name)
        )
        for name in names
    }


def since(later: Counted, earlier: Counted) -> Counted:
    """What came on top, of the functions that were called at all."""
    found = {name: calls.minus(earlier.get(name)) for name, calls in later.items()}
    return {name: calls for name, calls in found.items() if calls.calls}


def _sum(watch: Any, function: str, metric: str) -> float:
    now = datetime.now(UTC)
    points = watch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=now - timedelta(hours=6),
        EndTime=now + timedelta(minutes=1),
        Period=86400,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def _logged(logs: Any, function: str) -> float:
    """Bytes as CloudWatch Logs counts them: the message and 26 bytes for each event."""
    group = f"/aws/lambda/{function}"
    try:
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    except logs.exceptions.ResourceNotFoundException:
        return 0.0
    size = 0
    for stream in streams:
        token: dict[str, str] = {}
        while True:
            page = logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True, **token
            )
            size += sum(len(e["message"].encode()) + _LOG_EVENT_OVERHEAD for e in page["events"])
            if not page["events"] or token.get("nextToken") == page["nextForwardToken"]:
                break
            token = {"nextToken": page["nextForwardToken"]}
    return float(size)


def transitions(client: Any, executions: Executions, sample: int = 25) -> float:
    """State transitions of an execution, on average over `sample` of them.

    Each state entered is one, and each retry, the states inside a Map included: a task counts by its
    scheduling, which a retry repeats, any other state by its entry.
    """
    chosen: Sequence[Any] = executions.found[:sample]
    return sum(_transitions(client, one["executionArn"]) for one in chosen) / len(chosen)


def _transitions(client: Any, execution: str) -> int:
    pages = client.get_paginator("get_execution_history").paginate(executionArn=execution)
    kinds: list[str] = [event["type"] for page in pages for event in page["events"]]
    others = sum(kind.endswith("StateEntered") and kind != "TaskStateEntered" for kind in kinds)
    return others + kinds.count("TaskScheduled") + kinds.count("LambdaFunctionScheduled")
