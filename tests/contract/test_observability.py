"""Logs, embedded metrics, queue metrics, alarms and where they lead."""

import json
from typing import Any

from tests.contract.cloud import Cloud, eventually

SLOW = 400  # AWS publishes and evaluates by the minute


def patience(cloud: Cloud) -> float:
    return 20 if cloud.endpoint else SLOW


def alarm(cloud: Cloud, topic: str, **settings: Any) -> str:
    name = cloud.name("alarm")
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
        **settings,
    )
    cloud.undo(lambda: cloud.client("cloudwatch").delete_alarms(AlarmNames=[name]))
    return name


def subscribed(cloud: Cloud) -> tuple[str, Any]:
    topic, queue = cloud.topic(), cloud.queue()
    cloud.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"}
    )
    return topic, queue


def test_message_in_a_dead_letter_queue_raises_its_alarm_and_no_other(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"""
    topic, mail = subscribed(cloud)
    dead, other = cloud.queue(), cloud.queue()
    metric = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Statistic": "Maximum",
    }
    names = {}
    for queue in (other, dead):
        dimensions = [{"Name": "QueueName", "Value": queue.arn.rsplit(":", 1)[1]}]
        names[queue.arn] = alarm(cloud, topic, Dimensions=dimensions, **metric)
    dead.send("{}")
    told = mail.body(patience(cloud))
    assert (told["AlarmName"], told["NewStateValue"]) == (names[dead.arn], "ALARM")
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=[names[other.arn]])["MetricAlarms"]
    assert found[0]["StateValue"] != "ALARM"


def test_alarm_that_changes_is_an_event_on_the_default_bus(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html"""
    events, queue = cloud.client("events"), cloud.queue()
    name = alarm(cloud, cloud.topic(), Namespace=cloud.name("ns"), MetricName="Faults", Statistic="Sum")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [name], "state": {"value": ["ALARM"]}}}
    rule = cloud.name("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    cloud.undo(lambda: events.delete_rule(Name=rule))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": queue.arn}])
    cloud.undo(lambda: events.remove_targets(Rule=rule, Ids=["q"]))
    cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="drill")
    event = queue.body(60)
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["detail"]["state"]["value"] == "ALARM"


def test_embedded_metric_in_a_log_line_raises_an_alarm(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"""
    topic, mail = subscribed(cloud)
    namespace = cloud.name("orders")
    source = (
        "import json, time\n"
        "def handler(event, context):\n"
        "    print(json.dumps({'_aws': {'Timestamp': int(time.time() * 1000), 'CloudWatchMetrics': [\n"
        f"        {{'Namespace': '{namespace}', 'Dimensions': [['Outcome']],\n"
        "         'Metrics': [{'Name': 'Orders', 'Unit': 'Count'}]}]}, 'Outcome': 'failed', 'Orders': 1}))\n"
    )
    dimensions = [{"Name": "Outcome", "Value": "failed"}]
    alarm(cloud, topic, Namespace=namespace, MetricName="Orders", Statistic="Sum", Dimensions=dimensions)
    cloud.client("lambda").invoke(FunctionName=cloud.function(source))
    assert mail.body(patience(cloud))["NewStateValue"] == "ALARM"


def test_what_a_function_prints_is_in_one_stream_of_its_log_group(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"""
    source = (
        "import logging, subprocess\n"
        "def handler(event, context):\n"
        "    print('from print', event['n'])\n"
        "    logging.getLogger().warning('from logging %s', event['n'])\n"
        "    return context.log_stream_name\n"
    )
    function = cloud.function(source)
    invoke, logs = cloud.client("lambda").invoke, cloud.client("logs")
    streams = {
        json.load(invoke(FunctionName=function, Payload=json.dumps({"n": n}))["Payload"]) for n in (1, 2)
    }
    assert len(streams) == 1
    group = f"/aws/lambda/{function.rsplit(':', 1)[1]}"
    cloud.undo(lambda: logs.delete_log_group(logGroupName=group))

    def text() -> str:
        found = logs.filter_log_events(logGroupName=group, logStreamNames=list(streams))["events"]
        return "\n".join(event["message"] for event in found)

    for line in ("from print 1", "from logging 1", "from print 2", "from logging 2"):
        assert eventually(lambda: line in text(), 30)  # noqa: B023
    assert {"START", "END", "REPORT"} <= {line.split(" ")[0] for line in text().splitlines()}
