"""Gap: an alarm mixes all dimensions of its metric, knows no missing data, and tells the bus nothing.

docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html (datapoints, missing data) and
…/cloudwatch-and-eventbridge.html (the event). Windows end now, not on the minute.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import function_at

log = logging.getLogger("local_cloud.alarms")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "LessThanThreshold": lambda value, limit: value < limit,
    "LessThanOrEqualToThreshold": lambda value, limit: value <= limit,
}


def install(context: Context) -> None:
    from ministack.services import cloudwatch as cw

    function_at(cw, "_evaluate_alarm", "alarm")
    put = function_at(cw, "_put_metric_alarm", "params", "cbor_data", "is_cbor", "is_json")
    provision = function_at(cw, "cloudformation_put_metric_alarm", "alarm")
    dispatch = function_at(cw, "_dispatch_alarm_actions", "alarm", "old_state", "new_state", "reason")
    function_at(cw, "_stat_value", "stats", "stat_name", "points")
    function_at(cw, "_calc_stats", "points")

    def put_known(params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        if refusal := _refusal(cbor_data or {}):
            return cw._error("InvalidParameterValue", refusal, 400, use_json=is_json, use_cbor=is_cbor)
        return put(params, cbor_data, is_cbor, is_json)

    def provision_known(alarm: Mapping[str, Any]) -> None:
        if refusal := _refusal(alarm):
            raise ValueError(refusal)
        provision(alarm)

    def dispatch_and_tell(alarm: Any, old_state: str, new_state: str, reason: str) -> None:
        dispatch(alarm, old_state, new_state, reason)
        _emit(alarm, old_state, new_state, reason)

    cw._evaluate_alarm = lambda alarm: _evaluate(cw, alarm)
    cw._put_metric_alarm = put_known
    cw.cloudformation_put_metric_alarm = provision_known
    cw._dispatch_alarm_actions = dispatch_and_tell


def _refusal(alarm: Mapping[str, Any]) -> str | None:
    """Why the local engine cannot watch this alarm, if it cannot."""
    if alarm.get("Metrics"):
        return "The local engine has no alarms on metric math (Metrics)"
    operator = alarm.get("ComparisonOperator")
    if operator and operator not in _COMPARE:
        return f"The local engine has no alarms with ComparisonOperator {operator!r}"
    for field in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        for action in alarm.get(field) or []:
            if isinstance(action, str) and action.split(":")[2:3] != ["sns"]:
                return f"The local engine performs SNS actions only, not {action!r}"
    return None


def _evaluate(cw: Any, alarm: dict[str, Any]) -> None:
    name, namespace = alarm.get("MetricName"), alarm.get("Namespace")
    if not name or not namespace:
        return
    dimensions = cw._dims_from_list(alarm.get("Dimensions") or [])
    points = cw._metrics.get((namespace, name, cw._dims_key(dimensions))) or []
    values = _datapoints(cw, alarm, points, time.time())
    new = state(values, alarm)
    old = alarm["StateValue"]
    if new is None or new == old:
        return
    reason = f"Threshold Crossed: {values} against {alarm['ComparisonOperator']} {alarm['Threshold']:g}"
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cw._record_history(alarm["AlarmName"], old, new, reason)
    cw._dispatch_alarm_actions(alarm, old, new, reason)
    cw._evaluate_parent_alarms(alarm)


def _datapoints(cw: Any, alarm: Mapping[str, Any], points: Sequence[Any], now: float) -> list[float | None]:
    """The statistic of each of the last periods, newest first; None where nothing was measured."""
    period = int(alarm.get("Period") or 60)
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    found: list[float | None] = []
    for number in range(int(alarm.get("EvaluationPeriods") or 1)):
        end = now - number * period
        window = [p for p in points if end - period < p["Timestamp"] <= end]
        stats = cw._calc_stats(window) if window else {}
        found.append(cw._stat_value(stats, statistic, window) if stats else None)
    return found


def state(values: Sequence[float | None], alarm: Mapping[str, Any]) -> str | None:
    """The state that these datapoints mean; None to leave it as it is."""
    missing = alarm.get("TreatMissingData") or "missing"
    known = [value for value in values if value is not None]
    if not known and missing == "missing":
        return "INSUFFICIENT_DATA"
    if not known and missing == "ignore":
        return None
    compare = _COMPARE[alarm["ComparisonOperator"]]
    breaching = sum(compare(value, float(alarm["Threshold"])) for value in known)
    if missing == "breaching":
        breaching += len(values) - len(known)
    needed = int(alarm.get("DatapointsToAlarm") or len(values))
    return "ALARM" if breaching >= needed else "OK"


def _emit(alarm: Mapping[str, Any], old_state: str, new_state: str, reason: str) -> None:
    from ministack.services import eventbridge

    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    metric = {
        "namespace": alarm.get("Namespace"),
        "name": alarm.get("MetricName"),
        "dimensions": {d["Name"]: d["Value"] for d in alarm.get("Dimensions") or []},
    }
    stat = {"metric": metric, "period": alarm.get("Period"), "stat": alarm.get("Statistic")}
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": {"value": new_state, "reason": reason, "timestamp": stamp},
        "previousState": {"value": old_state},
        "configuration": {
            "description": alarm.get("AlarmDescription"),
            "metrics": [{"id": "m1", "metricStat": stat, "returnData": True}],
        },
    }
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(detail),
        "Resources": [alarm["AlarmArn"]],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
