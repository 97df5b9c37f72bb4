"""Gap: every invocation opens a log stream, streams grow for ever, and EMF lines make no metrics.

docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html (a stream for each execution environment)
docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import function_at

log = logging.getLogger("local_cloud.logs")
_STREAM_LIMIT = 10_000


class Measurement(NamedTuple):
    """One metric of one set of dimensions, as an EMF line gives it."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    unit: str
    values: list[float]


def install(context: Context) -> None:
    from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc

    append = function_at(cloudwatch_logs, "_append_log_events", "stream", "events")
    parameters = ("func", "request_id", "log_text", "error", "duration_ms", "log_source")
    others = function_at(lambda_svc, "_emit_lambda_logs", *parameters)
    stored = ("namespace", "name", "dims", "ts", "unit", "value", "values", "counts", "stat_values")
    store = function_at(cloudwatch, "_store_datum", *stored)

    def append_and_measure(stream: dict[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
        append(stream, events)
        if len(stream["events"]) > _STREAM_LIMIT:
            stream["events"] = stream["events"][_STREAM_LIMIT // 2 :]
        for event in events:
            for found in embedded_metrics(event["message"]):
                when = event["timestamp"] / 1000
                names = (found.namespace, found.name, found.dimensions)
                store(*names, when, found.unit, None, found.values, None, None)

    def emit(
        func: Any,
        request_id: str,
        log_text: str,
        error: bool,
        duration_ms: int,
        *,
        log_source: str | None = None,
    ) -> None:
        if not log_source or log_source == "rie":
            others(func, request_id, log_text, error, duration_ms, log_source=log_source)
            return
        _write(func.get("config") or func, log_source, _lines(func, request_id, log_text, duration_ms))

    cloudwatch_logs._append_log_events = append_and_measure
    lambda_svc._emit_lambda_logs = emit


def embedded_metrics(message: str) -> Iterator[Measurement]:
    """The metrics of one log line; none when it is not EMF, a warning when it is broken EMF."""
    if '"_aws"' not in message or not message.lstrip().startswith("{"):
        return
    try:
        line = json.loads(message)
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for names in directive.get("Dimensions") or [[]]:
                dimensions = {name: str(line[name]) for name in names}
                for metric in directive["Metrics"]:
                    value = line[metric["Name"]]
                    values = [float(v) for v in (value if isinstance(value, list) else [value])]
                    unit = metric.get("Unit", "None")
                    yield Measurement(directive["Namespace"], metric["Name"], dimensions, unit, values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("EMF line makes no metrics (%r): %.200s", error, message)


def _lines(func: Mapping[str, Any], request_id: str, text: str, duration_ms: int) -> list[str]:
    config = func.get("config") or func
    size = config.get("MemorySize", 128)
    return [
        f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}",
        *text.splitlines(),
        f"END RequestId: {request_id}",
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms} ms\tBilled Duration: {duration_ms} ms\t"
        f"Memory Size: {size} MB",
    ]


def _write(config: Mapping[str, Any], stream: str, lines: Sequence[str]) -> None:
    from ministack.services import cloudwatch_logs

    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    if group not in cloudwatch_logs._log_groups:
        cloudwatch_logs._create_log_group({"logGroupName": group})
    if stream not in cloudwatch_logs._log_groups[group]["streams"]:
        cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": line, "ingestionTime": now} for line in lines]
    cloudwatch_logs._append_log_events(cloudwatch_logs._log_groups[group]["streams"][stream], events)
    cloudwatch_logs._fanout_to_subscription_filters(group, stream, events)
