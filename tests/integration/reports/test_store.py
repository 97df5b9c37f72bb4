"""Claims, links and starts, on a real S3 and Step Functions API in process."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters.report_store import ConsoleLinks, S3Claims, StateMachine

BUCKET = "order-reports"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        session = boto3.Session("test", "test", region_name="us-east-1")
        session.client("s3").create_bucket(Bucket=BUCKET)
        yield session


def test_only_the_first_of_many_claims(cloud: boto3.Session) -> None:
    claims = S3Claims(BUCKET, cloud.client("s3"))
    assert [claims.claim("c", body) for body in (b"1", b"2", b"3")] == [True, False, False]
    assert cloud.client("s3").get_object(Bucket=BUCKET, Key="c")["Body"].read() == b"1"


def test_a_settled_claim_stays_taken(cloud: boto3.Session) -> None:
    claims = S3Claims(BUCKET, cloud.client("s3"))
    claims.claim("c", b"claimed")
    claims.settle("c", b"sent")
    assert claims.claim("c", b"claimed") is False
    assert cloud.client("s3").get_object(Bucket=BUCKET, Key="c")["Body"].read() == b"sent"


def test_link_leads_to_the_console_which_asks_who_is_reading(cloud: boto3.Session) -> None:
    link = ConsoleLinks(BUCKET, "prod", cloud.client("s3")).of("reports/2026-11-20/report.html")
    assert link == (
        "https://us-east-1.console.aws.amazon.com/s3/object/order-reports"
        "?region=us-east-1&prefix=reports/2026-11-20/report.html"
    )
    assert "Signature" not in link


def test_link_of_the_local_stage_opens_on_this_machine() -> None:
    s3 = boto3.client("s3", endpoint_url="http://127.0.0.1:4566", region_name="us-east-1")
    assert (
        ConsoleLinks(BUCKET, "local", s3).of("a b.html") == "http://127.0.0.1:4566/order-reports/a%20b.html"
    )


def machine(cloud: boto3.Session) -> Any:
    role = "arn:aws:iam::123456789012:role/any"
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    states = cloud.client("stepfunctions")
    arn = states.create_state_machine(name="report", definition=definition, roleArn=role)["stateMachineArn"]
    return states, arn


def test_a_name_starts_one_execution(cloud: boto3.Session) -> None:
    states, arn = machine(cloud)
    workflow = StateMachine(arn, states)
    assert workflow.start("daily-2026-11-19", {"date": "2026-11-19"}) is True
    workflow.start("daily-2026-11-19", {"date": "2026-11-19"})
    assert workflow.start("daily-2026-11-19", {"date": "other"}) is False
    assert len(states.list_executions(stateMachineArn=arn)["executions"]) == 1
