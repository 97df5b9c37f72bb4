"""The data path's adapters against moto's S3, SQS, Glue and Lambda."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from chalicelib.adapters.dead_letters import SqsDeadLetters
from chalicelib.adapters.glue import AwsEngines, GlueCrawler, LambdaCallError, LambdaChecker
from chalicelib.adapters.object_store import S3ObjectStore
from chalicelib.services.pipeline.model import BadPayloadError, EngineBusyError

BUCKET, DLQ, REGION = "order-lake-test", "raw-data-dlq-test", "us-east-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


@pytest.fixture
def objects(aws: None) -> S3ObjectStore:
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return S3ObjectStore(BUCKET, s3)


def test_an_object_that_is_not_there_is_none(objects: S3ObjectStore) -> None:
    assert objects.get("temp/manifests/none.json") is None


def test_an_object_reads_back_in_each_of_its_versions(objects: S3ObjectStore) -> None:
    objects.put("raw-data/a.csv", b"one", "text/csv")
    first = next(iter(objects.list("raw-data/")))
    objects.put("raw-data/a.csv", b"two", "text/csv")
    assert (objects.get("raw-data/a.csv"), objects.get("raw-data/a.csv", first.version_id)) == (
        b"two",
        b"one",
    )


def test_a_listing_shows_the_latest_version_of_each_object(objects: S3ObjectStore) -> None:
    for body in (b"one", b"twotwo"):
        objects.put("raw-data/a.csv", body, "text/csv")
    objects.put("raw-data/gone.csv", b"x", "text/csv")
    objects.put("other/b.csv", b"x", "text/csv")
    client("s3").delete_object(Bucket=BUCKET, Key="raw-data/gone.csv")
    found = list(objects.list("raw-data/"))
    assert [(one.key, one.size, one.version_id != "") for one in found] == [("raw-data/a.csv", 6, True)]


@pytest.fixture
def letters(aws: None) -> SqsDeadLetters:
    client("sqs").create_queue(QueueName=DLQ)
    return SqsDeadLetters([DLQ, "never-made-dlq-test"], client("sqs"))


def test_looking_into_a_dead_letter_queue_leaves_every_message_there_and_visible(
    letters: SqsDeadLetters,
) -> None:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=DLQ)["QueueUrl"]
    for number in range(12):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"run_id": f"run-{number}"}))
    for _ in range(2):
        seen = letters.peek(DLQ, 20)
        assert sorted(letter.about for letter in seen) == sorted(
            f"run_id run-{number}" for number in range(12)
        )
        assert letters.count(DLQ) == 12


def test_a_look_shows_no_more_than_it_was_asked_for(letters: SqsDeadLetters) -> None:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=DLQ)["QueueUrl"]
    for _ in range(5):
        sqs.send_message(QueueUrl=url, MessageBody="rubbish")
    assert (len(letters.peek(DLQ, 3)), letters.count(DLQ)) == (3, 5)


def test_the_reason_that_eventbridge_gives_is_shown(letters: SqsDeadLetters) -> None:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=DLQ)["QueueUrl"]
    why = {"ERROR_MESSAGE": {"DataType": "String", "StringValue": "no permission"}}
    sqs.send_message(QueueUrl=url, MessageBody='{"id": "e1"}', MessageAttributes=why)
    assert [letter.about for letter in letters.peek(DLQ, 5)] == ["id e1 (no permission)"]


def test_a_queue_that_was_never_made_is_empty(letters: SqsDeadLetters) -> None:
    assert (letters.count("never-made-dlq-test"), letters.peek("never-made-dlq-test", 5)) == (0, [])


def test_a_crawler_that_is_on_already_is_not_an_error(aws: None) -> None:
    glue = client("glue")
    with Stubber(glue) as stub:
        stub.add_response("start_crawler", {}, {"Name": "c"})
        stub.add_client_error("start_crawler", "CrawlerRunningException", http_status_code=400)
        crawler = GlueCrawler("c", glue)
        assert (crawler.start(), crawler.start()) == (True, False)


@pytest.mark.parametrize(
    ("code", "error"),
    [("ConcurrentRunsExceededException", EngineBusyError), ("EntityNotFoundException", BadPayloadError)],
)
def test_glues_refusals_leave_as_ours(aws: None, code: str, error: type[Exception]) -> None:
    glue = client("glue")
    with Stubber(glue) as stub:
        stub.add_client_error("start_job_run", code, "words", http_status_code=400)
        with pytest.raises(error, match=code):
            AwsEngines("f", glue).start_job("etl-job", {"--manifest": "s3://b/k"})


def test_a_job_run_is_told_in_the_seeds_words(aws: None) -> None:
    glue = client("glue")
    glue.create_job(Name="etl-job", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://b/job.py"})
    engines = AwsEngines("f", glue)
    run_id = engines.start_job("etl-job", {"--manifest": "s3://b/k.json"})
    told = engines.job_run("etl-job", run_id)
    assert set(told) == {
        "status", "started_on", "completed_on", "execution_time", "error_message", "arguments"
    }  # fmt: skip
    with pytest.raises(BadPayloadError):
        engines.job_run("etl-job", "jr_none")


def _answering(payload: bytes, **more: str) -> Any:
    class Functions:
        def invoke(self, **arguments: Any) -> dict[str, Any]:
            class Body:
                def read(self) -> bytes:
                    return payload

            return {"Payload": Body(), **more}

    return Functions()


def test_what_the_checks_answer_is_passed_on() -> None:
    assert LambdaChecker("f", _answering(b'{"passed": true, "findings": []}')).check({}) == {
        "passed": True,
        "findings": [],
    }


@pytest.mark.parametrize(
    "functions",
    [
        _answering(b'{"errorType": "KeyError", "errorMessage": "x"}', FunctionError="Unhandled"),
        _answering(b"null"),
    ],
)
def test_checks_that_failed_to_run_are_a_fault(functions: Any) -> None:
    with pytest.raises(LambdaCallError):
        LambdaChecker("f", functions).check({})
