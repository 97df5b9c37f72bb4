"""Publishes a batch of messages to the topic, each with its type and a key that makes repetition harmless."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from chalicelib import logs
from chalicelib.domain.events import timestamp
from chalicelib.services.messages.model import KINDS, TYPES, UNROUTED, BadRequestError, Outgoing
from chalicelib.services.messages.ports import Clock, Topic

MOST = 500  # ids of more would not fit into the state of an execution
LONGEST_BODY = 200_000  # bytes; SNS takes 256 KB with the attributes
LONGEST_WAIT = 1200  # seconds; longer than a crashed consumer keeps a message invisible (180)
_FIELDS = frozenset({"type", "subject", "body", "key"})


def publish_messages(topic: Topic, clock: Clock, task: Mapping[str, Any]) -> dict[str, Any]:
    """{"count", "deadline", "published": {kind: [{"messageId", "key"}]}} for the input of an execution.

    `task` is {"input": {"messages": [{"type"?, "subject"?, "body", "key"?}], "waitSeconds"?}, "execution"}.
    A second try of the same execution publishes again under the same keys: they are stored once.
    Raises BadRequestError naming all that is wrong, before anything is published.
    """
    given = task.get("input")
    messages = read_request(given, str(task.get("execution") or ""))
    wait = given.get("waitSeconds", LONGEST_WAIT) if isinstance(given, Mapping) else LONGEST_WAIT
    ids = topic.publish(messages)
    published: dict[str, list[dict[str, str]]] = {kind: [] for kind in KINDS}
    for message, message_id in zip(messages, ids, strict=True):
        kind = message.kind if message.kind in TYPES else UNROUTED
        published[kind].append({"messageId": message_id, "key": message.key})
    logs.info("messages published", **{kind: len(sent) for kind, sent in published.items()})
    deadline = timestamp(clock() + timedelta(seconds=wait))
    return {"count": len(ids), "deadline": deadline, "published": published}


def read_request(given: Any, execution: str) -> list[Outgoing]:
    """The messages of a request. Raises BadRequestError."""
    messages = given.get("messages") if isinstance(given, Mapping) else None
    if not isinstance(messages, list) or not 1 <= len(messages) <= MOST:
        raise BadRequestError(f"messages must be a list of 1 to {MOST} messages")
    wait = given.get("waitSeconds", LONGEST_WAIT)
    problems = [] if _is_wait(wait) else [f"waitSeconds must be an integer from 1 to {LONGEST_WAIT}"]
    if not execution:
        problems.append("execution is missing")
    read = []
    for number, one in enumerate(messages):
        faults = _faults(one)
        problems += [f"messages[{number}] {fault}" for fault in faults]
        if not faults:
            read.append(_outgoing(one, f"{execution.rsplit(':', 1)[-1]}/{number}"))
    keys = [message.key for message in read]
    problems += [f"key {key!r} is given more than once" for key in sorted(set(_repeated(keys)))]
    if problems:
        raise BadRequestError("; ".join(problems[:20]))
    return read


def _faults(one: Any) -> list[str]:
    if not isinstance(one, Mapping):
        return ["must be an object"]
    faults = [f"has no field {name!r}" for name in sorted(set(one) - _FIELDS)]
    faults += [
        f"{name} must be a text of 1 to 100 characters"
        for name in ("type", "subject", "key")
        if name in one and not _is_label(one[name])
    ]
    body = one.get("body")
    if not isinstance(body, str | Mapping) or not body:
        faults.append("body must be a text or an object")
    elif "\0" in (text := _text(body)) or len(text.encode()) > LONGEST_BODY:
        faults.append(f"body must have at most {LONGEST_BODY} bytes and no NUL")
    return faults


def _outgoing(one: Mapping[str, Any], key: str) -> Outgoing:
    return Outgoing(one.get("type"), one.get("subject"), _text(one["body"]), one.get("key", key))


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def _is_label(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value.strip()) <= len(value) <= 100 and value.isprintable()


def _is_wait(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LONGEST_WAIT


def _repeated(keys: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    return [key for key in keys if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
