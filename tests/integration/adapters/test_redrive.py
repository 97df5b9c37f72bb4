"""Dead letters are listed, shown and taken back to where they belong, with a reason."""

import io
import json
import zipfile
from typing import Any

import boto3
import pytest

from scripts import redrive
from scripts.dead_letters.letters import DeadLetter, age_of
from tests.integration.adapters.conftest import REGION, client

ACCOUNT = "123456789012"
BUS_LETTERS = "bus-delivery-dlq-local"
EVENT = {"detail-type": "Order Placed", "detail": {"orderId": "ORD-1", "customer": "Jane Doe"}}


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def queue(name: str, dead_letters: str | None = None) -> str:
    policy = {"deadLetterTargetArn": arn(dead_letters), "maxReceiveCount": 3} if dead_letters else None
    attributes = {"RedrivePolicy": json.dumps(policy)} if policy else {}
    return str(client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def send(url: str, body: Any, **attributes: str) -> str:
    message = body if isinstance(body, str) else json.dumps(body)
    given = {name: text(value) for name, value in attributes.items()}
    return str(
        client("sqs").send_message(QueueUrl=url, MessageBody=message, MessageAttributes=given)["MessageId"]
    )


def messages(url: str) -> list[dict[str, Any]]:
    got = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    found: list[dict[str, Any]] = got.get("Messages", [])
    return found


def run(*argv: str) -> int:
    return redrive.main(["--stage", "local", *argv], boto3.Session(region_name=REGION), 0)


def take_back(name: str, *more: str) -> int:
    return run("redrive", name, "--reason", "fixed the consumer", *more)


@pytest.fixture
def processing() -> tuple[str, str]:
    letters = queue("order-processing-dlq-local")
    return queue("order-processing-queue-local", "order-processing-dlq-local"), letters


def rule(target: str, **how: str) -> dict[str, str]:
    """Attributes that EventBridge gives to a dead letter of this target."""
    events, bus = client("events"), "order-event-bus-local"
    events.create_event_bus(Name=bus)
    events.put_rule(Name="r", EventBusName=bus, EventPattern='{"source": ["order.service"]}')
    target_of_rule = {"Id": "1", "Arn": target, "RoleArn": role(), **how}
    events.put_targets(Rule="r", EventBusName=bus, Targets=[target_of_rule])
    return {
        "RULE_ARN": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/order-event-bus-local/r",
        "TARGET_ARN": target,
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "not authorized",
    }


def role() -> str:
    iam = client("iam")
    try:
        return str(iam.get_role(RoleName="any")["Role"]["Arn"])
    except iam.exceptions.NoSuchEntityException:
        return str(iam.create_role(RoleName="any", AssumeRolePolicyDocument="{}")["Role"]["Arn"])


def function() -> str:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "")
    made = client("lambda").create_function(
        FunctionName="orders-local-sweep-orders", Runtime="python3.12", Role=role(), Handler="app.run",
        Code={"ZipFile": code.getvalue()},
    )  # fmt: skip
    return str(made["FunctionArn"])


class Recorded:
    """A session that keeps what is sent to Lambda, which moto cannot run without containers."""

    def __init__(self) -> None:
        self.invoked: list[dict[str, Any]] = []

    def client(self, service: str) -> Any:
        return self if service == "lambda" else client(service)

    def invoke(self, **arguments: Any) -> None:
        self.invoked.append(arguments)


def test_letter_of_a_queue_goes_back_to_its_source_with_the_reason(processing: tuple[str, str]) -> None:
    source, letters = processing
    send(letters, {"orderId": "ORD-1"}, trace="t-1")

    assert take_back("order-processing-dlq") == 0

    [message] = messages(source)
    assert json.loads(message["Body"]) == {"orderId": "ORD-1"}
    given = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert given == {"trace": "t-1", "RedriveReason": "fixed the consumer"}
    assert messages(letters) == []


def test_dry_run_says_where_and_moves_nothing(
    processing: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    source, letters = processing
    message_id = send(letters, {"orderId": "ORD-1"})

    assert take_back("order-processing-dlq", "--dry-run") == 0

    assert f"{message_id}  → queue order-processing-queue-local" in capsys.readouterr().out
    assert (len(messages(source)), len(messages(letters))) == (0, 1)


def test_one_letter_can_be_chosen(processing: tuple[str, str]) -> None:
    source, letters = processing
    send(letters, "first")
    chosen = send(letters, "second")

    assert take_back("order-processing-dlq", "--message-id", chosen) == 0

    assert [message["Body"] for message in messages(source)] == ["second"]
    assert [message["Body"] for message in messages(letters)] == ["first"]


def test_unknown_letter_is_an_error(processing: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert take_back("order-processing-dlq", "--message-id", "nobody") == 1
    assert "no message 'nobody'" in capsys.readouterr().err


def test_reason_is_required(processing: tuple[str, str]) -> None:
    for argv in (["redrive", "order-processing-dlq"], ["redrive", "order-processing-dlq", "--reason", " x "]):
        with pytest.raises(SystemExit):
            run(*argv)


def test_operators_learn_of_a_redrive(
    processing: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, letters = processing
    sns = client("sns")
    topic = sns.create_topic(Name="order-notifications-local")["TopicArn"]
    seen = queue("unrouted-messages-local")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("unrouted-messages-local"))
    send(letters, "a letter")

    take_back("order-processing-dlq")

    notification = json.loads(messages(seen)[0]["Body"])
    assert notification["MessageAttributes"]["type"]["Value"] == "notification"
    assert json.loads(notification["Message"])["reason"] == "fixed the consumer"
    assert '"message": "operator action"' in capsys.readouterr().out


def test_undelivered_event_goes_to_its_own_queue_through_the_rule_s_input_path() -> None:
    target = queue("order-processing-queue-local")
    letters = queue(BUS_LETTERS)
    send(letters, EVENT, **rule(arn("order-processing-queue-local"), InputPath="$.detail"))

    assert take_back("bus-delivery-dlq") == 0

    assert [json.loads(message["Body"]) for message in messages(target)] == [EVENT["detail"]]


def test_undelivered_event_starts_its_workflow() -> None:
    stepfunctions = client("stepfunctions")
    machine = stepfunctions.create_state_machine(
        name="order-processing-workflow-local",
        definition='{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}',
        roleArn=role(),
    )["stateMachineArn"]
    letters = queue(BUS_LETTERS)
    send(letters, EVENT, **rule(machine, InputPath="$.detail"))

    assert take_back("bus-delivery-dlq") == 0

    [execution] = stepfunctions.list_executions(stateMachineArn=machine)["executions"]
    given = stepfunctions.describe_execution(executionArn=execution["executionArn"])["input"]
    assert json.loads(given) == EVENT["detail"]


def test_undelivered_event_is_published_to_its_topic() -> None:
    sns = client("sns")
    topic = sns.create_topic(Name="order-events-local")["TopicArn"]
    seen = queue("order-processing-queue-local")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("order-processing-queue-local"))
    letters = queue(BUS_LETTERS)
    send(letters, EVENT, **rule(topic))

    assert take_back("bus-delivery-dlq") == 0

    assert json.loads(json.loads(messages(seen)[0]["Body"])["Message"]) == EVENT


def test_event_of_a_target_that_is_gone_stays(capsys: pytest.CaptureFixture[str]) -> None:
    letters = queue(BUS_LETTERS)
    attributes = rule(arn("order-processing-queue-local")) | {"TARGET_ARN": arn("another-queue")}
    send(letters, EVENT, **attributes)

    assert take_back("bus-delivery-dlq") == 1

    assert "stays: rule 'r' no longer has the target" in capsys.readouterr().out
    assert len(messages(letters)) == 1


def test_failed_invocation_is_invoked_again_with_its_own_event() -> None:
    letters, session, arn_of = queue("function-failure-dlq-local"), Recorded(), function()
    send(
        letters,
        {
            "requestContext": {"functionArn": f"{arn_of}:$LATEST", "condition": "RetriesExhausted"},
            "requestPayload": {"detail-type": "Scheduled Event"},
            "responsePayload": {"errorType": "DatabaseUnavailableError", "errorMessage": "no route"},
        },
    )

    assert redrive.main(["redrive", "function-failure-dlq", "--reason", "database is back"], session, 0) == 0

    [call] = session.invoked
    assert (call["FunctionName"], call["InvocationType"]) == (arn_of, "Event")
    assert json.loads(call["Payload"]) == {"detail-type": "Scheduled Event"}
    assert messages(letters) == []


def notification(topic: str, subscription: str) -> dict[str, str]:
    link = f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={subscription}"
    return {
        "Type": "Notification",
        "TopicArn": topic,
        "Message": "{}",
        "MessageId": "m-1",
        "UnsubscribeURL": link,
    }


@pytest.mark.parametrize(("known", "reached"), [(True, [0, 1]), (False, [1, 1])])
def test_undelivered_notification_goes_to_its_subscriber_or_to_all_of_the_topic(
    known: bool, reached: list[int]
) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name="order-events-local")["TopicArn"]
    queues = [queue(name) for name in ("order-processing-queue-local", "lake-export-queue-local")]
    subscriptions = [
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn(url.rsplit("/", 1)[-1]))["SubscriptionArn"]
        for url in queues
    ]
    letters = queue(BUS_LETTERS)
    send(letters, notification(topic, subscriptions[1] if known else "arn:aws:sns:of-somebody-else"))

    assert take_back("bus-delivery-dlq") == 0

    assert [len(messages(url)) for url in queues] == reached


def test_undelivered_notification_of_a_function_becomes_its_event() -> None:
    sns, session, arn_of = client("sns"), Recorded(), function()
    topic = sns.create_topic(Name="order-events-local")["TopicArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn_of)["SubscriptionArn"]
    letters = queue(BUS_LETTERS)
    send(letters, notification(topic, subscription))

    assert redrive.main(["redrive", "bus-delivery-dlq", "--reason", "function is back"], session, 0) == 0

    [record] = json.loads(session.invoked[0]["Payload"])["Records"]
    assert (record["Sns"]["MessageId"], record["EventSubscriptionArn"]) == ("m-1", subscription)


def test_letter_without_any_sender_stays(capsys: pytest.CaptureFixture[str]) -> None:
    letters = queue("orphans-dlq-local")
    send(letters, "who am I")
    assert take_back("orphans-dlq") == 1
    assert "stays: 0 queues have their dead letters here" in capsys.readouterr().out
    assert len(messages(letters)) == 1


PERSONAL = {
    "orderId": "12345",
    "customer": "Jane Smithers",
    "items": [{"shipping": {"name": "Jane Smithers"}}],
}
IN_TEXT = json.dumps(PERSONAL)
ORIGINS = ("queue", "subscription", "rule", "function")


def dead(origin: str, order: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """Body and attributes of a letter that died there, with the order as JSON within its text."""
    text, enveloped = json.dumps(order), json.dumps({"detail": order})
    if origin == "queue":
        return {"Type": "Notification", "Message": enveloped}, {}
    if origin == "subscription":
        return {"Type": "Notification", "TopicArn": "arn", "Message": text}, {}
    if origin == "rule":
        attributes = {"TARGET_ARN": "arn:aws:lambda:x:y:function:z", "ERROR_CODE": "E", "ERROR_MESSAGE": "no"}
        return {"detail-type": "Execution Status Change", "detail": {"input": text}}, attributes
    quoting = "duplicate key\nDETAIL: (name)=(Jane Smithers), jane@example.com"
    return {
        "requestContext": {"functionArn": "arn", "condition": "RetriesExhausted"},
        "requestPayload": {"Records": [{"Sns": {"Message": enveloped}}]},
        "responsePayload": {"errorType": "UniqueViolation", "errorMessage": quoting},
    }, {}


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("wrapped", [0, 1, 2])
def test_show_names_the_order_and_not_the_customer(
    origin: str, wrapped: int, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = queue(BUS_LETTERS)
    body, attributes = dead(origin, PERSONAL)
    inner = json.dumps(body)
    for _ in range(wrapped):  # as a queue behind a topic behind a queue would have it
        inner = json.dumps({"Type": "Notification", "TopicArn": "arn", "Message": inner})
    send(letters, inner, **attributes)

    assert run("list") == 0
    assert run("show", "bus-delivery-dlq") == 0

    shown = capsys.readouterr().out
    assert '"orderId": "12345"' in shown
    assert "Jane" not in shown
    assert "jane" not in shown


@pytest.mark.parametrize("message", [IN_TEXT[:-3], json.dumps(IN_TEXT)[:-3], "[" * 900 + IN_TEXT + "]" * 900])
def test_show_of_text_that_was_json_once_tells_its_length_only(
    message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = queue(BUS_LETTERS)
    send(letters, message)
    send(letters, {"Message": message, "cause": "[Errno 111] Connection refused"})

    assert run("show", "bus-delivery-dlq") == 0

    shown = capsys.readouterr().out
    assert shown.count(f"unreadable, {len(message)} characters") == 2
    assert "[Errno 111] Connection refused" in shown
    assert "Jane" not in shown


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(("own", "expected"), [({}, "12345"), ({"correlationId": "trace-7"}, "trace-7")])
def test_redrive_is_logged_with_the_ids_of_the_letter_s_order(
    origin: str,
    own: dict[str, str],
    expected: str,
    processing: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    body, _ = dead(origin, PERSONAL | own)  # all in a queue of one source: where each goes is not the point
    send(processing[1], body)

    assert redrive.main(["redrive", "order-processing-dlq", "--reason", "fixed it"], Recorded(), 0) == 0

    [line] = [json.loads(one) for one in capsys.readouterr().out.splitlines() if one.startswith("{")]
    assert (line["order_id"], line["correlation_id"]) == ("12345", expected)
    assert "Jane" not in json.dumps(line)


POISON = [
    "[" * 100_000,
    '{"requestContext": ' * 900 + "1" + "}" * 900,
    '{"requestContext": null}',
    '{"requestContext": {"functionArn": "arn:of:a:function"}, "responsePayload": "killed"}',
    '{"Type": "Notification", "Message": "{}"}',
    "[]",
]


@pytest.mark.parametrize("body", POISON)
def test_poisoned_letter_is_listed_shown_and_taken_back_or_stays(
    body: str, processing: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    source, letters = processing
    send(letters, body)
    send(letters, {"orderId": "ORD-1"})

    assert run("list") == 0
    assert run("show", "order-processing-dlq") == 0
    assert '"orderId": "ORD-1"' in capsys.readouterr().out
    stuck = take_back("order-processing-dlq")

    assert len(messages(source)) == 2 - stuck
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("how", [{}, {"InputPath": "$.detail"}])
def test_unreadable_event_of_a_rule_goes_on_as_it_is_or_stays_where_it_would_have_to_be_cut(
    how: dict[str, str],
) -> None:
    target, letters = queue("order-processing-queue-local"), queue(BUS_LETTERS)
    deep = '{"detail": %s}' % ("[" * 900 + "]" * 900)  # fmt: skip
    send(letters, deep, **rule(arn("order-processing-queue-local"), **how))

    assert take_back("bus-delivery-dlq") == len(how)

    assert [message["Body"] for message in messages(target)] == [deep] * (1 - len(how))


def test_list_shows_every_queue_alike(
    processing: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    queue("raw-data-dlq-prod")
    letters = queue(BUS_LETTERS)
    send(
        letters,
        EVENT,
        TARGET_ARN="arn:aws:sns:x:y:z",
        ERROR_CODE="NO_PERMISSIONS",
        ERROR_MESSAGE="not authorized",
    )

    assert run("list") == 0

    shown = capsys.readouterr().out
    assert "NO_PERMISSIONS: not authorized" in shown
    lines = {line.split()[0]: line.split()[1] for line in shown.splitlines()[1:] if not line.startswith(" ")}
    assert lines == {"bus-delivery-dlq": "1", "order-processing-dlq": "0"}
    assert "order-processing-queue-local" in shown


def test_show_of_an_empty_queue_says_so(
    processing: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "order-processing-dlq") == 0
    assert capsys.readouterr().out == "no letters\n"


def test_show_leaves_personal_data_out_and_the_letter_in(
    processing: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, letters = processing
    send(letters, {"orderId": "ORD-1", "customer": "Jane Doe", "note": "call jane@home.example"})

    assert run("show", "order-processing-dlq") == 0

    shown = capsys.readouterr().out
    assert "ORD-1" in shown
    assert "Jane" not in shown
    assert "jane@home" not in shown
    assert len(messages(letters)) == 1


def test_unknown_queue_is_an_error_that_names_the_known(
    processing: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "order-processing-queue") == 1
    assert "one of order-processing-dlq" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("system", "origin", "error"),
    [
        ({}, "subscription", "the subscription could not be delivered"),
        (
            {"DeadLetterQueueSourceArn": "arn:aws:sqs:us-east-1:000000000000:order-processing-queue-local"},
            "queue",
            "given up by its consumer, whose log says why",
        ),
    ],
)
def test_notification_that_was_delivered_is_blamed_on_its_consumer(
    system: dict[str, str], origin: str, error: str
) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html"""
    body = json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:000000000000:order-events"})
    letter = DeadLetter.received({"MessageId": "m", "ReceiptHandle": "r", "Body": body, "Attributes": system})
    assert (letter.origin, letter.error) == (origin, error)


def test_ages_read_well() -> None:
    assert [age_of(seconds) for seconds in (0, 59, 61, 3_600, 90_061)] == [
        "0s",
        "59s",
        "1m 1s",
        "1h",
        "1d 1h",
    ]
