"""What Chalice owns and cannot set: reads the actual state, asks the pure planners, makes the calls."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib import names
from scripts.deployment import calls, concurrency, functions_config, gateway, notifications
from scripts.deployment.calls import Call, Session
from scripts.deployment.deployed import Deployed
from scripts.deployment.errors import DeploymentError
from scripts.deployment.functions import FUNCTIONS
from scripts.deployment.policies import partition
from scripts.deployment.settings import StageSettings

FAILURES, UNDELIVERED = "function-failure-dlq", "bus-delivery-dlq"


def plan(stage: StageSettings, session: Session, found: Deployed) -> list[Call]:
    """Every call that the deployed functions, subscriptions, rules and the API still need, in order."""
    return [*_mappings(stage, session, found), *_rest(stage, session, found)]


def apply(stage: StageSettings, session: Session, found: Deployed) -> None:
    """Make these calls. The flag of partial failures is set only when the mappings are in force."""
    calls.apply(_mappings(stage, session, found), session)
    _settle([one["event_uuid"] for one in found.queues()], session.client("lambda"))
    calls.apply(_rest(stage, session, found), session)


def _mappings(stage: StageSettings, session: Session, found: Deployed) -> list[Call]:
    client = session.client("lambda")
    mappings = [client.get_event_source_mapping(UUID=one["event_uuid"]) for one in found.queues()]
    limits = {} if stage.is_local else _concurrency(found.functions(), stage)
    return functions_config.mapping_calls(mappings, limits)


def _settle(mappings: Iterable[str], client: Any, seconds: float = 120.0) -> None:
    """Wait until no mapping is changing any more: before that, a partial answer would delete messages."""
    deadline = time.monotonic() + seconds
    for uuid in mappings:
        while (state := client.get_event_source_mapping(UUID=uuid)["State"]) not in ("Enabled", "Disabled"):
            if time.monotonic() > deadline:
                raise DeploymentError(
                    f"event source mapping {uuid!r} is still {state!r} after {seconds:.0f} s"
                )
            time.sleep(0.5)


def _rest(stage: StageSettings, session: Session, found: Deployed) -> list[Call]:
    lambda_, sns = session.client("lambda"), session.client("sns")
    consumers = sorted({one["lambda_arn"] for one in found.queues()})
    subscriptions = [one["subscription_arn"] for one in found.subscriptions()]
    attributes = {
        one: sns.get_subscription_attributes(SubscriptionArn=one)["Attributes"] for one in subscriptions
    }
    undelivered = _queue(UNDELIVERED, stage)
    return [
        *functions_config.flag_calls(
            lambda_.get_function_configuration(FunctionName=one) for one in consumers
        ),
        *functions_config.invoke_calls(
            _invoke_configs(lambda_, _asynchronous(found)), _queue(FAILURES, stage)
        ),
        *functions_config.subscription_calls(attributes, undelivered),
        *functions_config.filter_calls(attributes),
        *functions_config.rule_calls(_targets(session.client("events"), found.rules()), undelivered),
        *_gateway(stage, session.client("apigateway"), found.api()["rest_api_id"]),
        *_notifications(stage, session.client("s3"), found),
    ]


def _notifications(stage: StageSettings, client: Any, found: Deployed) -> list[Call]:
    topic = f"arn:{partition(stage.region)}:sns:{stage.region}:{stage.account}:"
    calls: list[Call] = []
    for one in found.buckets():
        wanted = notifications.wanted(
            one["lambda_arn"], topic + names.resource("raw-data-arrivals", stage.stage)
        )
        actual = client.get_bucket_notification_configuration(Bucket=one["bucket"])
        calls += notifications.calls(one["bucket"], actual, wanted)
    return calls


def _gateway(stage: StageSettings, client: Any, api: str) -> list[Call]:
    responses = client.get_gateway_responses(restApiId=api, limit=500)["items"]
    actual = client.get_stage(restApiId=api, stageName=stage.stage)
    return [
        *gateway.response_calls(api, stage.stage, responses, stage.cors_allow_origin),
        *gateway.throttle_calls(api, stage.stage, actual, stage.throttle_rate, stage.throttle_burst),
    ]


def _asynchronous(found: Deployed) -> list[str]:
    """Functions that something invokes without waiting: those whose role may write to the failures' queue."""
    return [
        arn
        for name, arn in found.functions().items()
        if name in FUNCTIONS
        and any(FAILURES in resource for grant in FUNCTIONS[name].grants for resource in grant.resources)
    ]


def _invoke_configs(client: Any, arns: Iterable[str]) -> dict[str, Mapping[str, Any] | None]:
    configs: dict[str, Mapping[str, Any] | None] = {}
    for arn in arns:
        try:
            configs[arn] = client.get_function_event_invoke_config(FunctionName=arn)
        except client.exceptions.ResourceNotFoundException:
            configs[arn] = None
    return configs


def _targets(client: Any, rules: Iterable[str]) -> dict[str, list[Mapping[str, Any]]]:
    return {rule: client.list_targets_by_rule(Rule=rule)["Targets"] for rule in rules}


def _concurrency(arns: Mapping[str, str], stage: StageSettings) -> dict[str, int]:
    limits = {name: concurrency.bound(name, stage) for name in FUNCTIONS}
    return {arns[name]: limit for name, limit in limits.items() if limit and name in arns}


def _queue(name: str, stage: StageSettings) -> str:
    arn = f"arn:{partition(stage.region)}:sqs:{stage.region}:{stage.account}:"
    return arn + names.resource(name, stage.stage)
