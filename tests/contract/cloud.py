"""Queues, topics, functions and machines for one test, by plain boto3, the same on the engine and on AWS."""

import contextlib
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable
from typing import Any, TypeVar

import boto3
from botocore.config import Config

T = TypeVar("T")
_RUNTIME = "python3.12"


def eventually(look: Callable[[], T], seconds: float = 15.0) -> T:
    """The first true answer of `look`; AssertionError when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"nothing came within {seconds:g} s, last answer {answer!r}"
        time.sleep(0.03)  # a pause between looks, not a wait for the outcome


def archive(source: str) -> bytes:
    """A Lambda package with this source as app.py."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as files:
        files.writestr("app.py", source)
    return package.getvalue()


class Cloud:
    """Every resource gets this test's own name; `clean` deletes in reverse order of making."""

    def __init__(self, endpoint: str | None) -> None:
        self.endpoint = endpoint
        self._settings: dict[str, Any] = {}
        if endpoint:
            self._settings = {
                "endpoint_url": endpoint,
                "region_name": "us-east-1",
                "aws_access_key_id": "test",
                "aws_secret_access_key": "test",
            }
        self._clients: dict[str, Any] = {}
        self._undo: list[Callable[[], Any]] = []
        self.account: str = self.client("sts").get_caller_identity()["Account"]
        self.region: str = self.client("sts").meta.region_name

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(service, **self._settings)
        return self._clients[service]

    def at_once(self, service: str) -> Any:
        """A client that tells the first answer and tries nothing again."""
        return boto3.client(service, **self._settings, config=Config(retries={"total_max_attempts": 1}))

    def name(self, what: str = "contract") -> str:
        return f"{what}-{uuid.uuid4().hex[:12]}"

    def undo(self, step: Callable[[], Any]) -> None:
        self._undo.append(step)

    def clean(self) -> None:
        for step in reversed(self._undo):
            with contextlib.suppress(Exception):
                step()

    def queue(self, **attributes: str) -> "Queue":
        """A queue that any AWS service of this account may send to."""
        sqs, name = self.client("sqs"), self.name("queue")
        arn = f"arn:aws:sqs:{self.region}:{self.account}:{name}"
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                }
            ],
        }
        url = sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy), **attributes})[
            "QueueUrl"
        ]
        self.undo(lambda: sqs.delete_queue(QueueUrl=url))
        return Queue(sqs, url, arn)

    def topic(self) -> str:
        sns = self.client("sns")
        arn: str = sns.create_topic(Name=self.name("topic"))["TopicArn"]
        self.undo(lambda: sns.delete_topic(TopicArn=arn))
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["events.amazonaws.com", "cloudwatch.amazonaws.com"]},
                    "Action": "sns:Publish",
                    "Resource": arn,
                }
            ],
        }
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))
        return arn

    def role(self, service: str) -> str:
        """A role for `service` that may do everything the tests need."""
        iam, name = self.client("iam"), self.name("role")
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
        }
        actions = [
            "lambda:InvokeFunction",
            "sqs:*",
            "sns:Publish",
            "logs:*",
            "states:*",
            "events:*",
            "glue:*",
        ]
        policy = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
        }
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        self.undo(lambda: iam.delete_role(RoleName=name))
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        self.undo(lambda: iam.delete_role_policy(RoleName=name, PolicyName="all"))
        return arn

    def function(self, source: str, **settings: Any) -> str:
        """The ARN of a new function whose handler is `app.handler`."""
        client, name, role = self.client("lambda"), self.name("function"), self.role("lambda.amazonaws.com")

        def create() -> Any:
            try:
                return client.create_function(
                    FunctionName=name,
                    Runtime=_RUNTIME,
                    Handler="app.handler",
                    Role=role,
                    Code={"ZipFile": archive(source)},
                    **settings,
                )
            except client.exceptions.InvalidParameterValueException:
                return None  # a new role needs some seconds on AWS

        arn: str = eventually(create, 60)["FunctionArn"]
        self.undo(lambda: client.delete_function(FunctionName=name))
        client.get_waiter("function_active_v2").wait(FunctionName=name)
        return arn

    def reporter(self, queue: "Queue", **settings: Any) -> str:
        """A function that sends each event it gets to a queue."""
        source = (
            "import boto3, json, os\n"
            "def handler(event, context):\n"
            "    sqs = boto3.client('sqs')\n"
            "    sqs.send_message(QueueUrl=os.environ['URL'], MessageBody=json.dumps(event))\n"
        )
        return self.function(source, Environment={"Variables": {"URL": queue.url}}, Timeout=10, **settings)

    def allow(self, function: str, service: str) -> None:
        self.client("lambda").add_permission(
            FunctionName=function,
            StatementId=self.name("allow"),
            Action="lambda:InvokeFunction",
            Principal=service,
        )

    def rule(self, bus: str, source: str, *targets: dict[str, Any]) -> str:
        """A rule on this source with the given targets; its ARN."""
        events, name = self.client("events"), self.name("rule")
        pattern = json.dumps({"source": [source]})
        arn: str = events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)["RuleArn"]
        self.undo(lambda: events.delete_rule(Name=name, EventBusName=bus))
        ids = [f"t{i}" for i, _ in enumerate(targets)]
        wanted = [{"Id": i, **target} for i, target in zip(ids, targets, strict=True)]
        answer = events.put_targets(Rule=name, EventBusName=bus, Targets=wanted)
        assert answer["FailedEntryCount"] == 0
        self.undo(lambda: events.remove_targets(Rule=name, EventBusName=bus, Ids=ids))
        return arn

    def bus(self) -> str:
        events, name = self.client("events"), self.name("bus")
        events.create_event_bus(Name=name)
        self.undo(lambda: events.delete_event_bus(Name=name))
        return name

    def put_event(self, bus: str, source: str, detail: Any, kind: str = "Order Placed") -> None:
        entry = {"EventBusName": bus, "Source": source, "DetailType": kind, "Detail": json.dumps(detail)}
        assert self.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    def machine(self, definition: dict[str, Any]) -> str:
        states, role = self.client("stepfunctions"), self.role("states.amazonaws.com")
        arn: str = states.create_state_machine(
            name=self.name("machine"), definition=json.dumps(definition), roleArn=role
        )["stateMachineArn"]
        self.undo(lambda: states.delete_state_machine(stateMachineArn=arn))
        return arn

    def run(self, machine: str, given: Any, seconds: float = 20.0) -> dict[str, Any]:
        """Start an execution and return its description once it has ended."""
        states = self.client("stepfunctions")
        arn = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
        return self.ended(arn, seconds)

    def ended(self, execution: str, seconds: float = 20.0) -> dict[str, Any]:
        def look() -> dict[str, Any]:
            found: dict[str, Any] = self.client("stepfunctions").describe_execution(executionArn=execution)
            return {} if found["status"] == "RUNNING" else found

        return eventually(look, seconds)


class Queue:
    """One queue and what a test reads from it."""

    def __init__(self, sqs: Any, url: str, arn: str) -> None:
        self._sqs = sqs
        self.url = url
        self.arn = arn

    def send(self, body: str) -> str:
        return str(self._sqs.send_message(QueueUrl=self.url, MessageBody=body)["MessageId"])

    def receive(self, seconds: float = 15.0) -> dict[str, Any]:
        """The next message, deleted from the queue."""

        def look() -> Any:
            answer = self._sqs.receive_message(
                QueueUrl=self.url,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
                WaitTimeSeconds=1,
            )
            return answer.get("Messages")

        message: dict[str, Any] = eventually(look, seconds)[0]
        self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return message

    def body(self, seconds: float = 15.0) -> Any:
        """The next message's body, decoded."""
        return json.loads(self.receive(seconds)["Body"])

    def attributes(self, seconds: float = 15.0) -> tuple[Any, dict[str, str]]:
        """The next message's body and its string attributes."""
        message = self.receive(seconds)
        named = message.get("MessageAttributes", {})
        return json.loads(message["Body"]), {k: v["StringValue"] for k, v in named.items()}

    def depth(self) -> int:
        answer = self._sqs.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])
