"""Mails what lies in dead-letter queues, without taking anything out of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.domain.json_values import parsed
from chalicelib.services.pipeline.ports import Alerts, Log

SHOWN = 20


@dataclass(frozen=True)
class Letter:
    """One dead message: its ids and what it is about, never its content."""

    message_id: str
    sent_at: str
    receives: int
    about: str


class DeadLetters(Protocol):
    """Queues of messages that could not be delivered or worked on."""

    def names(self) -> Sequence[str]: ...

    def count(self, queue: str) -> int:
        """How many messages are visible; 0 where there is no such queue."""
        ...

    def peek(self, queue: str, limit: int) -> list[Letter]:
        """Up to `limit` messages, all of them still in the queue and visible afterwards."""
        ...


def alarmed_queues(messages: Iterable[str], known: Sequence[str]) -> list[str]:
    """The dead-letter queues whose alarm went off, out of what the topic of operational alerts delivered.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-notification.html
    """
    found = [_queue_of(message) for message in messages]
    return [queue for queue in known if queue in found]


def mail_dead_letters(queues: Sequence[str], *, letters: DeadLetters, alerts: Alerts, log: Log) -> int:
    """Mails one summary of the queues that hold something; how many messages it speaks of."""
    counts = {queue: letters.count(queue) for queue in queues}
    parts = [_part(queue, count, letters.peek(queue, SHOWN)) for queue, count in counts.items() if count]
    if parts:
        total = sum(counts.values())
        alerts.mail(f"{total} dead messages in {len(parts)} queues", "\n\n".join(parts))
        log.info("dead letters mailed", messages=total, queues=[queue for queue in queues if counts[queue]])
    return sum(counts.values())


def about(body: str) -> str:
    """What a dead message is about, by the ids in it: objects, events, runs. Never personal data."""
    try:
        value = parsed(body)
    except ValueError:
        return f"not JSON, {len(body)} characters"
    for _ in range(3):
        inner = (
            value.get("Message") if isinstance(value, dict) and value.get("Type") == "Notification" else None
        )
        if not isinstance(inner, str):
            break
        try:
            value = parsed(inner)
        except ValueError:
            return "a notification that is not JSON"
    return ", ".join(_ids(value)) or "nothing known by its ids"


def _ids(value: Any) -> list[str]:
    if not isinstance(value, Mapping):
        return []
    records = value.get("Records")
    said = [place for record in records if (place := _place(record))] if isinstance(records, list) else []
    for part in (value, value.get("detail"), value.get("requestPayload")):
        if isinstance(part, Mapping):
            said += [f"{name} {part[name]}" for name in _NAMED if isinstance(part.get(name), str)]
    return list(dict.fromkeys(said))


def _place(record: Any) -> str | None:
    """The object of an S3 event's record; None for a record of anything else."""
    try:
        return f"s3://{record['s3']['bucket']['name']}/{record['s3']['object']['key']}"
    except (KeyError, TypeError):
        return None


_NAMED = ("type", "detail-type", "id", "orderId", "correlationId", "run_id", "jobName", "jobRunId", "state")


def _queue_of(message: str) -> str | None:
    try:
        alarm = parsed(message)
        if alarm["NewStateValue"] != "ALARM":
            return None
        dimensions = alarm["Trigger"]["Dimensions"]
        # AWS writes `name`; the API's own spelling, `Name`, is taken too.
        named = [{key.lower(): value for key, value in one.items()} for one in dimensions]
        return next(str(one["value"]) for one in named if one["name"] == "QueueName")
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return None


def _part(queue: str, count: int, letters: Sequence[Letter]) -> str:
    name, _, stage = queue.rpartition("-")
    command = f"python -m scripts.redrive --stage {stage} redrive {name} --reason TEXT"
    lines = [f"{queue}: {count} message(s). Nothing was deleted; to take them back: {command}"]
    lines += [
        f"  {one.message_id}  sent {one.sent_at}, received {one.receives} times: {one.about}"
        for one in letters
    ]
    if count > len(letters):
        lines.append(f"  and {count - len(letters)} more")
    return "\n".join(lines)
