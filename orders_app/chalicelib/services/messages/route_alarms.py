"""Turns what comes to operational-alerts into typed messages: an alarm of CloudWatch cannot set attributes.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-notification.html
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib import logs
from chalicelib.domain.json_values import parsed
from chalicelib.services.messages.model import CRITICAL_ALERT, NOTIFICATION, Outgoing
from chalicelib.services.messages.ports import Topic

SOURCE = "operational-alerts"
_SAID = {
    "alarm": "AlarmName", "description": "AlarmDescription", "state": "NewStateValue",
    "reason": "NewStateReason", "time": "StateChangeTime", "region": "Region",
}  # fmt: skip


@dataclass(frozen=True)
class Notice:
    """One message of the topic operational-alerts."""

    message_id: str
    subject: str | None
    body: str


def route_alarms(topic: Topic, notices: Sequence[Notice]) -> int:
    """How many were published. The key is the alert's own id, so an alert that comes twice is stored once.

    An alarm that is over is a notification; everything else that is told here must page.
    """
    messages = [_message(notice) for notice in notices]
    topic.publish(messages)
    logs.info("alerts routed", count=len(messages))
    return len(messages)


def _message(notice: Notice) -> Outgoing:
    alarm = _alarm(notice.body)
    over = alarm is not None and alarm["state"] == "OK"
    return Outgoing(
        kind=NOTIFICATION if over else CRITICAL_ALERT,
        subject=notice.subject,
        body=notice.body if alarm is None else json.dumps(alarm, ensure_ascii=False),
        key=notice.message_id,
        attributes={"routedFrom": SOURCE},
    )


def _alarm(body: str) -> dict[str, Any] | None:
    """What an alarm says, in short; None where the message is none."""
    try:
        said = parsed(body)
    except ValueError:
        return None
    if not isinstance(said, Mapping) or not {"AlarmName", "NewStateValue"} <= said.keys():
        return None
    return {name: said.get(field) for name, field in _SAID.items()}
