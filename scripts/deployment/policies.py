"""IAM policies by function: the grants of its room, its logs, its secret and its place in the VPC."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalicelib import names
from scripts.deployment.functions import Function, Grant
from scripts.deployment.settings import StageSettings

VPC = Grant(
    (
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    ),
    ("*",),
    why="Lambda checks its network permissions with a dry run that carries no resource",
    by_service=True,
)

TOPICS_KEY = Grant(  # SNS encrypts and decrypts a message in the name of who publishes it
    ("kms:GenerateDataKey", "kms:Decrypt"),
    ("arn:{partition}:kms:{region}:{account}:key/*",),
    condition={
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/order-topics-{stage}"},
        "StringEquals": {"kms:ViaService": "sns.{region}.amazonaws.com"},
    },
    by_service=True,
)

API_HANDLER = (
    "api_handler"  # Chalice's name for the function behind the REST API, deployed as `<app>-<stage>`
)

Policy = dict[str, Any]
Fill = Callable[[str], Any]


def document(name: str, function: Function, stage: StageSettings, packaged: bool = False) -> Policy:
    """The policy of one function. Packaged, account and region are pseudo parameters of the template."""
    fill = _pseudo(stage) if packaged else _concrete(stage)
    joins_vpc = function.database and not stage.is_local
    grants = [
        logs(name),
        *function.grants,
        *([TOPICS_KEY] if any(map(_publishes, function.grants)) else []),
        *([secret(stage)] if function.database else []),
        *([VPC] if joins_vpc else []),
    ]
    return {"Version": "2012-10-17", "Statement": [_statement(one, fill) for one in grants]}


def _publishes(grant: Grant) -> bool:
    return "sns:Publish" in grant.actions and bool(grant.resources)


def logs(name: str) -> Grant:
    """Write to the function's own log group, which Chalice makes."""
    deployed = names.APP + "-{stage}" + ("" if name == API_HANDLER else f"-{name}")
    group = "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/" + deployed
    return Grant(("logs:CreateLogStream", "logs:PutLogEvents"), (group + ":*",), by_service=True)


def secret(stage: StageSettings) -> Grant:
    """Read the database's secret; AWS adds six random characters to the name in its ARN."""
    by_name = "arn:{partition}:secretsmanager:{region}:{account}:secret:{secret}-??????"
    return Grant(("secretsmanager:GetSecretValue",), (stage.database_secret_arn or by_name,))


def _statement(grant: Grant, fill: Fill) -> dict[str, Any]:
    if ("*" in grant.resources or grant.all_but) and not grant.why:
        raise ValueError(f"{grant.actions!r} on every resource, without a reason")
    resources: Sequence[Any] = [one if one == "*" else fill(one) for one in grant.all_but or grant.resources]
    element = "NotResource" if grant.all_but else "Resource"
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(grant.actions), element: resources}
    if grant.condition:
        statement["Condition"] = {
            test: {key: fill(value) for key, value in keys.items()} for test, keys in grant.condition.items()
        }
    return statement


def _concrete(stage: StageSettings) -> Fill:
    values = {
        "partition": partition(stage.region),
        "region": stage.region,
        "account": stage.account,
        "stage": stage.stage,
        "mail_from": stage.mail_from,
        "secret": stage.secret_name,
    }
    return lambda text: text.format_map(values)


def _pseudo(stage: StageSettings) -> Fill:
    values: Mapping[str, str] = {
        "partition": "${AWS::Partition}",
        "region": "${AWS::Region}",
        "account": "${AWS::AccountId}",
        "stage": stage.stage,
        "mail_from": stage.mail_from,
        "secret": stage.secret_name,
    }

    def fill(text: str) -> Any:
        filled = text.format_map(values)
        return {"Fn::Sub": filled} if "${" in filled else filled

    return fill


def partition(region: str) -> str:
    """The partition of a region: China and GovCloud have their own."""
    return {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}.get(region[: region.rfind("-", 0, -2) + 1], "aws")
