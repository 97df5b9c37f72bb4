"""What Glue tells the rest of the account: events on the default bus, and lines in CloudWatch Logs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.local_cloud.seams import function_at, value_at


def check_seams() -> None:
    from ministack.services import cloudwatch_logs, eventbridge

    function_at(eventbridge, "_put_events", "data", "allow_aws_source")
    value_at(cloudwatch_logs, "_log_groups", object)
    for name in ("_create_log_group", "_create_log_stream", "_put_log_events"):
        function_at(cloudwatch_logs, name, "data")


def emit(detail_type: str, detail: Mapping[str, Any], resources: Sequence[str] = ()) -> None:
    """Put one `aws.glue` event on the default bus, as only AWS itself may."""
    from ministack.services import eventbridge

    entry = {
        "Source": "aws.glue",
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": list(resources),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def write_log(group: str, stream: str, lines: Sequence[str], at_ms: int) -> None:
    """Append lines to a log stream, made on first use."""
    from ministack.services import cloudwatch_logs as logs

    if group not in logs._log_groups:
        logs._create_log_group({"logGroupName": group})
    if stream not in logs._log_groups[group]["streams"]:
        logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    events = [{"timestamp": at_ms, "message": line} for line in lines]
    if events:
        logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": events})
