"""The comparison of recorded calls with policy documents."""

import json
from pathlib import Path

from scripts.local_cloud.iam_check import Call, Grant, allows, denied, read_calls, unused

QUEUE = "arn:aws:sqs:us-east-1:000000000000:orders"
POLICY = {
    "Statement": [
        {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:Get*"], "Resource": QUEUE},
        {"Effect": "Deny", "Action": "sqs:GetQueueUrl", "Resource": "*"},
    ]
}


def call(action: str, resource: str = QUEUE, *, allowed: bool = True) -> Call:
    return Call("role/writer", action, resource, allowed)


def test_action_is_allowed_on_the_named_resource_only() -> None:
    assert allows([POLICY], call("sqs:SendMessage"))
    assert not allows([POLICY], call("sqs:SendMessage", QUEUE + "-2"))
    assert not allows([POLICY], call("sqs:ReceiveMessage"))


def test_deny_wins_over_a_wildcard_that_allows() -> None:
    assert allows([POLICY], call("sqs:GetQueueAttributes"))
    assert not allows([POLICY], call("sqs:GetQueueUrl"))


def test_grant_that_no_call_needed_is_listed() -> None:
    assert unused([POLICY], [call("sqs:SendMessage")]) == [Grant("sqs:Get*", QUEUE)]
    assert unused([POLICY], [call("sqs:SendMessage"), call("sqs:GetQueueAttributes")]) == []


def test_book_gives_each_distinct_call_once_and_the_denied_ones(tmp_path: Path) -> None:
    line = {"caller": "role/writer", "action": "sqs:SendMessage", "resource": QUEUE, "allowed": False}
    book = tmp_path / "iam-calls.jsonl"
    book.write_text((json.dumps(line) + "\n") * 2 + json.dumps({**line, "allowed": True}) + "\n")
    calls = read_calls(book)
    assert len(calls) == 2
    assert denied(calls) == [call("sqs:SendMessage", allowed=False)]
