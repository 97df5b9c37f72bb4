"""Stacks: a pure plan, and an idempotent apply that says which resource failed."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from scripts import provision, teardown
from scripts.deployment import fragments, stacks
from scripts.deployment.errors import DeploymentError
from scripts.deployment.stacks import Stack, State
from tests.unit.deployment.stages import stage

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "one"}}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "one"}}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.Session("testing", "testing", region_name="eu-central-1")


def state(resources: dict[str, Any], **parameters: str) -> State:
    return State("CREATE_COMPLETE", {"Resources": resources}, parameters, {})


def lines(*arguments: Any) -> list[str]:
    return [str(one) for one in stacks.plan(*arguments)]


def test_new_stack_adds_everything() -> None:
    assert lines({"Resources": {"Q": QUEUE}}, {}, None) == ["add    AWS::SQS::Queue Q"]


def test_equal_stack_has_nothing_to_change() -> None:
    assert lines({"Resources": {"Q": QUEUE}}, {"Stage": "dev"}, state({"Q": QUEUE}, Stage="dev")) == []


def test_plan_names_what_comes_what_changes_and_what_goes() -> None:
    wanted = {"Resources": {"Q": {**QUEUE, "Properties": {"QueueName": "two"}}, "T": TOPIC}}
    assert lines(wanted, {}, state({"Q": QUEUE, "Old": TOPIC})) == [
        "add    AWS::SNS::Topic T",
        "change AWS::SQS::Queue Q",
        "remove AWS::SNS::Topic Old",
    ]


def test_changed_parameter_is_in_the_plan() -> None:
    assert lines({"Resources": {}}, {"Days": "7"}, state({}, Days="30")) == ["change Parameter Days to '7'"]


def test_missing_parameters_are_named_together() -> None:
    template = {"Parameters": {"A": {"Type": "String"}, "B": {"Type": "String"}, "C": {"Default": "x"}}}
    with pytest.raises(DeploymentError, match=r"A, B$"):
        stacks.chosen(template, {"Other": "y"})


def test_apply_creates_then_updates_then_has_nothing_to_do(session: Any) -> None:
    stack = Stack("s", session)
    stack.apply({"Resources": {"Q": QUEUE}}, {})
    stack.apply({"Resources": {"Q": QUEUE, "T": TOPIC}}, {})
    stack.apply({"Resources": {"Q": QUEUE, "T": TOPIC}}, {})
    found = stack.read()
    assert found is not None
    assert lines({"Resources": {"Q": QUEUE, "T": TOPIC}}, {}, found) == []


def test_deleted_stack_is_gone_and_deleting_again_is_fine(session: Any) -> None:
    stack = Stack("s", session)
    stack.apply({"Resources": {"Q": QUEUE}}, {})
    stack.delete()
    stack.delete()
    assert stack.read() is None


def test_template_too_large_for_a_request_goes_through_the_bucket(session: Any) -> None:
    session.client("s3").create_bucket(
        Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    large = {"Resources": {"Q": QUEUE}, "Metadata": {"filler": "x" * stacks.INLINE_LIMIT}}
    with pytest.raises(DeploymentError, match="no bucket"):
        Stack("s", session).apply(large, {})
    Stack("s", session).apply(large, {}, "artifacts")
    assert session.client("sqs").get_queue_url(QueueName="one")["QueueUrl"]


def test_dry_run_of_a_stage_touches_nothing(session: Any) -> None:
    changes = provision.plan(stage(), session)
    assert {one.action for one in changes if isinstance(one, stacks.Change)} == {"add"}
    assert session.client("s3").list_buckets()["Buckets"] == []
    assert session.client("sqs").list_queues().get("QueueUrls", []) == []


def test_template_of_base_survives_the_way_through_cloudformation() -> None:
    template = fragments.base()
    assert json.loads(json.dumps(template)) == template


def test_teardown_of_prod_keeps_data_and_what_it_stands_on() -> None:
    base = fragments.base()
    kept = teardown.kept_part(base)["Resources"]
    assert {"OrderLakeBucket", "DatabaseCluster", "Network", "OrderDatabaseSecret"} <= kept.keys()
    assert not any(body["Type"].startswith(("AWS::SQS", "AWS::SNS", "AWS::Events")) for body in kept.values())
    references = json.dumps(kept)
    assert not [gone for gone in base["Resources"].keys() - kept.keys() if f'"{gone}"' in references]


def test_prod_wants_its_name_typed_and_dev_does_not() -> None:
    assert not teardown.confirmed(stage("prod"), lambda _: "yes")
    assert teardown.confirmed(stage("prod"), lambda _: "prod")
    assert teardown.confirmed(stage("dev"), lambda _: "")


def test_database_that_costs_by_the_hour_must_be_asked_for() -> None:
    own = stage(create_database=True, database_secret=None, vpc=None, subnets=None, security_groups=None)
    with pytest.raises(DeploymentError, match="--create-database"):
        provision.refuse_unasked_database(own, asked=False, exists=False)
    provision.refuse_unasked_database(own, asked=True, exists=False)
    provision.refuse_unasked_database(own, asked=False, exists=True)
    with pytest.raises(DeploymentError, match="brings its own database"):
        provision.refuse_unasked_database(stage(), asked=True, exists=False)
