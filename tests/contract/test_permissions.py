"""What the deployed policies allow, and that nothing else is possible."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud import Cloud, archive, eventually

TRY = """
import boto3
def handler(event, context):
    try:
        boto3.client('sqs').send_message(QueueUrl=event['url'], MessageBody='{}')
    except Exception as error:
        return str(error)
    return 'sent'
"""


def role_for(cloud: Cloud, service: str, *statements: dict[str, Any]) -> str:
    iam = cloud.client("iam")
    arn = cloud.role(service)
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=arn.rsplit("/", 1)[1], PolicyName="all", PolicyDocument=policy)
    return arn


def allow(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def function_with(cloud: Cloud, role: str, source: str = TRY) -> str:
    client, name = cloud.client("lambda"), cloud.name("function")

    def create() -> Any:
        try:
            return client.create_function(
                FunctionName=name,
                Runtime="python3.12",
                Handler="app.handler",
                Role=role,
                Code={"ZipFile": archive(source)},
                Timeout=15,
            )
        except client.exceptions.InvalidParameterValueException:
            return None

    arn = str(eventually(create, 60)["FunctionArn"])
    cloud.undo(lambda: client.delete_function(FunctionName=name))
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return arn


def test_function_can_do_what_its_role_allows_and_nothing_else(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"""
    mine, other = cloud.queue(), cloud.queue()
    role = role_for(cloud, "lambda.amazonaws.com", allow("sqs:SendMessage", mine.arn))
    function = function_with(cloud, role)

    def attempt(url: str) -> str:
        answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps({"url": url}))
        return str(json.load(answer["Payload"]))

    assert attempt(mine.url) == "sent"
    assert "AccessDenied" in attempt(other.url)
    assert other.depth() == 0


def test_who_may_send_may_send_in_batches(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html"""
    queue = cloud.queue()
    role = role_for(cloud, "lambda.amazonaws.com", allow("sqs:SendMessage", queue.arn))
    source = TRY.replace("send_message(", "send_message_batch(").replace(
        "MessageBody='{}'", "Entries=[{'Id': '1', 'MessageBody': '{}'}]"
    )
    function = function_with(cloud, role, source)
    payload = json.dumps({"url": queue.url})
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=payload)
    assert json.load(answer["Payload"]) == "sent"
    assert queue.depth() == 1


def test_rule_reaches_only_a_function_that_admits_it(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html"""
    bus, dead, queue = cloud.bus(), cloud.queue(), cloud.queue()
    function = cloud.reporter(queue)
    letters = {"DeadLetterConfig": {"Arn": dead.arn}, "RetryPolicy": {"MaximumRetryAttempts": 0}}
    cloud.rule(bus, "order.service", {"Arn": function, **letters})
    cloud.put_event(bus, "order.service", {})
    _, attributes = dead.attributes(60)
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert queue.depth() == 0


def test_machine_cannot_call_a_function_that_its_role_does_not_name(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html"""
    function = cloud.function("def handler(event, context):\n    return event\n")
    states = cloud.client("stepfunctions")
    role = role_for(cloud, "states.amazonaws.com", allow("lambda:InvokeFunction", function + "-other"))
    only = {"Type": "Task", "Resource": function, "End": True}
    arn = states.create_state_machine(
        name=cloud.name("machine"),
        roleArn=role,
        definition=json.dumps({"StartAt": "Only", "States": {"Only": only}}),
    )["stateMachineArn"]
    cloud.undo(lambda: states.delete_state_machine(stateMachineArn=arn))
    failed = cloud.run(arn, {})
    assert (failed["status"], "is not authorized" in failed["cause"]) == ("FAILED", True)


def test_queue_is_mapped_only_to_a_function_that_may_read_it(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""
    queue = cloud.queue()
    role = role_for(cloud, "lambda.amazonaws.com", allow("sqs:SendMessage", queue.arn))
    function = function_with(cloud, role)
    with pytest.raises(ClientError, match="ReceiveMessage"):
        cloud.client("lambda").create_event_source_mapping(FunctionName=function, EventSourceArn=queue.arn)


def test_mail_goes_out_only_in_the_name_that_the_policy_gives(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html"""
    source = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        ses, to = boto3.client('ses'), {'ToAddresses': ['a@shop.example']}\n"
        "        ses.send_email(Source=event, Destination=to,\n"
        "            Message={'Subject': {'Data': 's'}, 'Body': {'Text': {'Data': 't'}}})\n"
        "    except Exception as error:\n"
        "        return type(error).__name__ + str(error)\n"
        "    return 'sent'\n"
    )
    sender = {"StringEquals": {"ses:FromAddress": "orders@shop.example"}}
    mail = allow("ses:SendEmail", f"arn:aws:ses:{cloud.region}:{cloud.account}:identity/*")
    role = role_for(cloud, "lambda.amazonaws.com", {**mail, "Condition": sender})
    function = function_with(cloud, role, source)

    def attempt(address: str) -> str:
        answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(address))
        return str(json.load(answer["Payload"]))

    assert "AccessDenied" not in attempt("orders@shop.example")
    assert "AccessDenied" in attempt("boss@shop.example")


def test_query_is_read_by_whom_its_workgroup_admits(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonathena.html"""
    athena, group = cloud.client("athena"), cloud.name("group")
    s3, bucket = cloud.client("s3"), cloud.name("results")
    s3.create_bucket(Bucket=bucket)
    cloud.undo(lambda: s3.delete_bucket(Bucket=bucket))
    results = {"ResultConfiguration": {"OutputLocation": f"s3://{bucket}/"}}
    athena.create_work_group(Name=group, Configuration=results)
    cloud.undo(lambda: athena.delete_work_group(WorkGroup=group, RecursiveDeleteOption=True))
    query = athena.start_query_execution(QueryString="SELECT 1", WorkGroup=group)["QueryExecutionId"]
    source = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        boto3.client('athena').get_query_execution(QueryExecutionId=event)\n"
        "    except Exception as error:\n"
        "        return str(error)\n"
        "    return 'read'\n"
    )
    answers = []
    for name in (group, "another"):
        arn = f"arn:aws:athena:{cloud.region}:{cloud.account}:workgroup/{name}"
        role = role_for(cloud, "lambda.amazonaws.com", allow("athena:GetQueryExecution", arn))
        function = function_with(cloud, role, source)
        payload = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(query))["Payload"]
        answers.append(str(json.load(payload)))
    assert answers[0] == "read"
    assert "AccessDenied" in answers[1]
