"""What exists for a stage, as plain data: to compare two ways of deployment, or to check one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scripts.deployment.calls import Session

Found = dict[str, Any]


def read(session: Session, stage: str) -> dict[str, Found]:
    """By kind, then by name: everything that carries the stage, without ids that no two accounts share."""
    return {kind: dict(sorted(reader(session, stage))) for kind, reader in READERS.items()}


def _queues(session: Session, stage: str) -> Iterator[tuple[str, Any]]:
    sqs = session.client("sqs")
    for page in sqs.get_paginator("list_queues").paginate():
        for url in page.get("QueueUrls", []):
            name = url.rsplit("/", 1)[-1]
            if _is_of(name, stage):
                attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
                kept = ("VisibilityTimeout", "MessageRetentionPeriod", "SqsManagedSseEnabled")
                texts = {
                    key: json.loads(attributes[key])
                    for key in ("RedrivePolicy", "Policy")
                    if key in attributes
                }
                yield name, {**{key: attributes.get(key) for key in kept}, **texts}


def _topics(session: Session, stage: str) -> Iterator[tuple[str, Any]]:
    sns = session.client("sns")
    for page in sns.get_paginator("list_topics").paginate():
        for topic in page["Topics"]:
            name = topic["TopicArn"].rsplit(":", 1)[-1]
            if _is_of(name, stage):
                yield name, {"subscriptions": sorted(_subscriptions(sns, topic["TopicArn"]), key=str)}


def _subscriptions(sns: Any, topic: str) -> Iterator[Found]:
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic):
        for one in page["Subscriptions"]:
            attributes = sns.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])["Attributes"]
            texts = {
                key: json.loads(attributes.get(key) or "{}") for key in ("FilterPolicy", "RedrivePolicy")
            }
            yield {"to": one["Endpoint"], "protocol": one["Protocol"], **texts}


def _rules(session: Session, stage: str) -> Iterator[tuple[str, Any]]:
    """By bus and by what they listen to: the names of Chalice's own rules differ between the two ways."""
    events = session.client("events")
    for bus in [one["Name"] for one in events.list_event_buses()["EventBuses"]]:
        if bus != "default" and not _is_of(bus, stage):
            continue
        for page in events.get_paginator("list_rules").paginate(EventBusName=bus):
            for rule in page["Rules"]:
                targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
                mine = [one for one in targets if f"-{stage}" in one["Arn"]]
                pattern = json.dumps(json.loads(rule.get("EventPattern") or "{}"), sort_keys=True)
                wakes = rule.get("ScheduleExpression") or pattern
                for target in mine:
                    kept = ("InputPath", "RetryPolicy", "DeadLetterConfig")
                    yield f"{bus} {wakes} {target['Arn']}", {key: target.get(key) for key in kept}


def _functions(session: Session, stage: str) -> Iterator[tuple[str, Any]]:
    client, iam = session.client("lambda"), session.client("iam")
    for page in client.get_paginator("list_functions").paginate():
        for one in page["Functions"]:
            name = one["FunctionName"]
            if f"orders-{stage}" not in name:
                continue
            variables = one.get("Environment", {}).get("Variables", {})
            mappings = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
            yield (
                name,
                {
                    "handler": one["Handler"],
                    "timeout": one["Timeout"],
                    "memory": one["MemorySize"],
                    "environment": variables,
                    "in the VPC": bool(one.get("VpcConfig", {}).get("SubnetIds")),
                    "failures": _invoke_config(client, name),
                    "queues": sorted((_mapping(mapping) for mapping in mappings), key=str),
                    "role": _policies(iam, one["Role"].rsplit("/", 1)[-1]),
                },
            )


def _mapping(mapping: Mapping[str, Any]) -> Found:
    kept = (
        "EventSourceArn",
        "BatchSize",
        "MaximumBatchingWindowInSeconds",
        "FunctionResponseTypes",
        "ScalingConfig",
    )
    return {key: mapping.get(key) for key in kept}


def _invoke_config(client: Any, name: str) -> str | None:
    configs = client.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
    return str(configs[0]["DestinationConfig"]["OnFailure"]["Destination"]) if configs else None


def _policies(iam: Any, role: str) -> list[Any]:
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return sorted((one["Statement"] for one in documents), key=str)


def _machines(session: Session, stage: str) -> Iterator[tuple[str, Any]]:
    client = session.client("stepfunctions")
    for page in client.get_paginator("list_state_machines").paginate():
        for one in page["stateMachines"]:
            if _is_of(one["name"], stage):
                found = client.describe_state_machine(stateMachineArn=one["stateMachineArn"])
                role = found["roleArn"].rsplit("/", 1)[-1]
                yield (
                    one["name"],
                    {
                        "definition": json.loads(found["definition"]),
                        "role": _policies(session.client("iam"), role),
                    },
                )


def _alarms(session: Session, stage: str) -> Iterator[tuple[str, Any]]:
    for page in session.client("cloudwatch").get_paginator("describe_alarms").paginate():
        for one in page["MetricAlarms"]:
            if _is_of(one["AlarmName"], stage):
                kept = (
                    "Namespace",
                    "MetricName",
                    "Dimensions",
                    "Threshold",
                    "AlarmActions",
                    "TreatMissingData",
                )
                yield one["AlarmName"], {key: one.get(key) for key in kept}


def _log_groups(session: Session, stage: str) -> Iterator[tuple[str, Any]]:
    for page in session.client("logs").get_paginator("describe_log_groups").paginate():
        for one in page["logGroups"]:
            if f"-{stage}" in one["logGroupName"]:
                yield one["logGroupName"], {"days": one.get("retentionInDays")}


def _buckets(session: Session, stage: str) -> Iterator[tuple[str, Any]]:
    s3 = session.client("s3")
    for one in s3.list_buckets()["Buckets"]:
        name = one["Name"]
        if f"-{stage}-" in name and not name.startswith("orders-artifacts"):
            yield (
                name,
                {
                    "policy": _bucket_policy(s3, name),
                    "encryption": s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"][
                        "Rules"
                    ],
                    "notifications": _notifications(s3, name),
                    "public": s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"],
                },
            )


def _bucket_policy(s3: Any, bucket: str) -> Any:
    try:
        return json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except s3.exceptions.ClientError:
        return None


def _notifications(s3: Any, bucket: str) -> list[Any]:
    found = s3.get_bucket_notification_configuration(Bucket=bucket)
    kinds = ("TopicConfigurations", "QueueConfigurations", "LambdaFunctionConfigurations")
    each = [
        {key: value for key, value in one.items() if key != "Id"}
        for kind in kinds
        for one in found.get(kind, [])
    ]
    return sorted(each, key=str)


def _glue(session: Session, stage: str) -> Iterator[tuple[str, Any]]:
    glue = session.client("glue")
    for page in glue.get_paginator("get_jobs").paginate():
        for one in page["Jobs"]:
            if _is_of(one["Name"], stage):
                yield (
                    f"job {one['Name']}",
                    {"arguments": one.get("DefaultArguments"), "command": one["Command"]},
                )
    for page in glue.get_paginator("get_crawlers").paginate():
        for one in page["Crawlers"]:
            if _is_of(one["Name"], stage):
                yield f"crawler {one['Name']}", {"targets": one["Targets"], "prefix": one.get("TablePrefix")}
    for page in glue.get_paginator("get_triggers").paginate():
        for one in page["Triggers"]:
            if _is_of(one["Name"], stage):
                yield (
                    f"trigger {one['Name']}",
                    {key: one.get(key) for key in ("Type", "Schedule", "State", "Actions")},
                )


def _secrets(session: Session, stage: str) -> Iterator[tuple[str, Any]]:
    for page in session.client("secretsmanager").get_paginator("list_secrets").paginate():
        for one in page["SecretList"]:
            if _is_of(one["Name"], stage):
                yield one["Name"], {}


def _api(session: Session, stage: str) -> Iterator[tuple[str, Any]]:
    client = session.client("apigateway")
    for page in client.get_paginator("get_rest_apis").paginate():
        for api in page["items"]:
            stages = {one["stageName"]: one for one in client.get_stages(restApiId=api["id"])["item"]}
            if stage not in stages:
                continue
            resources = client.get_resources(restApiId=api["id"], embed=["methods"], limit=500)["items"]
            routes = [
                f"{method} {one['path']}" for one in resources for method in one.get("resourceMethods", {})
            ]
            responses = client.get_gateway_responses(restApiId=api["id"], limit=500)["items"]
            own = {
                one["responseType"]: [one.get("statusCode"), one.get("responseTemplates")]
                for one in responses
                if not one.get("defaultResponse")
            }
            settings = stages[stage].get("methodSettings", {}).get("*/*", {})
            throttling = {key: settings.get(key) for key in ("throttlingRateLimit", "throttlingBurstLimit")}
            yield api["name"], {"routes": sorted(routes), "problems": own, "throttling": throttling}


def _is_of(name: str, stage: str) -> bool:
    return name.endswith(f"-{stage}")


READERS: Mapping[str, Callable[[Session, str], Iterator[tuple[str, Any]]]] = {
    "queues": _queues,
    "topics": _topics,
    "rules": _rules,
    "functions": _functions,
    "state machines": _machines,
    "alarms": _alarms,
    "log groups": _log_groups,
    "buckets": _buckets,
    "secrets": _secrets,
    "Glue": _glue,
    "APIs": _api,
}
