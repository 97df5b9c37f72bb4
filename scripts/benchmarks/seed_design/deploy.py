"""Puts lesson 7's design on an account (the engine's), step by step; numbers are lines of the lesson."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

_HERE = Path(__file__).parent
_PATTERN = {"source": ["order.service"], "detail-type": ["Order Placed"]}


@dataclass(frozen=True)
class SeedDesign:
    """What a load needs to know: where POST /orders is, and which machine and topic to look at."""

    url: str
    machine: str
    functions: Mapping[str, str]
    environment: Mapping[str, str]


def deploy(session: boto3.Session, endpoint: str, processing_seconds: float) -> SeedDesign:
    """Create everything; `processing_seconds` stands for the second of line 416."""
    account = session.client("sts").get_caller_identity()["Account"]
    sns, events = session.client("sns"), session.client("events")
    topic = sns.create_topic(Name="order-events")["TopicArn"]  # 58
    notifications = sns.create_topic(Name="order-notifications")["TopicArn"]  # 67
    queue = _queues(session, topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)  # 158-161
    events.create_event_bus(Name="order-event-bus")  # 189
    rule = events.put_rule(
        Name="new-order-rule", EventBusName="order-event-bus", EventPattern=json.dumps(_PATTERN)
    )["RuleArn"]  # 192-198
    role = f"arn:aws:iam::{account}:role/lambda-url-shortener-role"
    processor = _function(session, role, "order-event-processor", {})  # 249-255
    _permit(session, processor, "events.amazonaws.com", rule)  # 262-267
    target = {"Id": "1", "Arn": processor}
    events.put_targets(Rule="new-order-rule", EventBusName="order-event-bus", Targets=[target])  # 270-273
    functions = {
        "validate-payment": _function(session, role, "validate-payment", {}),  # 459-465
        "check-inventory": _function(session, role, "check-inventory", {}),  # 471-477
        "process-order": _function(
            session, role, "process-order", {"PROCESSING_SECONDS": str(processing_seconds)}
        ),  # 483-489
        "send-notification": _function(
            session, role, "send-notification", {"NOTIFICATION_TOPIC_ARN": notifications}
        ),  # 497-504
    }
    machine = session.client("stepfunctions").create_state_machine(
        name="order-processing-workflow",
        definition=(_HERE / "state-machine.json").read_text().replace("ACCOUNT_ID", account),
        roleArn=f"arn:aws:iam::{account}:role/order-step-functions-role",
    )["stateMachineArn"]  # 580-586
    environment = {"STATE_MACHINE_ARN": machine}
    place = _function(session, role, "place-order", environment)  # 741-748
    url = f"{endpoint}/_aws/execute-api/{_api(session, place)}/prod"
    everything = {**functions, "place-order": place, "order-event-processor": processor}
    return SeedDesign(url, machine, everything, environment)


def set_processing(session: boto3.Session, seconds: float) -> None:
    """Measure with or without the simulated second."""
    session.client("lambda").update_function_configuration(
        FunctionName="process-order", Environment={"Variables": {"PROCESSING_SECONDS": str(seconds)}}
    )


def package() -> bytes:
    """`zip function.zip index.js` (240, 458, …): one file, and the SDK comes with the runtime."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        files.write(_HERE / "functions.py", "functions.py")
    return archive.getvalue()


def _queues(session: boto3.Session, topic: str) -> str:
    sqs = session.client("sqs")
    dlq = sqs.create_queue(
        QueueName="order-processing-dlq", Attributes={"MessageRetentionPeriod": "1209600"}
    )["QueueUrl"]  # 122-126
    dead = sqs.get_queue_attributes(QueueUrl=dlq, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = sqs.create_queue(QueueName="order-processing-queue")["QueueUrl"]  # 108
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": "3"})
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    attributes = {"RedrivePolicy": redrive, "Policy": policy}  # 140-144, 151-155
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return str(arn)


def _function(session: boto3.Session, role: str, name: str, variables: Mapping[str, str]) -> str:
    """No memory is set there, so it is Lambda's default of 128 MB."""
    created = session.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="functions." + name.replace("-", "_"),
        Code={"ZipFile": package()},
        Timeout=10,
        Environment={"Variables": dict(variables)},
    )
    return str(created["FunctionArn"])


def _permit(session: boto3.Session, function: str, principal: str, source: str) -> None:
    session.client("lambda").add_permission(
        FunctionName=function,
        StatementId=principal.split(".")[0],
        Action="lambda:InvokeFunction",
        Principal=principal,
        SourceArn=source,
    )


def _api(session: boto3.Session, function: str) -> str:
    """Lines 756-807."""
    gateway: Any = session.client("apigateway")
    api = gateway.create_rest_api(name="order-api", description="Order placement API")["id"]
    root = next(r["id"] for r in gateway.get_resources(restApiId=api)["items"] if r["path"] == "/")
    orders = gateway.create_resource(restApiId=api, parentId=root, pathPart="orders")["id"]
    method = {"restApiId": api, "resourceId": orders, "httpMethod": "POST"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(
        **method,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations",
    )
    account = function.split(":")[4]
    source = f"arn:aws:execute-api:us-east-1:{account}:{api}/*/*"
    _permit(session, function, "apigateway.amazonaws.com", source)
    gateway.create_deployment(restApiId=api, stageName="prod")
    return str(api)
