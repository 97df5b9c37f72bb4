"""The resource types of our fragments, made by a stack with the properties that decide correctness."""

import json
from typing import Any

import pytest

from tests.contract.cloud import Cloud, eventually

HANDLER = "def handler(event, context):\n    return {'batchItemFailures': []}\n"


def stack(cloud: Cloud, resources: dict[str, Any], **template: Any) -> dict[str, str]:
    """Create a stack and return its outputs (one for each resource's Ref)."""
    formation, name = cloud.client("cloudformation"), cloud.name("stack")
    outputs = {f"{key}Ref": {"Value": {"Ref": key}} for key in resources}
    body = json.dumps({"Resources": resources, "Outputs": outputs, **template})
    formation.create_stack(
        StackName=name,
        TemplateBody=body,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloud.undo(lambda: formation.delete_stack(StackName=name))

    def look() -> dict[str, Any]:
        found: dict[str, Any] = formation.describe_stacks(StackName=name)["Stacks"][0]
        return {} if found["StackStatus"].endswith("IN_PROGRESS") else found

    found = eventually(look, 300)
    assert found["StackStatus"] == "CREATE_COMPLETE", found.get("StackStatusReason")
    return {output["OutputKey"].removesuffix("Ref"): output["OutputValue"] for output in found["Outputs"]}


def role_of(service: str, actions: list[str]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    allow = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {"PolicyName": "all", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allow]}}
            ],
        },
    }


def test_rule_on_an_own_bus_has_dead_letters_and_a_retry_policy_on_its_target(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-events-rule-target.html"""
    queue, dead = cloud.queue(), cloud.queue()
    target = {
        "Id": "queue",
        "Arn": queue.arn,
        "InputPath": "$.detail",
        "DeadLetterConfig": {"Arn": dead.arn},
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 120},
    }
    made = stack(
        cloud,
        {
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": cloud.name("bus")}},
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventBusName": {"Ref": "Bus"},
                    "EventPattern": {"source": ["order.service"]},
                    "Targets": [target],
                },
            },
        },
    )
    rule = made["Rule"].rsplit("|", 1)[-1].rsplit("/", 1)[-1]
    found = cloud.client("events").list_targets_by_rule(Rule=rule, EventBusName=made["Bus"])["Targets"]
    assert found == [target]
    cloud.put_event(made["Bus"], "order.service", {"orderId": "ORD-1"})
    assert queue.body() == {"orderId": "ORD-1"}


def test_subscription_keeps_its_filter_scope_and_its_dead_letter_queue(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-subscription.html"""
    queue, dead = cloud.queue(), cloud.queue()
    made = stack(
        cloud,
        {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": "alias/aws/sns"}},
            "Subscription": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {
                    "TopicArn": {"Ref": "Topic"},
                    "Protocol": "sqs",
                    "Endpoint": queue.arn,
                    "RawMessageDelivery": True,
                    "FilterPolicyScope": "MessageBody",
                    "FilterPolicy": {"type": ["Order Completed"]},
                    "RedrivePolicy": {"deadLetterTargetArn": dead.arn},
                },
            },
        },
    )
    publish = cloud.client("sns").publish
    publish(TopicArn=made["Topic"], Message='{"type": "Order Placed"}')
    publish(TopicArn=made["Topic"], Message='{"type": "Order Completed"}')
    assert queue.body() == {"type": "Order Completed"}
    assert queue.depth() == 0
    found = cloud.client("sns").get_subscription_attributes(SubscriptionArn=made["Subscription"])[
        "Attributes"
    ]
    assert json.loads(found["RedrivePolicy"]) == {"deadLetterTargetArn": dead.arn}


def test_machine_takes_its_definition_with_substitutions(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-statemachine.html"""
    function = cloud.function("def handler(event, context):\n    return 'done'\n")
    only = {"Type": "Task", "Resource": "${TaskArn}", "End": True}
    made = stack(
        cloud,
        {
            "Role": role_of("states.amazonaws.com", ["lambda:InvokeFunction"]),
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "DefinitionString": json.dumps({"StartAt": "Only", "States": {"Only": only}}),
                    "DefinitionSubstitutions": {"TaskArn": function},
                },
            },
        },
    )
    assert json.loads(cloud.run(made["Machine"], {})["output"]) == "done"


def test_mapping_and_failure_destination_keep_their_settings(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html"""
    function, queue, failures = cloud.function(HANDLER), cloud.queue(), cloud.queue()
    made = stack(
        cloud,
        {
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "FunctionName": function,
                    "EventSourceArn": queue.arn,
                    "BatchSize": 5,
                    "MaximumBatchingWindowInSeconds": 1,
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                    "ScalingConfig": {"MaximumConcurrency": 2},
                },
            },
            "Invocations": {
                "Type": "AWS::Lambda::EventInvokeConfig",
                "Properties": {
                    "FunctionName": function,
                    "Qualifier": "$LATEST",
                    "MaximumRetryAttempts": 0,
                    "DestinationConfig": {"OnFailure": {"Destination": failures.arn}},
                },
            },
            "Permission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "FunctionName": function,
                    "Action": "lambda:InvokeFunction",
                    "Principal": "events.amazonaws.com",
                },
            },
        },
    )
    client = cloud.client("lambda")
    found = client.get_event_source_mapping(UUID=made["Mapping"])
    assert (found["BatchSize"], found["MaximumBatchingWindowInSeconds"]) == (5, 1)
    assert found["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert found["ScalingConfig"] == {"MaximumConcurrency": 2}
    settings = client.get_function_event_invoke_config(FunctionName=function, Qualifier="$LATEST")
    assert settings["DestinationConfig"]["OnFailure"] == {"Destination": failures.arn}
    assert "events.amazonaws.com" in client.get_policy(FunctionName=function)["Policy"]


def test_failure_destination_of_a_template_is_used(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventinvokeconfig.html"""
    function, failures = (
        cloud.function("def handler(event, context):\n    raise KeyError('x')\n"),
        cloud.queue(),
    )
    properties = {
        "FunctionName": function,
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": failures.arn}},
    }
    stack(cloud, {"Invocations": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": properties}})
    cloud.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload='{"a": 1}')
    assert failures.body(30)["requestPayload"] == {"a": 1}


def test_queue_secret_and_alarm_are_made_as_described(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html"""
    made = stack(
        cloud,
        {
            "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": 1209600}},
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "VisibilityTimeout": 60,
                    "SqsManagedSseEnabled": True,
                    "RedrivePolicy": {
                        "deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]},
                        "maxReceiveCount": 3,
                    },
                },
            },
            "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "hidden"}},
            "Alarm": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateNumberOfMessagesVisible",
                    "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["Dead", "QueueName"]}}],
                    "Statistic": "Maximum",
                    "Period": 60,
                    "EvaluationPeriods": 1,
                    "Threshold": 0,
                    "ComparisonOperator": "GreaterThanThreshold",
                },
            },
        },
    )
    sqs, watch = cloud.client("sqs"), cloud.client("cloudwatch")
    attributes = sqs.get_queue_attributes(QueueUrl=made["Queue"], AttributeNames=["All"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] in (3, "3")
    assert attributes["VisibilityTimeout"] == "60"
    secret = cloud.client("secretsmanager").get_secret_value(SecretId=made["Secret"])
    assert secret["SecretString"] == "hidden"
    sqs.send_message(QueueUrl=made["Dead"], MessageBody="{}")

    def raised() -> bool:
        found = watch.describe_alarms(AlarmNames=[made["Alarm"]])["MetricAlarms"]
        return bool(found[0]["StateValue"] == "ALARM")

    assert eventually(raised, 20 if cloud.endpoint else 400)


def test_broken_machine_fails_the_stack(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"""
    broken = {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "Next": "Nowhere"}}}
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "DefinitionString": json.dumps(broken)},
    }
    with pytest.raises(AssertionError, match=r"ROLLBACK|CREATE_FAILED"):
        stack(cloud, {"Role": role_of("states.amazonaws.com", ["logs:*"]), "Machine": machine})


def test_function_whose_code_is_not_in_its_bucket_fails_the_stack(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html"""
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"S3Bucket": {"Ref": "Bucket"}, "S3Key": "code.zip"},
        },
    }
    role = role_of("lambda.amazonaws.com", ["logs:*"])
    with pytest.raises(AssertionError, match=r"ROLLBACK|CREATE_FAILED"):
        stack(cloud, {"Bucket": {"Type": "AWS::S3::Bucket"}, "Role": role, "Function": function})


def test_serverless_transform_makes_function_queue_event_and_api(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html"""
    queue = cloud.queue(VisibilityTimeout="60")
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "InlineCode": "def handler(event, context):\n    return {'statusCode': 200, 'body': 'hello'}\n",
            "Policies": ["arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"],
            "Events": {
                "Queue": {
                    "Type": "SQS",
                    "Properties": {
                        "Queue": queue.arn,
                        "BatchSize": 3,
                        "FunctionResponseTypes": ["ReportBatchItemFailures"],
                    },
                }
            },
        },
    }
    made = stack(cloud, {"Function": function}, Transform="AWS::Serverless-2016-10-31")
    client = cloud.client("lambda")
    (found,) = client.list_event_source_mappings(FunctionName=made["Function"])["EventSourceMappings"]
    assert (found["BatchSize"], found["FunctionResponseTypes"]) == (3, ["ReportBatchItemFailures"])
    assert b"hello" in client.invoke(FunctionName=made["Function"])["Payload"].read()
