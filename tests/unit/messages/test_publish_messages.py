"""A batch is checked as a whole before anything is published, and is sorted by the type it will have."""

from typing import Any

import pytest

from chalicelib.domain.errors import ThrottledError
from chalicelib.services.messages.model import BadRequestError
from chalicelib.services.messages.publish_messages import LONGEST_BODY, MOST, publish_messages
from tests.unit.messages.builders import Clock, FakeTopic

EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:message-workflow-local:run-1"


def publish(topic: FakeTopic, *messages: Any, **changed: Any) -> dict[str, Any]:
    task = {"input": {"messages": list(messages), **changed}, "execution": EXECUTION}
    return publish_messages(topic, Clock(), task)


def test_ids_come_back_by_the_type_that_each_message_will_be_stored_under() -> None:
    topic = FakeTopic()
    answer = publish(
        topic,
        {"type": "notification", "subject": "Hello", "body": "text"},
        {"type": "critical_alert", "body": {"cause": "größer"}},
        {"type": "gossip", "body": "x"},
        {"body": "y", "key": "mine"},
    )
    assert answer["published"] == {
        "notification": [{"messageId": "sns-0", "key": "run-1/0"}],
        "critical_alert": [{"messageId": "sns-1", "key": "run-1/1"}],
        "unrouted": [{"messageId": "sns-2", "key": "run-1/2"}, {"messageId": "sns-3", "key": "mine"}],
    }
    assert answer["count"] == 4
    assert [message.kind for message in topic.sent] == ["notification", "critical_alert", "gossip", None]
    assert topic.sent[1].body == '{"cause": "größer"}'


def test_second_try_of_an_execution_uses_the_same_keys() -> None:
    first, second = FakeTopic(), FakeTopic()
    for topic in (first, second):
        publish(topic, {"type": "notification", "body": "a"}, {"type": "notification", "body": "b"})
    assert [message.key for message in first.sent] == [message.key for message in second.sent]


def test_deadline_is_as_far_as_the_input_says() -> None:
    assert publish(FakeTopic(), {"body": "a"}, waitSeconds=30)["deadline"] == "2026-11-20T12:00:30.000000Z"
    assert publish(FakeTopic(), {"body": "a"})["deadline"] == "2026-11-20T12:20:00.000000Z"


REFUSED: dict[str, dict[str, Any]] = {
    "messages must be a list": {"messages": "all"},
    f"1 to {MOST} messages": {"messages": []},
    "1 to 500": {"messages": [{"body": "a"}] * (MOST + 1)},
    "messages[0] must be an object": {"messages": ["a"]},
    "messages[1] body must be a text": {"messages": [{"body": "a"}, {"type": "notification"}]},
    "has no field 'text'": {"messages": [{"body": "a", "text": "b"}]},
    "type must be a text": {"messages": [{"body": "a", "type": " "}]},
    "subject must be a text": {"messages": [{"body": "a", "subject": "x" * 101}]},
    "key must be a text": {"messages": [{"body": "a", "key": 7}]},
    "key 'k' is given more than once": {"messages": [{"body": "a", "key": "k"}, {"body": "b", "key": "k"}]},
    "no NUL": {"messages": [{"body": "a\0"}]},
    f"{LONGEST_BODY} bytes": {"messages": [{"body": "ä" * LONGEST_BODY}]},
    "waitSeconds must be": {"messages": [{"body": "a"}], "waitSeconds": 0},
    "waitSeconds must be an integer": {"messages": [{"body": "a"}], "waitSeconds": True},
}


@pytest.mark.parametrize("problem", REFUSED)
def test_bad_request_is_refused_before_anything_is_published(problem: str) -> None:
    topic = FakeTopic()
    with pytest.raises(BadRequestError) as refused:
        publish_messages(topic, Clock(), {"input": REFUSED[problem], "execution": EXECUTION})
    assert problem in str(refused.value)
    assert topic.sent == []


@pytest.mark.parametrize("task", [{}, {"input": None}, {"input": {"messages": [{"body": "a"}]}}])
def test_request_without_input_or_execution_is_refused(task: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        publish_messages(FakeTopic(), Clock(), task)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(BadRequestError) as refused:
        publish(FakeTopic(), {"body": ""}, {"body": "a", "type": 1}, waitSeconds="long")
    assert str(refused.value).count(";") == 2


def test_throttled_topic_is_a_fault_that_passes() -> None:
    with pytest.raises(ThrottledError):
        publish(FakeTopic(fault=ThrottledError("slow down")), {"body": "a"})
