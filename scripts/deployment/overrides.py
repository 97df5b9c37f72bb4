"""What a packaged template sets on Chalice's own resources; `register` does the same after a deploy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib import names
from chalicelib.config import GATEWAYS
from chalicelib.domain.money import SETTLED
from scripts.deployment import concurrency, filters, gateway
from scripts.deployment.deployed import logical_id
from scripts.deployment.fragments import Template
from scripts.deployment.functions import FUNCTIONS
from scripts.deployment.functions_config import FLAG, INVOKE, RETRY
from scripts.deployment.notifications import PUBLISHED
from scripts.deployment.owned import FAILURES
from scripts.deployment.policies import API_HANDLER
from scripts.deployment.settings import StageSettings

UNDELIVERED_ARN = {"Fn::GetAtt": ["BusDeliveryDlq", "Arn"]}
FAILURES_ARN = {"Fn::GetAtt": ["FunctionFailureDlq", "Arn"]}
IN_VPC = "JoinsVpc"
RESERVES = "ReservesConcurrency"  # a condition of bindings/lake.yaml

PARAMETERS: Mapping[str, Any] = {
    "MailFrom": {"Type": "String", "Description": "Address that SES may send from"},
    "Currency": {
        "Type": "String",
        "Default": "USD",
        "AllowedValues": list(SETTLED),
        "Description": "The settlement currency of the stage",
    },
    "PaymentGateway": {
        "Type": "String",
        "Default": "sandbox",
        "AllowedValues": list(GATEWAYS),
        "Description": "The payment gateway's adapter",
    },
    "AllowSandboxInProd": {
        "Type": "String",
        "Default": "0",
        "AllowedValues": ["0", "1"],
        "Description": "1: prod runs on the sandbox gateway, which takes no money; it refuses to otherwise",
    },
}


def functions(packaged: Template) -> dict[str, str]:
    """Logical ids of the app's functions by the name of the parameter that asks for their ARN."""
    kinds = {name: body["Type"] for name, body in packaged["Resources"].items()}
    logical = [name for name, kind in kinds.items() if kind == "AWS::Serverless::Function"]
    return {f"{'ApiHandler' if name == 'APIHandler' else name}FunctionArn": name for name in logical}


def made(packaged: Template, stack: Template, stage: StageSettings) -> dict[str, Any]:
    """The properties to merge over Chalice's resources, by logical id."""
    resources = packaged["Resources"]
    owners = _owners(stack)
    overrides: dict[str, Any] = {
        "RestAPI": {"Properties": _api(resources["RestAPI"]["Properties"], stage)},
    }
    for name, function in FUNCTIONS.items():
        logical = "APIHandler" if name == API_HANDLER else logical_id(name)
        if logical not in resources:
            continue
        events = resources[logical]["Properties"].get("Events", {})
        properties: dict[str, Any] = {
            "FunctionName": names.APP + f"-{stage.stage}"
            if name == API_HANDLER
            else names.function(name, stage.stage),
            "Environment": {"Variables": _environment(stage, events)},
        }
        if (reserved := concurrency.reserved(name, stage)) is not None:
            chosen = {"Fn::If": [RESERVES, reserved, {"Ref": "AWS::NoValue"}]}
            properties["ReservedConcurrentExecutions"] = chosen
        if function.database:
            properties["VpcConfig"] = {"Fn::If": [IN_VPC, _VPC, {"Ref": "AWS::NoValue"}]}
        if any(FAILURES in one for grant in function.grants for one in grant.resources):
            destination = {"OnFailure": {"Type": "SQS", "Destination": FAILURES_ARN}}
            properties["EventInvokeConfig"] = {**INVOKE, "DestinationConfig": destination}
        if events:
            limit = concurrency.bound(name, stage)
            properties["Events"] = {key: {"Properties": _event(one, limit)} for key, one in events.items()}
        fed = {owners[end] for one in events.values() for end in owners if _feeds(one, end)}
        depends = sorted(fed - {"OrderNotificationsTopic", "OperationalAlertsTopic"})
        overrides[logical] = {"Properties": properties, **({"DependsOn": depends} if depends else {})}
    return overrides


def notified(stack: Template, function: str = "StartCrawler") -> Template:
    """The stack with what `@app.on_s3_event` would have set, which `chalice package` cannot."""
    permission = f"{function}LakePermission"
    bucket = stack["Resources"]["OrderLakeBucket"]
    properties = bucket["Properties"]
    rules = [{"Name": name, "Value": value} for name, value in PUBLISHED.items()]
    call = {
        "Event": "s3:ObjectCreated:*",
        "Function": {"Fn::GetAtt": [function, "Arn"]},
        "Filter": {"S3Key": {"Rules": rules}},
    }
    notification = {**properties["NotificationConfiguration"], "LambdaConfigurations": [call]}
    depends = bucket.get("DependsOn", [])
    named = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Fn::GetAtt": [function, "Arn"]},
            "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com",
            "SourceAccount": {"Ref": "AWS::AccountId"},
            "SourceArn": {
                "Fn::Sub": ["arn:${AWS::Partition}:s3:::${Name}", {"Name": properties["BucketName"]}]
            },
        },
    }
    changed = {
        **bucket,
        "DependsOn": [*([depends] if isinstance(depends, str) else depends), permission],
        "Properties": {**properties, "NotificationConfiguration": notification},
    }
    return {**stack, "Resources": {**stack["Resources"], "OrderLakeBucket": changed, permission: named}}


_VPC = {
    "SubnetIds": {
        "Fn::If": [
            "MakesNetwork",
            [{"Ref": "PrivateSubnetA"}, {"Ref": "PrivateSubnetB"}],
            {"Ref": "SubnetIds"},
        ]
    },
    "SecurityGroupIds": {
        "Fn::If": ["MakesNetwork", [{"Ref": "FunctionSecurityGroup"}], {"Ref": "SecurityGroupIds"}]
    },
}


def _environment(stage: StageSettings, events: Mapping[str, Any]) -> dict[str, Any]:
    variables: dict[str, Any] = {
        "ORDER_NOTIFICATIONS_TOPIC_ARN": {"Ref": "OrderNotificationsTopic"},
        "OPERATIONAL_ALERTS_TOPIC_ARN": {"Ref": "OperationalAlertsTopic"},
        "LAKE_BUCKET": {"Fn::Sub": f"order-lake-{stage.stage}-${{AWS::AccountId}}"},
        "REPORTS_BUCKET": {"Fn::Sub": f"order-reports-{stage.stage}-${{AWS::AccountId}}"},
        "REPORT_WORKFLOW_ARN": {  # by name: a reference would be a circle, since the machine names functions
            "Fn::Sub": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:"
            + names.resource("report-workflow", stage.stage)
        },
        "MAIL_FROM": {"Ref": "MailFrom"},
        "OPERATORS_EMAIL": {"Ref": "OperatorsEmail"},
        "CURRENCY": {"Ref": "Currency"},
        "PAYMENT_GATEWAY": {"Ref": "PaymentGateway"},
        "ALLOW_SANDBOX_IN_PROD": {"Ref": "AllowSandboxInProd"},
        "DATABASE_SECRET": {"Ref": "DatabaseSecretName"},
        "DATABASE_HOST": {
            "Fn::If": ["MakesProxy", {"Fn::GetAtt": ["DatabaseProxy", "Endpoint"]}, {"Ref": "AWS::NoValue"}]
        },
    }
    if any(one["Type"] == "SQS" for one in events.values()):
        variables[FLAG] = "1"
    return variables


def _event(event: Mapping[str, Any], limit: int | None) -> dict[str, Any]:
    kind = event["Type"]
    if kind == "SQS":
        scaling = {"ScalingConfig": {"MaximumConcurrency": max(limit, 2)}} if limit else {}
        return {"FunctionResponseTypes": ["ReportBatchItemFailures"], **scaling}
    if kind == "SNS":
        policy = filters.of(_text(event["Properties"]["Topic"]))
        chosen = {"FilterPolicyScope": filters.SCOPE, "FilterPolicy": policy} if policy else {}
        return {"RedrivePolicy": {"deadLetterTargetArn": UNDELIVERED_ARN}, **chosen}
    return {"DeadLetterConfig": {"Arn": UNDELIVERED_ARN}, "RetryPolicy": RETRY}


def _text(value: Any) -> str:
    """The text of a value that may be an `Fn::Sub` of it."""
    return str(value["Fn::Sub"] if isinstance(value, Mapping) else value)


def _api(properties: Mapping[str, Any], stage: StageSettings) -> dict[str, Any]:
    responses = {}
    for kind in gateway.PROBLEMS:
        wanted = gateway.response(kind, stage.cors_allow_origin)
        responses[kind] = {key: value for key, value in wanted.items() if key != "responseType"}
    throttling = {"ThrottlingRateLimit": stage.throttle_rate, "ThrottlingBurstLimit": stage.throttle_burst}
    return {
        "Name": names.APP,
        "DefinitionBody": {"x-amazon-apigateway-gateway-responses": responses},
        "MethodSettings": [{"ResourcePath": "/*", "HttpMethod": "*", **throttling}],
    }


def _owners(stack: Template) -> dict[str, str]:
    """Logical id of each queue and topic by its name, which is a text once the stage is known."""
    keys = {"AWS::SQS::Queue": "QueueName", "AWS::SNS::Topic": "TopicName"}
    return {
        body["Properties"][keys[body["Type"]]]: logical
        for logical, body in stack["Resources"].items()
        if body["Type"] in keys
    }


def _feeds(event: Mapping[str, Any], name: str) -> bool:
    source = event["Properties"].get("Queue") or event["Properties"].get("Topic") or ""
    text = source.get("Fn::Sub", "") if isinstance(source, Mapping) else source
    return str(text).endswith(f":{name}")
