"""The fragments keep their conventions, whoever writes them: see scripts/cloudformation/README.md."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts import check_asl, package, package_etl
from scripts.deployment import deployed, fragments
from scripts.deployment.errors import DeploymentError
from scripts.deployment.functions import FUNCTIONS
from tests.unit.deployment.stages import stage

BASE, BINDINGS = fragments.base(), fragments.bindings()
ALL: dict[str, Any] = {**BASE["Resources"], **BINDINGS["Resources"]}
RUNBOOKS = (fragments.ROOT / "docs" / "operations" / "runbooks.md").read_text()
ANCHORS = {
    re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
    for line in RUNBOOKS.splitlines()
    if line.startswith("#")
}


def of(kind: str) -> list[Any]:
    return [pytest.param(body["Properties"], id=name) for name, body in ALL.items() if body["Type"] == kind]


def is_dlq(queue: dict[str, Any]) -> bool:
    return "-dlq-" in json.dumps(queue["QueueName"])


@pytest.mark.parametrize("queue", of("AWS::SQS::Queue"))
def test_queue_is_encrypted_and_has_a_dead_letter_queue(queue: dict[str, Any]) -> None:
    assert queue["SqsManagedSseEnabled"] is True
    if is_dlq(queue):
        assert queue["MessageRetentionPeriod"] == 14 * 86_400
    else:
        assert "deadLetterTargetArn" in queue["RedrivePolicy"]
        assert queue["MessageRetentionPeriod"] < 14 * 86_400


@pytest.mark.parametrize("name", [n for n, b in ALL.items() if b["Type"] == "AWS::SQS::Queue"])
def test_dead_letter_queue_has_an_alarm_on_visible_messages(name: str) -> None:
    if not is_dlq(ALL[name]["Properties"]):
        return
    alarms = [
        body["Properties"]
        for body in ALL.values()
        if body["Type"] == "AWS::CloudWatch::Alarm"
        and body["Properties"].get("MetricName") == "ApproximateNumberOfMessagesVisible"
        and body["Properties"]["Dimensions"][0]["Value"] == {"Fn::GetAtt": [name, "QueueName"]}
    ]
    assert len(alarms) == 1


@pytest.mark.parametrize("alarm", of("AWS::CloudWatch::Alarm"))
def test_alarm_acts_and_names_its_runbook(alarm: dict[str, Any]) -> None:
    assert "OperationalAlertsTopic" in json.dumps(alarm["AlarmActions"])
    found = re.search(r"docs/operations/runbooks\.md#([a-z-]+)", alarm["AlarmDescription"])
    assert found is not None
    assert found[1] in ANCHORS


@pytest.mark.parametrize(
    "name", [n for n, b in ALL.items() if b["Type"] == "AWS::StepFunctions::StateMachine"]
)
def test_machine_that_fails_or_times_out_raises_an_alarm(name: str) -> None:
    watched = {
        body["Properties"]["MetricName"]: body["Properties"]["ComparisonOperator"]
        for body in ALL.values()
        if body["Type"] == "AWS::CloudWatch::Alarm"
        and body["Properties"].get("Namespace") == "AWS/States"
        and body["Properties"]["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": name}}]
    }
    assert {"ExecutionsFailed", "ExecutionsTimedOut"} <= watched.keys()
    assert set(watched.values()) == {"GreaterThanOrEqualToThreshold"}


@pytest.mark.parametrize("rule", of("AWS::Events::Rule"))
def test_target_has_a_dead_letter_queue_and_a_retry_policy(rule: dict[str, Any]) -> None:
    for target in rule["Targets"]:
        assert "Arn" in target["DeadLetterConfig"]
        assert target["RetryPolicy"].keys() == {"MaximumRetryAttempts", "MaximumEventAgeInSeconds"}


@pytest.mark.parametrize("subscription", of("AWS::SNS::Subscription"))
def test_subscription_has_a_dead_letter_queue_and_filters_bodies(subscription: dict[str, Any]) -> None:
    assert "deadLetterTargetArn" in subscription["RedrivePolicy"]
    if "FilterPolicy" in subscription:
        assert "FilterPolicyScope" in subscription


@pytest.mark.parametrize("topic", of("AWS::SNS::Topic"))
def test_topic_is_encrypted_with_the_key_that_its_publishers_may_use(topic: dict[str, Any]) -> None:
    assert topic["KmsMasterKeyId"] == {"Ref": "TopicsKey"}


def admitted(statement: dict[str, Any]) -> set[str]:
    """The services that a statement admits."""
    services = statement["Principal"].get("Service", [])
    return {services} if isinstance(services, str) else set(services)


POLICIES = {name: body["Properties"] for name, body in ALL.items() if "Policy" in body["Type"]}
OF_KEYS = [(n, s) for n, k in ALL.items() if k["Type"] == "AWS::KMS::Key"
           for s in k["Properties"]["KeyPolicy"]["Statement"]]  # fmt: skip
OF_TOPICS = [(n, s) for n, p in POLICIES.items() if "Topics" in p for s in p["PolicyDocument"]["Statement"]]


@pytest.mark.parametrize(("name", "statement"), OF_KEYS)
def test_key_admits_a_service_for_this_account_only_but_a_rule_without_any_condition(
    name: str, statement: dict[str, Any]
) -> None:
    # docs.aws.amazon.com/sns/latest/dg/sns-key-management.html: aws:SourceAccount, aws:SourceArn and
    # aws:SourceOrgID are "not supported for EventBridge-to-encrypted topics"
    services = admitted(statement)
    if "events.amazonaws.com" in services:
        assert services == {"events.amazonaws.com"}
        assert "Condition" not in statement
    elif services:
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize(("name", "statement"), OF_TOPICS)
def test_topic_admits_a_service_on_conditions_but_a_rule_without_any(
    name: str, statement: dict[str, Any]
) -> None:
    # docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html: no Condition blocks in
    # topic policies for EventBridge
    assert ("Condition" in statement) == ("events.amazonaws.com" not in admitted(statement))
    assert "Ref" in statement["Resource"]


def test_services_that_publish_may_use_the_topics_key() -> None:
    assert ALL["TopicsKey"]["Properties"]["EnableKeyRotation"] is True
    users = {one for _, statement in OF_KEYS for one in admitted(statement)}
    assert {one for _, statement in OF_TOPICS for one in admitted(statement)} <= users


@pytest.mark.parametrize("role", of("AWS::IAM::Role"))
def test_role_that_publishes_may_use_the_topics_key(role: dict[str, Any]) -> None:
    statements = [one for policy in role.get("Policies", []) for one in policy["PolicyDocument"]["Statement"]]
    actions = {
        action
        for one in statements
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }
    assert "sns:Publish" not in actions or {"kms:GenerateDataKey", "kms:Decrypt"} <= actions


def test_every_log_group_expires_and_those_of_the_job_and_the_database_are_among_them() -> None:
    groups = {
        json.dumps(body["Properties"]["LogGroupName"]): body["Properties"]["RetentionInDays"]
        for body in ALL.values()
        if body["Type"] == "AWS::Logs::LogGroup"
    }
    assert set(map(json.dumps, groups.values())) == {json.dumps({"Ref": "LogRetentionDays"})}
    prefix = ALL["EtlJob"]["Properties"]["DefaultArguments"]["--custom-logGroup-prefix"]["Fn::Sub"]
    wanted = {f"{prefix}/output", f"{prefix}/error", "/aws/rds/cluster/orders-${Stage}/postgresql"}
    assert {json.dumps({"Fn::Sub": name}) for name in wanted} <= groups.keys()


def test_the_job_takes_rows_in_the_currency_of_the_stage_alone() -> None:
    assert ALL["EtlJob"]["Properties"]["DefaultArguments"]["--currency"] == {"Ref": "Currency"}
    assert stage(currency="JPY").parameters()["Currency"] == "JPY"


@pytest.mark.parametrize("name", [n for n, b in ALL.items() if b["Type"] == "AWS::S3::Bucket"])
def test_bucket_is_private_encrypted_and_tls_only(name: str) -> None:
    bucket = ALL[name]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    assert bucket["LifecycleConfiguration"]["Rules"]
    # a first creation that failed leaves nothing behind that would stop the second
    assert (ALL[name]["DeletionPolicy"], ALL[name]["UpdateReplacePolicy"]) == (
        "RetainExceptOnCreate",
        "Retain",
    )
    policies = [
        body["Properties"]["PolicyDocument"]["Statement"]
        for body in ALL.values()
        if body["Type"] == "AWS::S3::BucketPolicy" and body["Properties"]["Bucket"] == {"Ref": name}
    ]
    denied = [one for statements in policies for one in statements if one["Effect"] == "Deny"]
    assert denied[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("machine", of("AWS::StepFunctions::StateMachine"))
def test_every_placeholder_of_a_machine_has_a_value_and_no_value_is_unused(machine: dict[str, Any]) -> None:
    named = set(check_asl.PLACEHOLDER.findall(machine["DefinitionString"]))
    assert named == set(machine.get("DefinitionSubstitutions", {}))


@pytest.mark.parametrize("machine", of("AWS::StepFunctions::StateMachine"))
def test_machine_may_invoke_exactly_the_functions_that_it_names(machine: dict[str, Any]) -> None:
    named = {
        value["Ref"]
        for value in machine.get("DefinitionSubstitutions", {}).values()
        if value.get("Ref", "").endswith("FunctionArn")
    }
    role = ALL[machine["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
    allowed = {
        resource["Ref"]
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "lambda:InvokeFunction" in statement["Action"]
        for resource in statement["Resource"]
    }
    assert allowed == named


@pytest.mark.parametrize("role", of("AWS::IAM::Role"))
def test_every_resource_is_granted_only_where_aws_knows_no_narrower(role: dict[str, Any]) -> None:
    for policy in role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            if statement["Resource"] == "*":
                assert all(
                    one.startswith(("logs:", "xray:", "cloudwatch:PutMetricData")) for one in actions
                ), statement["Sid"]
            assert not any(one == "*" or one.endswith(":*") for one in actions)


def test_every_parameter_of_the_bindings_has_a_source() -> None:
    outputs, given = BASE["Outputs"], stage().parameters()
    functions = {f"{deployed.logical_id(name)}FunctionArn" for name in FUNCTIONS} | {"RestApiId"}
    unknown = [
        name
        for name, body in BINDINGS["Parameters"].items()
        if name not in outputs and name not in given and name not in functions and "Default" not in body
    ]
    assert unknown == []


def test_visibility_timeout_is_six_times_the_consumers_timeout() -> None:
    for function in FUNCTIONS.values():
        for grant in function.grants:
            if grant.by_service and "sqs:ReceiveMessage" in grant.actions:
                name = grant.resources[0].rsplit(":", 1)[-1].replace("{stage}", "${Stage}")
                queues = [b["Properties"] for b in ALL.values() if b["Type"] == "AWS::SQS::Queue"]
                found = [one for one in queues if one["QueueName"] == {"Fn::Sub": name}]
                assert found, f"no queue {name!r}"
                assert found[0]["VisibilityTimeout"] >= 6 * function.timeout, name


def test_layer_of_the_checks_follows_their_runtime() -> None:
    layers = BINDINGS["Mappings"]["AwsWranglerLayers"]
    assert set(layers) == set(BINDINGS["Parameters"]["EtlRuntime"]["AllowedValues"])
    for python in package_etl.LAYER_VERSIONS:
        wanted = package_etl.layer_arn("us-east-1", python).split(":layer:")[1]
        assert layers[f"python{python}"]["Layer"] == wanted


def test_fragments_are_clean_under_cfn_lint() -> None:
    assert package.check_fragments() == []


def test_same_name_in_two_rooms_is_refused() -> None:
    one, other = {"Resources": {"Queue": {"Type": "A"}}}, {"Resources": {"Queue": {"Type": "A"}}}
    with pytest.raises(DeploymentError, match=r"'Queue' is in a\.yaml and in b\.yaml"):
        fragments.merge([("a.yaml", one), ("b.yaml", other)])


def test_parameter_may_be_repeated_while_the_rooms_agree() -> None:
    one, same = (
        {"Parameters": {"Stage": {"Type": "String"}}},
        {"Parameters": {"Stage": {"Type": "String", "Default": "x"}}},
    )
    assert fragments.merge([("a", one), ("b", same)])["Parameters"]["Stage"]["Default"] == "x"
    with pytest.raises(DeploymentError):
        fragments.merge([("a", one), ("b", {"Parameters": {"Stage": {"Type": "Number"}}})])


def test_short_tags_are_written_out(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("Resources:\n  A: {V: !Sub 'x-${S}', W: !GetAtt B.Arn, X: !If [C, !Ref D, y]}\n")
    assert fragments.read(file)["Resources"]["A"] == {
        "V": {"Fn::Sub": "x-${S}"},
        "W": {"Fn::GetAtt": ["B", "Arn"]},
        "X": {"Fn::If": ["C", {"Ref": "D"}, "y"]},
    }


def test_machine_file_that_is_missing_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("Resources:\n  A: {V: !File statemachines/none.asl.json}\n")
    with pytest.raises(DeploymentError, match=r"no file 'statemachines/none\.asl\.json'"):
        fragments.read(file)


def test_unknown_section_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("Resource: {}\n")
    with pytest.raises(DeploymentError, match="unknown sections"):
        fragments.read(file)
