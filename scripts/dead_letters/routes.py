"""Finds where a dead letter belongs, and takes it there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.dead_letters.letters import DeadLetter
from scripts.dead_letters.queues import DeadLetterQueues


class NoWayBackError(Exception):
    """Nothing says where this letter belongs, or it cannot be taken there."""


@dataclass(frozen=True)
class Route:
    """One delivery: `kind` is queue, topic, function or execution; `target` its URL or ARN."""

    kind: str
    target: str
    payload: str

    def __str__(self) -> str:
        return f"{self.kind} {self.target.rsplit('/', 1)[-1].rsplit(':', 1)[-1]}"


class Router:
    """Looks up rules, subscriptions and source queues; routes are made before anything is sent."""

    def __init__(self, session: Any, queues: DeadLetterQueues) -> None:
        self._session = session
        self._queues = queues

    def routes(self, url: str, letter: DeadLetter) -> list[Route]:
        """Usually one. Raises NoWayBackError."""
        if letter.origin == "rule":
            return [self._of_rule(letter)]
        if letter.origin == "function":
            if "requestPayload" not in letter.content:
                raise NoWayBackError("it does not hold what the function was invoked with")
            function = letter.content["requestContext"]["functionArn"].removesuffix(":$LATEST")
            return [Route("function", function, json.dumps(letter.content["requestPayload"]))]
        sources = self._queues.sources(url)
        if len(sources) == 1:
            return [Route("queue", sources[0], letter.body)]
        if letter.origin == "subscription":
            return self._of_subscription(letter)
        raise NoWayBackError(
            f"{len(sources)} queues have their dead letters here and it does not say its own"
        )

    def deliver(self, route: Route, letter: DeadLetter, reason: str) -> None:
        """Sends it on its way; a queue's message carries the reason along."""
        if route.kind == "queue":
            attributes = {**_own(letter.attributes), "RedriveReason": _text(reason)}
            self._client("sqs").send_message(
                QueueUrl=route.target, MessageBody=route.payload, MessageAttributes=attributes
            )
        elif route.kind == "topic":
            self._client("sns").publish(TopicArn=route.target, Message=route.payload)
        elif route.kind == "function":
            self._client("lambda").invoke(
                FunctionName=route.target, InvocationType="Event", Payload=route.payload.encode()
            )
        else:
            self._client("stepfunctions").start_execution(stateMachineArn=route.target, input=route.payload)

    def _of_rule(self, letter: DeadLetter) -> Route:
        target_arn = letter.attribute("TARGET_ARN") or ""
        target = self._target(letter.attribute("RULE_ARN") or "", target_arn)
        payload = _input(target, letter)
        service = target_arn.split(":")[2]
        if service == "sqs":
            name = target_arn.rsplit(":", 1)[-1]
            return Route("queue", self._client("sqs").get_queue_url(QueueName=name)["QueueUrl"], payload)
        kinds = {"sns": "topic", "lambda": "function", "states": "execution"}
        if service not in kinds:
            raise NoWayBackError(f"cannot deliver to a target of service {service!r}")
        return Route(kinds[service], target_arn, payload)

    def _target(self, rule_arn: str, target_arn: str) -> Mapping[str, Any]:
        """The rule's target as it is now: its input may have to be cut out of the event."""
        from botocore.exceptions import ClientError

        *bus, rule = rule_arn.partition(":rule/")[2].split("/")
        try:
            targets = self._client("events").list_targets_by_rule(
                Rule=rule, **({"EventBusName": bus[0]} if bus else {})
            )["Targets"]
        except ClientError as fault:
            raise NoWayBackError(f"rule {rule!r} is gone") from fault
        found: Mapping[str, Any] | None = next((t for t in targets if t["Arn"] == target_arn), None)
        if found is None:
            raise NoWayBackError(f"rule {rule!r} no longer has the target {target_arn}")
        return found

    def _of_subscription(self, letter: DeadLetter) -> list[Route]:
        """Its own subscription; where AWS's link does not say, all of the topic: consumers know repeats."""
        pages = self._client("sns").get_paginator("list_subscriptions_by_topic")
        subscriptions = [
            subscription
            for page in pages.paginate(TopicArn=letter.content["TopicArn"])
            for subscription in page["Subscriptions"]
            if subscription["Protocol"] in ("sqs", "lambda")
        ]
        own = [one for one in subscriptions if one["SubscriptionArn"] == letter.subscription_arn]
        routes = [self._to_subscriber(one, letter) for one in own or subscriptions]
        if not routes:
            raise NoWayBackError(f"topic {letter.content['TopicArn']} has no queue and no function")
        return routes

    def _to_subscriber(self, subscription: Mapping[str, str], letter: DeadLetter) -> Route:
        endpoint = subscription["Endpoint"]
        if subscription["Protocol"] == "sqs":
            name = endpoint.rsplit(":", 1)[-1]
            return Route("queue", self._client("sqs").get_queue_url(QueueName=name)["QueueUrl"], letter.body)
        notification = {"Subject": None, "MessageAttributes": {}, **letter.content}
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription["SubscriptionArn"],
            "Sns": notification,
        }
        return Route("function", endpoint, json.dumps({"Records": [record]}))

    def _client(self, service: str) -> Any:
        return self._session.client(service)


def _input(target: Mapping[str, Any], letter: DeadLetter) -> str:
    if "InputTransformer" in target:
        raise NoWayBackError("the target transforms its input; put the event on the bus again instead")
    if "Input" in target:
        return str(target["Input"])
    path = target.get("InputPath", "$")
    if path == "$":
        return letter.body
    event = letter.content
    try:
        for step in path.split(".")[1:]:
            event = event[step]
    except (KeyError, TypeError) as fault:
        raise NoWayBackError(f"the event has nothing at the target's input path {path!r}") from fault
    return json.dumps(event)


def _own(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The sender's attributes in the form that SQS takes; a message may have ten."""
    fields = ("DataType", "StringValue", "BinaryValue")
    kept = {
        name: {field: value[field] for field in fields if field in value}
        for name, value in attributes.items()
    }
    return dict(list(kept.items())[:9])


def _text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}
