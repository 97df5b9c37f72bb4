"""What SNS delivers is read strictly; everything else is poison."""

import json
from typing import Any

import pytest

from chalicelib.services.messages.model import UNROUTED, BadMessageError
from chalicelib.services.messages.read_messages import read_message
from tests.unit.messages.builders import NOW, envelope


def test_message_keeps_the_id_type_key_and_time_of_sns() -> None:
    message = read_message(json.dumps(envelope(7, "critical_alert", key="k-7")))
    assert (message.message_id, message.kind, message.key) == ("sns-00007", "critical_alert", "k-7")
    assert (message.subject, message.body) == ("Subject 7", "Text 7")
    assert (NOW - message.published_at).total_seconds() == 60


@pytest.mark.parametrize("declared", ["operator_action", "unrouted", "NOTIFICATION", "", None])
def test_message_of_any_other_type_or_of_none_is_unrouted(declared: str | None) -> None:
    message = read_message(json.dumps(envelope(1, declared)))
    assert (message.kind, message.declared) == (UNROUTED, declared)


def test_message_without_attributes_and_subject_is_read() -> None:
    bare = {name: value for name, value in envelope().items() if name not in ("MessageAttributes", "Subject")}
    message = read_message(json.dumps(bare))
    assert (message.kind, message.key, message.subject) == (UNROUTED, None, None)


BROKEN: dict[str, Any] = {
    "not JSON": "{",
    "deeper than JSON is read": "[" * 100_000,
    "a list": "[]",
    "raw": json.dumps({"orderId": "ORD-1"}),
    "a confirmation": json.dumps(envelope(Type="SubscriptionConfirmation")),
    "an id that is a number": json.dumps(envelope(MessageId=1)),
    "no time": json.dumps(envelope(Timestamp="soon")),
    "a time without zone": json.dumps(envelope(Timestamp="2026-11-20T11:59:00")),
    "a body that is no text": json.dumps(envelope(Message={"a": 1})),
    "attributes of another form": json.dumps(envelope(MessageAttributes={"type": "notification"})),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_sns_never_sends_is_refused(what: str) -> None:
    with pytest.raises(BadMessageError):
        read_message(BROKEN[what])
