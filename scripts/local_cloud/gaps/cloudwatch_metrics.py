"""Gap: nothing measures queues, functions are measured only when called by Invoke, alarms sleep in between.

docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html and
docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html; every second here, every minute there.
"""

import logging
import threading
import time
from collections.abc import Iterable
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import function_at

log = logging.getLogger("local_cloud.metrics")
_EVERY = 1.0
_MERGE_SECONDS = 5.0  # points this near to each other become one statistic set, so that memory stays small


def install(context: Context) -> None:
    from ministack.services import cloudwatch, lambda_svc

    function_at(cloudwatch, "record_metric", "namespace", "metric_name", "value", "unit", "dimensions")
    cloudwatch.record_metric = record
    _measure_every_invocation(lambda_svc)
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(stop,), daemon=True, name="cloudwatch")
    watcher.start()
    context.on_stop.append(stop.set)


def record(
    namespace: str,
    metric_name: str,
    value: float,
    unit: str = "None",
    dimensions: dict[str, str] | None = None,
) -> None:
    """One measurement of the current account, merged into the last point while that is fresh."""
    from ministack.services import cloudwatch

    named = dict(dimensions or {})
    points = cloudwatch._metric_bucket((namespace, metric_name, cloudwatch._dims_key(named)))
    now = time.time()
    last = points[-1] if points else None
    if last and "_stat" in last and now - last["Timestamp"] < _MERGE_SECONDS:
        stat = last["_stat"]
        stat["SampleCount"] += 1
        stat["Sum"] += value
        stat["Minimum"] = min(stat["Minimum"], value)
        stat["Maximum"] = max(stat["Maximum"], value)
        last["Value"] = stat["Sum"] / stat["SampleCount"]
        return
    stat = {"SampleCount": 1.0, "Sum": float(value), "Minimum": float(value), "Maximum": float(value)}
    points.append({"Timestamp": now, "Value": float(value), "Unit": unit, "Dimensions": named, "_stat": stat})


def _measure_every_invocation(lambda_svc: Any) -> None:
    parameters = ("func", "config", "event", "request_id", "started")
    dispatch = function_at(lambda_svc, "_execute_function_dispatch", *parameters)
    emit = function_at(
        lambda_svc, "_emit_lambda_metrics", "function_name", "duration_ms", "error", "throttle"
    )

    def measured(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        result = dispatch(func, config, event, request_id, started)
        name, spent = config.get("FunctionName", "?"), (time.time() - started) * 1000
        throttled = bool(result.get("throttle"))
        emit(name, spent, bool(result.get("error")) and not throttled, throttled)
        return result

    def only_throttles(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        """The engine's own calls: `measured` counts everything that ran, these never ran."""
        if throttle and duration_ms == 0:
            emit(function_name, duration_ms, error, throttle)

    lambda_svc._execute_function_dispatch = measured
    lambda_svc._emit_lambda_metrics = only_throttles


def _watch(stop: threading.Event) -> None:
    from ministack.core.responses import set_request_account_id, set_request_region
    from ministack.services import cloudwatch, sqs

    while not stop.wait(_EVERY):
        try:
            for (account, region, *_), queue in list(sqs._queues.all_items()):
                set_request_account_id(account)
                set_request_region(region)
                for name, value in _depths(sqs, queue):
                    record("AWS/SQS", name, value, "Count", {"QueueName": queue["name"]})
            for (account, region, *_), alarm in list(cloudwatch._alarms.all_items()):
                set_request_account_id(account)
                set_request_region(region)
                cloudwatch._evaluate_alarm(alarm)
        except Exception:
            log.exception("measuring queues or evaluating alarms failed")


def _depths(sqs: Any, queue: Any) -> Iterable[tuple[str, float]]:
    sqs._refresh_counts(queue)
    counts = queue["attributes"]
    yield "ApproximateNumberOfMessagesVisible", float(counts["ApproximateNumberOfMessages"])
    yield "ApproximateNumberOfMessagesNotVisible", float(counts["ApproximateNumberOfMessagesNotVisible"])
    yield "ApproximateNumberOfMessagesDelayed", float(counts["ApproximateNumberOfMessagesDelayed"])
    oldest = min((m.get("sent_at", time.time()) for m in list(queue["messages"])), default=None)
    yield "ApproximateAgeOfOldestMessage", time.time() - oldest if oldest else 0.0
