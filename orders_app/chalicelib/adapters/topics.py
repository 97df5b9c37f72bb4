"""Tells operators: notifications of orders, and alerts that a person must act on."""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.clients import once_client, sent_once

SUBJECT_LIMIT = 100  # characters of ASCII: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html


class OperatorTopics:
    """The topics `order-notifications` and `operational-alerts`; subscribers filter by attribute `type`."""

    def __init__(self, notifications_arn: str, alerts_arn: str, sns: Any = None) -> None:
        self._notifications_arn = notifications_arn
        self._alerts_arn = alerts_arn
        self._sns = sns

    def notify(self, subject: str, text: str) -> str:
        """Publishes a notification for operators; returns its message id."""
        return self._publish(self._notifications_arn, "notification", subject, text)

    def alert(self, subject: str, details: Mapping[str, Any]) -> str:
        """Publishes a critical alert whose body is JSON; returns its message id."""
        body = json.dumps({"subject": subject, **details}, default=str, ensure_ascii=False)
        return self._publish(self._alerts_arn, "critical_alert", subject, body)

    def _publish(self, topic_arn: str, kind: str, subject: str, text: str) -> str:
        sns = self._sns or once_client("sns")
        with sent_once("Publish"):
            answer = sns.publish(
                TopicArn=topic_arn,
                Subject=plain_subject(subject),
                Message=text,
                MessageAttributes={"type": {"DataType": "String", "StringValue": kind}},
            )
        return str(answer["MessageId"])


def plain_subject(subject: str) -> str:
    """SNS refuses a subject that is not one line of ASCII."""
    return " ".join(subject.encode("ascii", "replace").decode().split())[:SUBJECT_LIMIT]
