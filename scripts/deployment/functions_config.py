"""What functions need and Chalice cannot set: batch failures, destinations of failures, dead letters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from scripts.deployment import filters
from scripts.deployment.calls import Call

FLAG = "PARTIAL_BATCH_RESPONSES"
INVOKE = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 21_600}
RETRY = {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400}


def mapping_calls(mappings: Iterable[Mapping[str, Any]], concurrency: Mapping[str, int]) -> list[Call]:
    """Partial batch failures on every queue, and no more batches at once than the function may run.

    `concurrency` is by function ARN; SQS allows 2 to 1,000.
    """
    calls = []
    for mapping in mappings:
        arn = mapping["FunctionArn"]
        arguments: dict[str, Any] = {}
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            arguments["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
        limit = concurrency.get(arn)
        if limit and mapping.get("ScalingConfig", {}).get("MaximumConcurrency") != max(limit, 2):
            arguments["ScalingConfig"] = {"MaximumConcurrency": max(limit, 2)}
        if arguments:
            says = f"set {', '.join(arguments)} on the queue of {_name(arn)}"
            calls.append(
                Call(says, "lambda", "update_event_source_mapping", {"UUID": mapping["UUID"], **arguments})
            )
    return calls


def flag_calls(configurations: Iterable[Mapping[str, Any]]) -> list[Call]:
    """The flag by which a consumer knows that its mapping understands partial failures; set after it."""
    calls = []
    for configuration in configurations:
        name = configuration["FunctionName"]
        variables = configuration.get("Environment", {}).get("Variables", {})
        if variables.get(FLAG) != "1":
            wanted = {"FunctionName": name, "Environment": {"Variables": {**variables, FLAG: "1"}}}
            calls.append(Call(f"set {FLAG}=1 on {name}", "lambda", "update_function_configuration", wanted))
    return calls


def invoke_calls(actual: Mapping[str, Mapping[str, Any] | None], queue_arn: str) -> list[Call]:
    """What asynchronous invocations that failed for good leave behind, by function ARN."""
    wanted = {**INVOKE, "DestinationConfig": {"OnFailure": {"Destination": queue_arn}}}
    return [
        Call(
            f"send failed events of {_name(arn)} to its dead letters",
            "lambda",
            "put_function_event_invoke_config",
            {"FunctionName": arn, **wanted},
        )
        for arn, config in actual.items()
        if not _has(config or {}, wanted)
    ]


def subscription_calls(actual: Mapping[str, Mapping[str, str]], queue_arn: str) -> list[Call]:
    """A dead-letter queue on Chalice's own subscriptions, by subscription ARN with its attributes."""
    policy = {"deadLetterTargetArn": queue_arn}
    return [
        Call(
            f"give a subscription of {arn.rsplit(':', 2)[-2]} a dead-letter queue",
            "sns",
            "set_subscription_attributes",
            {
                "SubscriptionArn": arn,
                "AttributeName": "RedrivePolicy",
                "AttributeValue": json.dumps(policy),
            },
        )
        for arn, attributes in actual.items()
        if json.loads(attributes.get("RedrivePolicy") or "{}") != policy
    ]


def filter_calls(actual: Mapping[str, Mapping[str, str]]) -> list[Call]:
    """The filter of Chalice's own subscriptions that have one, by subscription ARN with its attributes."""
    found = []
    for arn, attributes in actual.items():
        policy = filters.of(arn.rsplit(":", 1)[0])
        if policy is None:
            continue
        if attributes.get("FilterPolicyScope") != filters.SCOPE:
            found.append(_attribute(arn, "filter by the body", "FilterPolicyScope", filters.SCOPE))
        if json.loads(attributes.get("FilterPolicy") or "{}") != policy:
            found.append(_attribute(arn, "filter the messages", "FilterPolicy", json.dumps(policy)))
    return found


def _attribute(arn: str, what: str, name: str, value: str) -> Call:
    return Call(
        f"{what} of a subscription of {arn.rsplit(':', 2)[-2]}",
        "sns",
        "set_subscription_attributes",
        {"SubscriptionArn": arn, "AttributeName": name, "AttributeValue": value},
    )


def rule_calls(actual: Mapping[str, Iterable[Mapping[str, Any]]], queue_arn: str) -> list[Call]:
    """A dead-letter queue and a retry policy on the targets of Chalice's own rules, by rule name."""
    extra = {"DeadLetterConfig": {"Arn": queue_arn}, "RetryPolicy": RETRY}
    return [
        Call(
            f"give rule {rule} a dead-letter queue",
            "events",
            "put_targets",
            {"Rule": rule, "Targets": [{**target, **extra} for target in targets]},
        )
        for rule, targets in actual.items()
        if not all(_has(target, extra) for target in targets)
    ]


def _has(actual: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether every wanted value is there, at any depth; what AWS adds of its own does not matter."""
    return all(
        _has(actual.get(key) or {}, value) if isinstance(value, Mapping) else actual.get(key) == value
        for key, value in wanted.items()
    )


def _name(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]
