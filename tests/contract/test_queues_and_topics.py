"""Queues, topics, event source mappings, dead letters and their way back."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud import Cloud, Queue, eventually

RECORDER = """
import boto3, json, os
def handler(event, context):
    sqs = boto3.client('sqs')
    bad = []
    for record in event['Records']:
        body = json.loads(record['body'])
        sqs.send_message(QueueUrl=os.environ['URL'], MessageBody=record['body'])
        if body.get('bad'):
            bad.append({'itemIdentifier': record['messageId']})
    return {'batchItemFailures': bad}
"""


COUNTER = """
import boto3, json, os
def handler(event, context):
    size = json.dumps({'size': len(event['Records'])})
    boto3.client('sqs').send_message(QueueUrl=os.environ['URL'], MessageBody=size)
"""


def subscribe(cloud: Cloud, topic: str, protocol: str, endpoint: str, **attributes: str) -> str:
    answer = cloud.client("sns").subscribe(
        TopicArn=topic,
        Protocol=protocol,
        Endpoint=endpoint,
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    return str(answer["SubscriptionArn"])


def dead_letters(queue: Queue, receives: int) -> str:
    return json.dumps({"deadLetterTargetArn": queue.arn, "maxReceiveCount": receives})


def mapping(cloud: Cloud, queue: Queue, function: str, **settings: Any) -> str:
    client = cloud.client("lambda")
    uuid = client.create_event_source_mapping(FunctionName=function, EventSourceArn=queue.arn, **settings)[
        "UUID"
    ]
    cloud.undo(lambda: client.delete_event_source_mapping(UUID=uuid))
    return str(uuid)


def test_subscription_filters_on_the_body_of_the_message(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering-scope.html"""
    topic, queue = cloud.topic(), cloud.queue()
    policy = json.dumps(
        {"type": ["Order Completed", {"prefix": "Order R"}], "data": {"total": [{"exists": True}]}}
    )
    subscribe(
        cloud,
        topic,
        "sqs",
        queue.arn,
        FilterPolicy=policy,
        FilterPolicyScope="MessageBody",
        RawMessageDelivery="true",
    )
    publish = cloud.client("sns").publish
    publish(TopicArn=topic, Message=json.dumps({"type": "Order Placed", "data": {"total": "1"}}))
    publish(TopicArn=topic, Message=json.dumps({"type": "Order Refunded", "data": {}}))
    publish(TopicArn=topic, Message=json.dumps({"type": "Order Refunded", "data": {"total": "1"}}))
    assert queue.body() == {"type": "Order Refunded", "data": {"total": "1"}}
    assert queue.depth() == 0


def test_topic_wraps_a_message_unless_raw_delivery_is_asked_for(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html"""
    topic, queue = cloud.topic(), cloud.queue()
    subscribe(cloud, topic, "sqs", queue.arn)
    cloud.client("sns").publish(TopicArn=topic, Message='{"a": 1}', Subject="s")
    envelope = queue.body()
    assert (envelope["Type"], envelope["TopicArn"], envelope["Subject"]) == ("Notification", topic, "s")
    assert json.loads(envelope["Message"]) == {"a": 1}


def test_record_of_a_topic_always_has_subject_and_attributes(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html"""
    topic, queue = cloud.topic(), cloud.queue()
    function = cloud.reporter(queue)
    cloud.allow(function, "sns.amazonaws.com")
    subscribe(cloud, topic, "lambda", function)
    cloud.client("sns").publish(TopicArn=topic, Message="hello")
    record = queue.body(60)["Records"][0]
    assert (record["EventSource"], record["Sns"]["Message"]) == ("aws:sns", "hello")
    assert (record["Sns"]["Subject"], record["Sns"]["MessageAttributes"]) == (None, {})


@pytest.mark.parametrize("protocol", ["sqs", "lambda"])
def test_message_for_an_endpoint_that_is_gone_goes_to_the_subscription_s_queue(
    cloud: Cloud, protocol: str
) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html"""
    topic, dead = cloud.topic(), cloud.queue()
    if protocol == "sqs":
        endpoint = cloud.queue()
        arn = endpoint.arn
    else:
        arn = cloud.function("def handler(event, context):\n    pass\n")
        cloud.allow(arn, "sns.amazonaws.com")
    policy = json.dumps({"deadLetterTargetArn": dead.arn})
    subscribe(cloud, topic, protocol, arn, RedrivePolicy=policy)
    if protocol == "sqs":
        cloud.client("sqs").delete_queue(QueueUrl=endpoint.url)
    else:
        cloud.client("lambda").delete_function(FunctionName=arn)
    cloud.client("sns").publish(TopicArn=topic, Message="hello")
    assert dead.body(30)["Message"] == "hello"


def test_only_the_failed_messages_of_a_batch_come_back_and_then_die(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html"""
    seen, dead = cloud.queue(), cloud.queue()
    queue = cloud.queue(VisibilityTimeout="2", RedrivePolicy=dead_letters(dead, 2))
    function = cloud.function(RECORDER, Environment={"Variables": {"URL": seen.url}}, Timeout=2)
    mapping(cloud, queue, function, FunctionResponseTypes=["ReportBatchItemFailures"], BatchSize=5)
    queue.send('{"n": 1}')
    queue.send('{"n": 2, "bad": true}')
    assert dead.body(30) == {"n": 2, "bad": True}
    assert eventually(lambda: seen.depth() == 3)


def test_whole_batch_comes_back_when_the_answer_names_an_unknown_message(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html"""
    dead = cloud.queue()
    queue = cloud.queue(VisibilityTimeout="2", RedrivePolicy=dead_letters(dead, 1))
    source = (
        "def handler(event, context):\n    return {'batchItemFailures': [{'itemIdentifier': 'nobody'}]}\n"
    )
    mapping(
        cloud, queue, cloud.function(source, Timeout=2), FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    queue.send('{"n": 1}')
    assert dead.body(30) == {"n": 1}


def test_mapping_hands_over_only_what_its_filter_matches(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html"""
    seen, queue = cloud.queue(), cloud.queue(VisibilityTimeout="12")
    function = cloud.function(RECORDER, Environment={"Variables": {"URL": seen.url}}, Timeout=2)
    pattern = json.dumps({"body": {"type": ["Order Completed"]}})
    mapping(cloud, queue, function, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    queue.send('{"type": "Order Placed"}')
    queue.send('{"type": "Order Completed"}')
    assert seen.body(60) == {"type": "Order Completed"}
    assert eventually(lambda: queue.depth() == 0)
    assert seen.depth() == 0


def test_messages_within_a_batching_window_come_together(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html#invocation-eventsourcemapping-batching"""
    seen, queue, count = cloud.queue(), cloud.queue(), 30
    function = cloud.function(COUNTER, Environment={"Variables": {"URL": seen.url}}, Timeout=2)
    for number in range(count):
        queue.send(json.dumps({"n": number}))
    mapping(cloud, queue, function, BatchSize=100, MaximumBatchingWindowInSeconds=5)
    sizes: list[int] = []
    while sum(sizes) < count:
        sizes.append(seen.body(60)["size"])
    assert sum(sizes) == count
    assert max(sizes) > 10


def test_redriven_message_returns_to_its_queue_as_a_new_one(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html"""
    sqs, dead = cloud.client("sqs"), cloud.queue()
    queue = cloud.queue(VisibilityTimeout="0", RedrivePolicy=dead_letters(dead, 1))
    old = queue.send("{}")
    sqs.receive_message(QueueUrl=queue.url, WaitTimeSeconds=1)
    eventually(lambda: not sqs.receive_message(QueueUrl=queue.url).get("Messages") and dead.depth() == 1, 30)
    sqs.start_message_move_task(SourceArn=dead.arn)
    sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": "30"})
    message = queue.receive(60)
    assert message["MessageId"] != old
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"

    def finished() -> dict[str, Any]:
        task: dict[str, Any] = sqs.list_message_move_tasks(SourceArn=dead.arn)["Results"][0]
        return task if task["Status"] == "COMPLETED" else {}

    assert eventually(finished, 30)["ApproximateNumberOfMessagesMoved"] == 1


def test_message_that_no_queue_sent_needs_a_destination_to_be_moved(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html"""
    sqs, dead = cloud.client("sqs"), cloud.queue()
    cloud.queue(RedrivePolicy=dead_letters(dead, 1))
    dead.send("{}")
    sqs.start_message_move_task(SourceArn=dead.arn)

    def failed() -> dict[str, Any]:
        task: dict[str, Any] = sqs.list_message_move_tasks(SourceArn=dead.arn)["Results"][0]
        return task if task["Status"] == "FAILED" else {}

    assert eventually(failed, 30)["FailureReason"] == "CouldNotDetermineMessageSource"
    assert dead.depth() == 1


def test_only_a_dead_letter_queue_can_be_moved(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html"""
    with pytest.raises(ClientError, match="Dead Letter Queue"):
        cloud.client("sqs").start_message_move_task(SourceArn=cloud.queue().arn)
