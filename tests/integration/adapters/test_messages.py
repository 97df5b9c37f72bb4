"""Mail, text messages and operators' topics: what is sent, and what a failure means."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from moto.sns.models import sns_backends

from chalicelib.adapters.mail import Mail
from chalicelib.adapters.notifier import Notifier
from chalicelib.adapters.sms import TextMessages
from chalicelib.adapters.topics import OperatorTopics
from chalicelib.domain.errors import MessageRefusedError, ThrottledError
from chalicelib.services.ports import Message
from tests.integration.adapters.conftest import client

SENDER = "orders@shop.example"


class Broken:
    """A client whose every call fails the same way."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls += 1
            raise self._fault

        return call


def refusal(code: str, status: int = 400) -> ClientError:
    answer = {
        "Error": {"Code": code, "Message": "for jane@home.example"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "SendEmail")


def message(channel: str, recipient: str | None = None) -> Message:
    return Message(
        channel=channel, about="completed", order_id="ORD-1", correlation_id="c-1",
        subject="Order ORD-1 Update", text="Order ORD-1 has been completed!", recipient=recipient,
    )  # fmt: skip


class Received:
    """A queue on both operators' topics."""

    def __init__(self) -> None:
        sns, self._sqs = client("sns"), client("sqs")
        self._queue = self._sqs.create_queue(QueueName="operators")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        self.topics = [
            sns.create_topic(Name=name)["TopicArn"] for name in ("order-notifications", "operational-alerts")
        ]
        for topic in self.topics:
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def operators(self) -> OperatorTopics:
        return OperatorTopics(self.topics[0], self.topics[1], client("sns"))

    def one(self) -> dict[str, Any]:
        answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        [got] = answer["Messages"]
        body: dict[str, Any] = json.loads(got["Body"])
        return body


def notifier(received: Received) -> Notifier:
    ses, sns = client("ses"), client("sns")
    ses.verify_email_identity(EmailAddress=SENDER)
    return Notifier(
        Mail(SENDER, ses), TextMessages(sns), OperatorTopics(received.topics[0], received.topics[1], sns)
    )


def test_mail_goes_out_by_ses() -> None:
    notifier(Received()).send(message("email", "jane@home.example"))
    assert client("ses").get_send_quota()["SentLast24Hours"] == 1


def test_text_message_goes_to_a_number_and_to_no_topic() -> None:
    received = Received()
    notifier(received).send(message("sms", "+15550100200"))
    sent = sns_backends["123456789012"]["us-east-1"].sms_messages
    assert list(sent.values()) == [("+15550100200", "Order ORD-1 has been completed!")]


def test_operators_hear_through_their_topic_with_the_type_notification() -> None:
    received = Received()
    notifier(received).send(message("operators"))
    got = received.one()
    assert (got["TopicArn"], got["Subject"]) == (received.topics[0], "Order ORD-1 Update")
    assert got["MessageAttributes"]["type"]["Value"] == "notification"


def test_alert_is_a_critical_alert_with_the_order_s_id() -> None:
    received = Received()
    notifier(received).alert("Compensation failed", "void was refused", "ORD-1", "c-1")
    got = received.one()
    assert (got["TopicArn"], got["MessageAttributes"]["type"]["Value"]) == (
        received.topics[1],
        "critical_alert",
    )
    assert json.loads(got["Message"])["orderId"] == "ORD-1"


def test_subject_is_one_line_of_ascii_within_the_limit() -> None:
    received = Received()
    OperatorTopics(received.topics[0], received.topics[1], client("sns")).notify(
        "Zürich\nline " + "x" * 200, "text"
    )
    subject = received.one()["Subject"]
    assert subject.startswith("Z?rich line x")
    assert len(subject) == 100


@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        (refusal("Throttling"), ThrottledError),  # surely not sent: may be tried again
        (EndpointConnectionError(endpoint_url="https://email"), ThrottledError),
        (refusal("MessageRejected"), MessageRefusedError),  # never will be
        (refusal("InternalFailure", 500), ClientError),  # unknown
        (ReadTimeoutError(endpoint_url="https://email"), ReadTimeoutError),
    ],
)
def test_failure_says_whether_the_mail_was_sent(fault: Exception, meaning: type[Exception]) -> None:
    broken = Broken(fault)
    with pytest.raises(meaning):
        Mail(SENDER, broken).send("jane@home.example", "subject", "text")
    assert broken.calls == 1


def test_refusal_does_not_quote_the_address() -> None:
    with pytest.raises(MessageRefusedError) as refused:
        Mail(SENDER, Broken(refusal("MessageRejected"))).send("jane@home.example", "subject", "text")
    assert "jane" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_unknown_channel_is_refused_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no way to send on channel 'pigeon'"):
        notifier(Received()).send(message("pigeon"))
    assert '"NotificationFailures": 1' in capsys.readouterr().out


def test_client_for_messages_never_repeats_a_call() -> None:
    from chalicelib.adapters import clients

    assert clients.once_client("ses").meta.config.retries["total_max_attempts"] == 1
