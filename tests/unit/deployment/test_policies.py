"""Policies: least privilege, concrete for a deploy, with pseudo parameters for a package."""

import json

import pytest

from scripts.deployment import policies
from scripts.deployment.functions import FUNCTIONS
from scripts.deployment.functions.model import Function, Grant, queue
from scripts.local_cloud.iam_check import Call, allows
from tests.unit.deployment.stages import stage


@pytest.mark.parametrize("name", FUNCTIONS)
def test_deployed_policy_names_account_and_region(name: str) -> None:
    text = json.dumps(policies.document(name, FUNCTIONS[name], stage()))
    assert "{" not in text.replace('{"', "").replace("{}", "")
    assert ":123456789012:" in text
    assert "${AWS" not in text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_packaged_policy_leaves_them_to_the_template(name: str) -> None:
    text = json.dumps(policies.document(name, FUNCTIONS[name], stage(), packaged=True))
    assert "123456789012" not in text
    assert "${AWS::AccountId}" in text


def test_both_forms_grant_the_same() -> None:
    values = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012"}

    def resolve(node: object) -> object:
        if isinstance(node, list):
            return [resolve(one) for one in node]
        if isinstance(node, dict) and node.keys() == {"Fn::Sub"}:
            text = node["Fn::Sub"]
            for name, value in values.items():
                text = text.replace(f"${{{name}}}", value)
            return text
        return {key: resolve(value) for key, value in node.items()} if isinstance(node, dict) else node

    for name, function in FUNCTIONS.items():
        packaged = resolve(policies.document(name, function, stage(), packaged=True))
        assert packaged == policies.document(name, function, stage())


def test_every_star_has_its_reason() -> None:
    with pytest.raises(ValueError, match="without a reason"):
        policies.document("x", Function((Grant(("sns:Publish",), ("*",)),)), stage())


def test_text_messages_go_to_telephones_and_to_no_topic_but_the_one_that_is_granted() -> None:
    document = policies.document("send-notification", FUNCTIONS["send-notification"], stage())
    topic = "arn:aws:sns:eu-central-1:123456789012:%s-prod"
    assert allowed(document, "sns:Publish", "+4915112345678")
    assert allowed(document, "sns:Publish", topic % "order-notifications")
    assert not allowed(document, "sns:Publish", topic % "operational-alerts")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_who_publishes_to_a_topic_may_use_its_key_and_nobody_else_may(name: str) -> None:
    document = policies.document(name, FUNCTIONS[name], stage())
    topic = "arn:aws:sns:eu-central-1:123456789012:%s-prod"
    topics = ("order-events", "order-notifications", "operational-alerts")
    publishes = any(allowed(document, "sns:Publish", topic % one) for one in topics)
    key = "arn:aws:kms:eu-central-1:123456789012:key/1234"
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        assert allowed(document, action, key) == publishes
    conditions = [one["Condition"] for one in document["Statement"] if "kms:Decrypt" in one["Action"]]
    assert conditions == [
        {
            "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/order-topics-prod"},
            "StringEquals": {"kms:ViaService": "sns.eu-central-1.amazonaws.com"},
        }
    ] * int(publishes)


def allowed(document: policies.Policy, action: str, resource: str) -> bool:
    return allows([document], Call("role/x", action, resource, allowed=True))


def test_actions_are_never_wildcards() -> None:
    actions = [action for one in FUNCTIONS.values() for grant in one.grants for action in grant.actions]
    assert [action for action in actions if "*" in action] == []


def test_only_database_functions_may_join_the_network_and_read_the_secret() -> None:
    plain = json.dumps(policies.document("x", Function(), stage()))
    joined = json.dumps(policies.document("x", Function(database=True), stage()))
    assert "ec2:CreateNetworkInterface" not in plain
    assert "secretsmanager:GetSecretValue" not in plain
    assert "ec2:CreateNetworkInterface" in joined
    assert "secret:shop-database-??????" in joined


def test_local_functions_join_no_network() -> None:
    from scripts.deployment import settings

    assert "ec2:" not in json.dumps(policies.document("x", Function(database=True), settings.local()))


def test_resource_is_of_the_stage() -> None:
    document = policies.document("x", Function((Grant(("sqs:SendMessage",), (queue("q"),)),)), stage("dev"))
    assert "arn:aws:sqs:eu-central-1:123456789012:q-dev" in json.dumps(document)


@pytest.mark.parametrize(
    ("region", "expected"),
    [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_partition_follows_the_region(region: str, expected: str) -> None:
    assert policies.partition(region) == expected


def test_log_group_is_the_functions_own() -> None:
    assert policies.logs("claim-order").resources[0].endswith("/aws/lambda/orders-{stage}-claim-order:*")
    assert policies.logs("api_handler").resources[0].endswith("/aws/lambda/orders-{stage}:*")
