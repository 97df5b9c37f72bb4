"""An alarm on a dead-letter queue becomes a mail; the queue keeps its messages."""

import json
from collections.abc import Sequence

import pytest

from chalicelib.services.pipeline.mail_dead_letters import (
    Letter,
    about,
    alarmed_queues,
    mail_dead_letters,
)
from tests.unit.pipeline.builders import s3_body, s3_record, sns_body
from tests.unit.pipeline.fakes import FakeAlerts, FakeLog

DLQ = "raw-data-dlq-local"


class FakeLetters:
    def __init__(self, **counts: int) -> None:
        self.counts = counts

    def names(self) -> Sequence[str]:
        return tuple(self.counts)

    def count(self, queue: str) -> int:
        return self.counts[queue]

    def peek(self, queue: str, limit: int) -> list[Letter]:
        shown = min(self.counts[queue], limit)
        return [
            Letter(f"m{n}", "2026-11-20T12:00:00+00:00", 4, "s3://lake/raw-data/a.csv") for n in range(shown)
        ]


def alarm(queue: str = DLQ, state: str = "ALARM") -> str:
    trigger = {"Namespace": "AWS/SQS", "Dimensions": [{"name": "QueueName", "value": queue}]}
    return json.dumps({"AlarmName": "raw-data-dlq-visible-local", "NewStateValue": state, "Trigger": trigger})


def mail(letters: FakeLetters) -> FakeAlerts:
    alerts = FakeAlerts()
    mail_dead_letters(letters.names(), letters=letters, alerts=alerts, log=FakeLog())
    return alerts


def test_an_alarm_names_its_queue() -> None:
    assert alarmed_queues([alarm()], [DLQ, "other-dlq-local"]) == [DLQ]


def test_an_alarm_that_spells_its_dimensions_as_the_api_does_names_its_queue_too() -> None:
    spelled = alarm().replace('"name"', '"Name"').replace('"value"', '"Value"')
    assert alarmed_queues([spelled], [DLQ]) == [DLQ]


@pytest.mark.parametrize(
    "message",
    [
        alarm(state="OK"),
        alarm("somebody-elses-queue"),
        '{"subject": "Checks of the lake failed"}',
        "plain words",
        "[]",
        "[" * 100_000,
    ],
)
def test_other_messages_of_the_alerts_topic_mail_nothing(message: str) -> None:
    assert alarmed_queues([message], [DLQ]) == []


def test_the_mail_says_what_is_dead_where_and_how_to_redrive_it() -> None:
    subject, text = mail(FakeLetters(**{DLQ: 1})).mails[0]
    assert subject == "1 dead messages in 1 queues"
    assert "m0  sent 2026-11-20T12:00:00+00:00, received 4 times: s3://lake/raw-data/a.csv" in text
    assert "scripts.redrive --stage local redrive raw-data-dlq --reason" in text


def test_empty_queues_mail_nothing() -> None:
    assert mail(FakeLetters(**{DLQ: 0, "other": 0})).mails == []


def test_many_messages_are_counted_and_the_first_shown() -> None:
    text = mail(FakeLetters(**{DLQ: 25})).mails[0][1]
    assert (text.count("sent 2026"), "and 5 more" in text) == (20, True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (s3_body(s3_record("raw-data/a.csv")), "s3://order-lake-local-000000000000/raw-data/a.csv"),
        (sns_body(s3_body(s3_record("raw-data/a.csv"))), "s3://order-lake-local-000000000000/raw-data/a.csv"),
        (
            '{"type": "Order Placed", "id": "e1", "orderId": "ORD-1"}',
            "type Order Placed, id e1, orderId ORD-1",
        ),
        ('{"detail": {"jobName": "etl-job", "state": "FAILED"}}', "jobName etl-job, state FAILED"),
        ('{"requestPayload": {"run_id": "run-1"}}', "run_id run-1"),
        ("rubbish", "not JSON, 7 characters"),
        ("7", "nothing known by its ids"),
        ('{"Records": [7]}', "nothing known by its ids"),
        ('{"Records": 7}', "nothing known by its ids"),
        ('{"Records": [{"s3": 7}, {"s3": {"object": {}}}]}', "nothing known by its ids"),
        (sns_body("rubbish"), "a notification that is not JSON"),
        ("[" * 100_000, "not JSON, 100000 characters"),
        (sns_body('{"a":' * 100_000), "a notification that is not JSON"),
    ],
)
def test_a_dead_message_is_told_by_its_ids(body: str, said: str) -> None:
    assert about(body) == said


def test_the_mail_holds_nothing_personal_of_a_message() -> None:
    told = about('{"type": "Order Placed", "customer": {"name": "Jane Doe", "email": "jane@example.com"}}')
    assert told == "type Order Placed"
