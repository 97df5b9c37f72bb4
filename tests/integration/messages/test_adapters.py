"""SNS and SQS as moto plays them, and a topic that loses and refuses entries."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters.message_queues import SqsQueues
from chalicelib.adapters.message_topic import MessageTopic
from chalicelib.domain.errors import ThrottledError
from chalicelib.services.messages.model import Message, NotPublishedError, Outgoing
from chalicelib.services.messages.read_messages import read_message

REGION = "us-east-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


def outgoing(number: int, kind: str | None = "notification", body: str = "text") -> Outgoing:
    return Outgoing(kind, f"Größe\n{number}", body, f"k-{number}", {"routedFrom": "here"})


def test_what_is_published_is_what_is_received_stored_and_deleted(aws: None) -> None:
    sns, sqs = boto3.client("sns", region_name=REGION), boto3.client("sqs", region_name=REGION)
    topic = sns.create_topic(Name="t")["TopicArn"]
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    ids = MessageTopic(topic, sns).publish(
        [outgoing(n, None if n == 3 else "notification") for n in range(23)]
    )

    queues = SqsQueues(sqs)
    found: dict[str, Message] = {}
    while batch := queues.receive("q", 10, 0):
        found |= {read_message(one.body).message_id: read_message(one.body) for one in batch}
        queues.delete("q", batch)
    assert [found[one].key for one in ids] == [f"k-{n}" for n in range(23)]
    assert found[ids[3]].declared is None
    assert found[ids[4]].subject == "Gr??e 4", "SNS takes one line of ASCII"
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "0"


class Topic:
    """An SNS that answers each batch as the script says, entry by entry; then it accepts all."""

    def __init__(self, *script: dict[str, bool]) -> None:
        self.script = list(script)
        self.batches: list[list[dict[str, Any]]] = []

    def publish_batch(self, **given: Any) -> dict[str, Any]:
        entries = given["PublishBatchRequestEntries"]
        self.batches.append(entries)
        failing = self.script.pop(0) if self.script else {}
        return {
            "Successful": [
                {"Id": one["Id"], "MessageId": f"{len(self.batches)}-{one['Id']}"}
                for one in entries
                if one["Id"] not in failing
            ],
            "Failed": [
                {"Id": one["Id"], "Code": "Internal", "SenderFault": failing[one["Id"]]}
                for one in entries
                if one["Id"] in failing
            ],
        }


def publish(topic: Topic, *messages: Outgoing) -> list[str]:
    return MessageTopic("arn", topic).publish(messages)


def test_entries_that_sns_lost_are_sent_again_and_only_they() -> None:
    topic = Topic({"1": False, "2": False}, {"2": False})
    assert publish(topic, *(outgoing(n) for n in range(4))) == ["1-0", "2-1", "3-2", "1-3"]
    assert [[one["Id"] for one in batch] for batch in topic.batches] == [
        ["0", "1", "2", "3"],
        ["1", "2"],
        ["2"],
    ]


def test_entries_that_are_lost_again_and_again_are_a_fault_that_passes() -> None:
    topic = Topic(*[{"0": False}] * 9)
    with pytest.raises(ThrottledError, match="1 entries, Internal"):
        publish(topic, outgoing(0))
    assert len(topic.batches) == 3


def test_entry_that_sns_refuses_is_not_sent_again() -> None:
    topic = Topic({"1": True})
    with pytest.raises(NotPublishedError, match="1: Internal"):
        publish(topic, outgoing(0), outgoing(1))
    assert len(topic.batches) == 1


def test_batches_hold_ten_entries_and_256_kilobytes_at_most() -> None:
    topic = Topic()
    publish(topic, *(outgoing(n) for n in range(25)))
    assert [len(batch) for batch in topic.batches] == [10, 10, 5]
    large = Topic()
    publish(large, *(outgoing(n, body="ä" * 50_000) for n in range(5)))
    assert [len(batch) for batch in large.batches] == [2, 2, 1]
    assert all(len(json.dumps(batch, ensure_ascii=False).encode()) < 262_144 for batch in large.batches)


def test_queue_that_does_not_answer_is_a_fault_that_passes() -> None:
    class Silent:
        def get_queue_url(self, **_: Any) -> Any:
            from botocore.exceptions import EndpointConnectionError

            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    with pytest.raises(ThrottledError):
        SqsQueues(Silent()).receive("q", 10, 0)
