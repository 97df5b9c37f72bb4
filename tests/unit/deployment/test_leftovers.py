"""What a deleted base stack left is found by name; what cannot be deleted is said."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from scripts import provision, teardown
from scripts.deployment import leftovers
from scripts.deployment.errors import DeploymentError
from scripts.deployment.stacks import Stack
from tests.unit.deployment.stages import stage

DEV = stage("dev", database_secret=None, create_database=True, vpc=None, subnets=None, security_groups=None)
LAKE, OTHERS = "order-lake-dev-123456789012", "order-lake-dev-123456789012-backup"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        session = boto3.Session("testing", "testing", region_name="eu-central-1")
        for name in (LAKE, OTHERS):
            where = {"LocationConstraint": "eu-central-1"}
            session.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
        session.client("secretsmanager").create_secret(Name="order-database-dev", SecretString="{}")
        yield session


def buckets(session: Any) -> list[str]:
    return [one["Name"] for one in session.client("s3").list_buckets()["Buckets"]]


def test_bucket_and_secret_without_a_stack_are_planned_and_removed(session: Any) -> None:
    assert teardown.plan(DEV, session) == [
        f"empty  AWS::S3::Bucket {LAKE}",
        "delete AWS::SecretsManager::Secret order-database-dev",
    ]
    teardown.apply(DEV, session)
    assert buckets(session) == [OTHERS]
    assert teardown.plan(DEV, session) == []


def test_secret_that_the_stage_brought_is_left_alone(session: Any) -> None:
    session.client("secretsmanager").create_secret(Name="shop-database", SecretString="{}")
    teardown.apply(stage("dev"), session)
    names = [one["Name"] for one in session.client("secretsmanager").list_secrets()["SecretList"]]
    assert sorted(names) == ["order-database-dev", "shop-database"]


def test_prod_keeps_what_an_earlier_stack_left(session: Any) -> None:
    teardown.apply(stage("prod"), session)
    assert buckets(session) == [LAKE, OTHERS]


def test_data_of_a_packaged_stage_is_not_removed(session: Any) -> None:
    Stack("orders-dev", session).apply({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}, {})
    for way in (teardown.plan, teardown.apply):
        with pytest.raises(DeploymentError, match="delete-stack --stack-name orders-dev"):
            way(DEV, session)
    assert LAKE in buckets(session)


def test_object_that_cannot_be_deleted_is_named_and_the_bucket_stays(session: Any) -> None:
    session.client("s3").put_object(Bucket=LAKE, Key="held", Body=b"x")
    with pytest.raises(DeploymentError, match="the first 'held': AccessDenied: held by a policy"):
        leftovers.remove(DEV, Holding(session))
    assert LAKE in buckets(session)


class Holding:
    """A session in which no object can be deleted; S3 says so in an answer of status 200."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def client(self, service_name: str) -> Any:
        client = self._session.client(service_name)
        if service_name == "s3":
            client.meta.events.register("after-call.s3.DeleteObjects", refuse_all)
        return client


def refuse_all(parsed: dict[str, Any], **_: Any) -> None:
    parsed["Errors"] = [{"Key": "held", "Code": "AccessDenied", "Message": "held by a policy"}]


@pytest.mark.parametrize(("name", "way_out"), [("dev", "scripts.teardown --stage dev"), ("prod", "import")])
def test_new_stack_is_refused_where_it_would_make_what_is_there(
    session: Any, name: str, way_out: str
) -> None:
    where = {"LocationConstraint": "eu-central-1"}
    s3 = session.client("s3")
    s3.create_bucket(Bucket="order-reports-prod-123456789012", CreateBucketConfiguration=where)
    with pytest.raises(DeploymentError, match=way_out):
        provision.apply(stage(name), session)
