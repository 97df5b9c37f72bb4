"""Our buckets are private, encrypted and over TLS only; what others have set on one stays."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from scripts.deployment import artifacts, calls, private_bucket, settings
from scripts.deployment.errors import DeploymentError
from tests.unit.deployment.stages import stage

STAGE = stage(region="us-east-1")
RULES = [private_bucket.superseded(30)]
LARGE = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Metadata": "x" * 60_000}}}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.Session("test", "test", region_name="us-east-1")


def made(session: Any, name: str = "fresh") -> Any:
    calls.apply(private_bucket.plan(STAGE, name, session, RULES), session)
    return session.client("s3")


def test_bucket_is_private_encrypted_over_tls_only_and_has_a_lifecycle(session: Any) -> None:
    s3 = made(session)
    assert (
        s3.get_public_access_block(Bucket="fresh")["PublicAccessBlockConfiguration"] == private_bucket.LOCKED
    )
    (rule,) = s3.get_bucket_encryption(Bucket="fresh")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (statement,) = json.loads(s3.get_bucket_policy(Bucket="fresh")["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert [one["ID"] for one in s3.get_bucket_lifecycle_configuration(Bucket="fresh")["Rules"]] == [
        "superseded-expire"
    ]


def test_second_time_nothing_is_left_to_do(session: Any) -> None:
    made(session)
    assert private_bucket.plan(STAGE, "fresh", session, RULES) == []


def test_what_others_have_set_stays_and_ours_is_mended(session: Any) -> None:
    s3 = made(session)
    theirs = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
              "Resource": "arn:aws:s3:::fresh/locked/*"}  # fmt: skip
    broken = {**private_bucket.over_tls(STAGE, "fresh"), "Effect": "Allow"}
    policy = {"Version": "2012-10-17", "Statement": [broken, theirs]}
    s3.put_bucket_policy(Bucket="fresh", Policy=json.dumps(policy))
    rule = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="fresh", LifecycleConfiguration={"Rules": [rule]})

    planned = private_bucket.plan(STAGE, "fresh", session, RULES)
    assert [one.operation for one in planned] == ["put_bucket_lifecycle_configuration", "put_bucket_policy"]
    calls.apply(planned, session)
    statements = json.loads(s3.get_bucket_policy(Bucket="fresh")["Policy"])["Statement"]
    assert statements == [theirs, private_bucket.over_tls(STAGE, "fresh")]
    rules = s3.get_bucket_lifecycle_configuration(Bucket="fresh")["Rules"]
    assert [one["ID"] for one in rules] == ["theirs", "superseded-expire"]
    assert private_bucket.plan(STAGE, "fresh", session, RULES) == []


def test_encryption_that_somebody_chose_is_kept(session: Any) -> None:
    s3 = session.client("s3")
    s3.create_bucket(Bucket="fresh")
    chosen = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    s3.put_bucket_encryption(Bucket="fresh", ServerSideEncryptionConfiguration=chosen)
    made(session)
    (rule,) = s3.get_bucket_encryption(Bucket="fresh")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


class Foreign:
    """S3 as it answers for a bucket of another account, which moto does not; it is its own session."""

    exceptions = SimpleNamespace(ClientError=ClientError)

    def client(self, service_name: str) -> Any:
        return self

    def head_bucket(self, **asked: str) -> None:
        assert asked["ExpectedBucketOwner"] == STAGE.account
        raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")


def test_bucket_of_another_account_is_refused() -> None:
    with pytest.raises(DeploymentError, match="'fresh' is not ours"):
        private_bucket.plan(STAGE, "fresh", Foreign(), RULES)


def test_bucket_for_a_large_template_is_in_the_plan_and_made_whole(session: Any) -> None:
    assert artifacts.plan(STAGE, session, {"Resources": {}}) == []
    planned = artifacts.plan(STAGE, session, LARGE)
    assert str(planned[0]) == "create bucket orders-artifacts-prod-123456789012"
    assert session.client("s3").list_buckets()["Buckets"] == []
    name = artifacts.bucket_for(STAGE, session, LARGE)
    assert name == "orders-artifacts-prod-123456789012"
    assert artifacts.plan(STAGE, session, LARGE) == []
    policy = session.client("s3").get_bucket_policy(Bucket=name)["Policy"]
    assert "aws:SecureTransport" in policy


def test_engine_without_tls_is_not_asked_for_it(session: Any) -> None:
    planned = private_bucket.plan(settings.local(), "fresh", session, RULES)
    assert "put_bucket_policy" not in [one.operation for one in planned]
