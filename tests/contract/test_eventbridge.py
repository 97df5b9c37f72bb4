"""The bus: rules, every kind of target, retries, dead letters."""

import json

import pytest

from tests.contract.cloud import Cloud, eventually

ORDER = {"orderId": "ORD-1", "amount": "10.00"}
NO_RETRY = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


def test_rule_passes_the_part_of_the_event_that_its_target_wants(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule.html"""
    bus, queue = cloud.bus(), cloud.queue()
    cloud.rule(bus, "order.service", {"Arn": queue.arn, "InputPath": "$.detail"})
    cloud.put_event(bus, "other.service", {"orderId": "ORD-0"})
    cloud.put_event(bus, "order.service", ORDER)
    assert queue.body() == ORDER


def test_target_that_is_a_function_gets_the_whole_event(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""
    bus, queue = cloud.bus(), cloud.queue()
    function = cloud.reporter(queue)
    cloud.allow(function, "events.amazonaws.com")
    cloud.rule(bus, "order.service", {"Arn": function})
    cloud.put_event(bus, "order.service", ORDER)
    event = queue.body(30)
    assert (event["source"], event["detail-type"], event["detail"]) == (
        "order.service",
        "Order Placed",
        ORDER,
    )
    assert {"id", "account", "region", "time", "resources"} <= set(event)


def test_target_that_is_a_machine_starts_an_execution_with_the_detail(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/tutorial-cloudwatch-events-s3.html"""
    bus = cloud.bus()
    machine = cloud.machine({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    role = cloud.role("events.amazonaws.com")
    cloud.rule(bus, "order.service", {"Arn": machine, "RoleArn": role, "InputPath": "$.detail"})
    cloud.put_event(bus, "order.service", ORDER)
    states = cloud.client("stepfunctions")
    found = eventually(lambda: states.list_executions(stateMachineArn=machine)["executions"])
    assert json.loads(cloud.ended(found[0]["executionArn"])["output"]) == ORDER


def test_target_that_is_a_topic_reaches_the_subscribed_queue(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html"""
    bus, topic, queue = cloud.bus(), cloud.topic(), cloud.queue()
    cloud.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"}
    )
    cloud.rule(bus, "order.service", {"Arn": topic})
    cloud.put_event(bus, "order.service", ORDER)
    assert queue.body()["detail"] == ORDER


def test_failing_function_is_tried_three_times_then_its_destination_is_told(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""
    bus, tries, failures = cloud.bus(), cloud.queue(), cloud.queue()
    source = (
        "import boto3, os\n"
        "class StockError(Exception): pass\n"
        "def handler(event, context):\n"
        "    boto3.client('sqs').send_message(QueueUrl=os.environ['URL'], MessageBody='called')\n"
        "    raise StockError('empty')\n"
    )
    function = cloud.function(source, Environment={"Variables": {"URL": tries.url}}, Timeout=10)
    cloud.allow(function, "events.amazonaws.com")
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=function, DestinationConfig={"OnFailure": {"Destination": failures.arn}}
    )
    cloud.rule(bus, "order.service", {"Arn": function, "InputPath": "$.detail"})
    cloud.put_event(bus, "order.service", ORDER)
    record = failures.body(240 if cloud.endpoint is None else 20)
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestPayload"] == ORDER
    assert record["responsePayload"]["errorType"] == "StockError"
    assert eventually(lambda: tries.depth() == 3)


def test_event_for_a_target_that_is_gone_goes_to_the_dead_letter_queue(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"""
    where = f"{cloud.region}:{cloud.account}"
    gone = {
        "queue": {"Arn": f"arn:aws:sqs:{where}:gone"},
        "topic": {"Arn": f"arn:aws:sns:{where}:gone"},
        "function": {"Arn": f"arn:aws:lambda:{where}:function:gone"},
        "machine": {
            "Arn": f"arn:aws:states:{where}:stateMachine:gone",
            "RoleArn": cloud.role("events.amazonaws.com"),
        },
    }
    for target in gone.values():
        bus, dead = cloud.bus(), cloud.queue()
        letters = {"DeadLetterConfig": {"Arn": dead.arn}, "RetryPolicy": NO_RETRY}
        rule = cloud.rule(bus, "order.service", {**target, **letters})
        cloud.put_event(bus, "order.service", ORDER)
        body, attributes = dead.attributes(60 if cloud.endpoint is None else 10)
        assert body["detail"] == ORDER
        assert attributes["TARGET_ARN"] == target["Arn"]
        assert attributes["RULE_ARN"] == rule
        assert {"ERROR_CODE", "ERROR_MESSAGE"} <= set(attributes)


@pytest.mark.slow
def test_scheduled_rule_fires_with_the_scheduled_event(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html"""
    events, queue, name = cloud.client("events"), cloud.queue(), cloud.name("tick")
    events.put_rule(Name=name, ScheduleExpression="rate(1 minute)")
    cloud.undo(lambda: events.delete_rule(Name=name))
    events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": queue.arn}])
    cloud.undo(lambda: events.remove_targets(Rule=name, Ids=["t"]))
    event = queue.body(130)
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
