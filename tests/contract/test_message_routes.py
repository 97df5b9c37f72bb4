"""Messages find their queue by type, and one without any attribute needs a way of its own.

https://docs.aws.amazon.com/sns/latest/dg/attribute-key-matching.html and
https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html; the policies are those of the template.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from scripts.deployment import fragments
from tests.contract.cloud import Cloud, Queue, eventually

BASE, BINDINGS = fragments.base()["Resources"], fragments.bindings()["Resources"]
ROUTES = {
    name: BASE[f"{name}QueueSubscription"]["Properties"]
    for name in ("Notifications", "CriticalAlerts", "UnroutedMessages", "UntypedMessages")
}
RECORDER = (
    "import boto3, json, os\n"
    "def handler(event, context):\n"
    "    for record in event['Records']:\n"
    "        boto3.client('sqs').send_message(QueueUrl=os.environ['URL'], MessageBody=record['body'])\n"
)


def subscribe(cloud: Cloud, topic: str, route: Mapping[str, Any]) -> Queue:
    queue = cloud.queue(VisibilityTimeout="60")
    attributes = {}
    if "FilterPolicy" in route:
        attributes = {
            "FilterPolicy": json.dumps(route["FilterPolicy"]),
            "FilterPolicyScope": route["FilterPolicyScope"],
        }
    cloud.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=attributes, ReturnSubscriptionArn=True
    )
    return queue


def publish(cloud: Cloud, topic: str, body: str, **attributes: str) -> None:
    named = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    cloud.client("sns").publish(TopicArn=topic, Message=body, MessageAttributes=named)


def bodies(queue: Queue, count: int) -> set[str]:
    return {queue.body()["Message"] for _ in range(count)}


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("Notifications", {"a notification"}),
        ("CriticalAlerts", {"an alert"}),
        ("UnroutedMessages", {"gossip", "a key and no type"}),
        ("UntypedMessages", {"a notification", "an alert", "gossip", "a key and no type", "bare"}),
    ],
)
def test_topic_sends_each_message_where_the_template_says(
    cloud: Cloud, route: str, expected: set[str]
) -> None:
    topic = cloud.topic()
    queue = subscribe(cloud, topic, ROUTES[route])
    publish(cloud, topic, "a notification", type="notification", key="k")
    publish(cloud, topic, "an alert", type="critical_alert")
    publish(cloud, topic, "gossip", type="gossip")
    publish(cloud, topic, "a key and no type", key="k")
    publish(cloud, topic, "bare")
    assert bodies(queue, len(expected)) == expected
    assert queue.depth() == 0


def test_mapping_of_the_catch_all_hands_over_only_what_has_no_type(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html"""
    seen, topic = cloud.queue(), cloud.topic()
    queue = subscribe(cloud, topic, ROUTES["UntypedMessages"])
    function = cloud.function(RECORDER, Environment={"Variables": {"URL": seen.url}}, Timeout=10)
    client = cloud.client("lambda")
    criteria = BINDINGS["UntypedMessagesMapping"]["Properties"]["FilterCriteria"]
    uuid = client.create_event_source_mapping(
        FunctionName=function, EventSourceArn=queue.arn, BatchSize=10, FilterCriteria=criteria
    )["UUID"]
    cloud.undo(lambda: client.delete_event_source_mapping(UUID=uuid))
    publish(cloud, topic, "an alert", type="critical_alert")
    publish(cloud, topic, "bare")
    publish(cloud, topic, "a key and no type", key="k")
    assert bodies(seen, 2) == {"bare", "a key and no type"}
    assert eventually(lambda: queue.depth() == 0)
    assert seen.depth() == 0


def test_operators_get_all_that_is_published_with_attributes_or_without(cloud: Cloud) -> None:
    topic = cloud.topic()
    route = BINDINGS["OperatorsNotificationsSubscription"]["Properties"]
    queue = subscribe(cloud, topic, route)
    publish(cloud, topic, "an alert", type="critical_alert", routedFrom="operational-alerts")
    publish(cloud, topic, "bare")
    assert bodies(queue, 2) == {"an alert", "bare"}
