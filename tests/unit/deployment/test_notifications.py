"""The lake's notifications: ours are mended after an update of the stack, others' are left alone."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from scripts.deployment import calls, fragments, notifications
from scripts.deployment.notifications import FUNCTIONS, QUEUES, TOPICS

BUCKET = "order-lake-dev-123456789012"
CRAWL = "arn:aws:lambda:us-east-1:123456789012:function:orders-dev-start-crawler"
ARRIVALS = "arn:aws:sns:us-east-1:123456789012:raw-data-arrivals-dev"
OTHER = "arn:aws:lambda:us-east-1:123456789012:function:somebody-elses"
WANTED = notifications.wanted(CRAWL, ARRIVALS)


def mended(actual: dict[str, Any]) -> dict[str, Any]:
    (call,) = notifications.calls(BUCKET, actual, WANTED)
    assert call.operation == "put_bucket_notification_configuration"
    answer: dict[str, Any] = call.arguments["NotificationConfiguration"]
    return answer


def test_bucket_as_wanted_needs_no_call() -> None:
    assert notifications.calls(BUCKET, {"ResponseMetadata": {}, **WANTED}, WANTED) == []


def test_notification_that_an_update_of_the_stack_dropped_comes_back() -> None:
    assert mended({TOPICS: WANTED[TOPICS]}) == WANTED


def test_topic_that_somebody_removed_comes_back() -> None:
    assert mended({FUNCTIONS: WANTED[FUNCTIONS]}) == WANTED


def test_what_others_asked_for_is_kept_as_it_is() -> None:
    theirs = {"Id": "theirs", "LambdaFunctionArn": OTHER, "Events": ["s3:ObjectRemoved:*"]}
    queue = {"Id": "q", "QueueArn": "arn:aws:sqs:us-east-1:1:q", "Events": ["s3:ObjectRestore:*"]}
    actual = {FUNCTIONS: [theirs], TOPICS: WANTED[TOPICS], QUEUES: [queue], "EventBridgeConfiguration": {}}
    after = mended({**actual, "ResponseMetadata": {"HTTPStatusCode": 200}})
    assert after == {**actual, FUNCTIONS: [theirs, *WANTED[FUNCTIONS]]}


def test_old_filter_of_our_function_is_replaced_and_not_doubled() -> None:
    old = notifications.entry(FUNCTIONS, CRAWL, {"prefix": "processed-data/"})
    assert mended({**WANTED, FUNCTIONS: [old]}) == WANTED


def test_spelling_order_and_id_of_s3_are_no_difference() -> None:
    rules = [
        {"Name": "Suffix", "Value": "_published.json"},
        {"Name": "Prefix", "Value": "processed-data/"},
    ]
    theirs = {**WANTED[FUNCTIONS][0], "Id": "made-by-chalice", "Filter": {"Key": {"FilterRules": rules}}}
    assert notifications.calls(BUCKET, {**WANTED, FUNCTIONS: [theirs]}, WANTED) == []


def test_the_stack_declares_the_same_notification_of_arrivals() -> None:
    bucket = fragments.base()["Resources"]["OrderLakeBucket"]["Properties"]
    (declared,) = bucket["NotificationConfiguration"]["TopicConfigurations"]
    assert [declared["Event"]] == list(notifications.CREATED)
    rules = declared["Filter"]["S3Key"]["Rules"]
    assert {rule["Name"]: rule["Value"] for rule in rules} == notifications.ARRIVED


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.Session(region_name="us-east-1")


def test_s3_takes_the_merged_list_and_then_nothing_is_left_to_do(session: boto3.Session) -> None:
    s3 = session.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    session.client("sns").create_topic(Name="raw-data-arrivals-dev")
    theirs = {"Id": "theirs", "LambdaFunctionArn": OTHER, "Events": ["s3:ObjectRemoved:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={FUNCTIONS: [theirs], "EventBridgeConfiguration": {}}
    )
    actual = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    calls.apply(notifications.calls(BUCKET, actual, WANTED), session)
    after = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert {one["LambdaFunctionArn"] for one in after[FUNCTIONS]} == {OTHER, CRAWL}
    assert notifications.calls(BUCKET, after, WANTED) == []
