"""What comes to operational-alerts leaves it as a typed message."""

import json
from typing import Any

import pytest

from chalicelib.domain.errors import ThrottledError
from chalicelib.services.messages.route_alarms import Notice, route_alarms
from tests.unit.messages.builders import FakeTopic


def alarm(state: str) -> str:
    return json.dumps(
        {
            "AlarmName": "order-processing-dlq-visible-local", "AlarmDescription": "Runbook: …",
            "NewStateValue": state, "NewStateReason": "Threshold Crossed", "OldStateValue": "OK",
            "StateChangeTime": "2026-11-20T12:00:00.000+0000", "Region": "US East (N. Virginia)",
            "Trigger": {"MetricName": "ApproximateNumberOfMessagesVisible"},
        }
    )  # fmt: skip


def routed(body: str, subject: str | None = "Subject") -> Any:
    topic = FakeTopic()
    assert route_alarms(topic, [Notice("sns-1", subject, body)]) == 1
    return topic.sent[0]


def test_alarm_becomes_a_critical_alert_that_says_what_rang() -> None:
    message = routed(alarm("ALARM"))
    assert (message.kind, message.key) == ("critical_alert", "sns-1")
    assert json.loads(message.body)["alarm"] == "order-processing-dlq-visible-local"
    assert "Trigger" not in json.loads(message.body)


def test_alarm_that_is_over_is_a_notification() -> None:
    assert routed(alarm("OK")).kind == "notification"
    assert routed(alarm("INSUFFICIENT_DATA")).kind == "critical_alert"


@pytest.mark.parametrize(
    "body",
    [
        "plain words",
        "[1]",
        '"OK"',
        "[" * 100_000,
        json.dumps({"subject": "Compensation failed", "orderId": "ORD-1"}),
    ],
)
def test_every_other_alert_is_passed_on_as_it_is(body: str) -> None:
    message = routed(body, None)
    assert (message.kind, message.body, message.subject) == ("critical_alert", body, None)


def test_routed_messages_say_where_they_come_from() -> None:
    assert routed("x").attributes == {"routedFrom": "operational-alerts"}


def test_alert_that_could_not_be_passed_on_raises_so_that_lambda_tries_again() -> None:
    with pytest.raises(ThrottledError):
        route_alarms(FakeTopic(fault=ThrottledError("slow down")), [Notice("sns-1", None, "x")])
