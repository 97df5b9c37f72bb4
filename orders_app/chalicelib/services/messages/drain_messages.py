"""Takes messages off a queue until those that somebody waits for are stored, by whomever; never for long."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.events import parse_timestamp
from chalicelib.services.messages.model import KINDS, QUEUES, BadRequestError, Wanted
from chalicelib.services.messages.ports import Clock, Queues
from chalicelib.services.messages.process_messages import Consumer, process_messages

SECONDS = 15  # of one call, which may take 30; the workflow calls again
ROUNDS = 60
BATCH = 10  # the most that SQS hands over at once


@dataclass(frozen=True)
class DrainTask:
    """Wait for `wanted` of one kind, at the latest until `deadline`."""

    kind: str
    wanted: tuple[Wanted, ...]
    deadline: datetime

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> "DrainTask":
        """{"type", "wanted": [{"messageId", "key"}], "deadline"}. Raises BadRequestError."""
        try:
            kind, deadline = payload["type"], parse_timestamp(payload["deadline"])
            wanted = tuple(Wanted(one["messageId"], one["key"]) for one in payload["wanted"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadRequestError(f"neither a batch of a queue nor a task to drain one: {error!r}") from error
        if kind not in KINDS or deadline.tzinfo is None:
            raise BadRequestError(f"no such type {kind!r}, or a deadline without zone")
        return cls(kind, wanted, deadline)


@dataclass(frozen=True)
class Drainer:
    """`queue_of` makes the deployed name of a queue."""

    consumer: Consumer
    queues: Queues
    clock: Clock
    queue_of: Mapping[str, str]

    @staticmethod
    def names(resource: Any) -> dict[str, str]:
        return {kind: resource(name) for kind, name in QUEUES.items()}


def drain_messages(drainer: Drainer, task: DrainTask) -> dict[str, Any]:
    """{"outcome": stored | pending | missing, "type", "wanted", "drained", "missing": […]}.

    `pending` is worth another call, `missing` is after the deadline. Whatever else is in the queue is
    stored, too; what cannot be stored stays and ends in the dead-letter queue.
    """
    stop = min(drainer.clock() + timedelta(seconds=SECONDS), task.deadline)
    drained = 0
    missing = _missing(drainer, task)
    for _ in range(ROUNDS):
        if not missing or drainer.clock() >= stop:
            break
        drained += _take(drainer, drainer.queue_of[task.kind])
        missing = _missing(drainer, task)
    late = drainer.clock() >= task.deadline
    return {
        "outcome": ("missing" if late else "pending") if missing else "stored",
        "type": task.kind,
        "wanted": len(task.wanted),
        "drained": drained,
        "missing": missing,
    }


def _missing(drainer: Drainer, task: DrainTask) -> list[str]:
    if not task.wanted:
        return []
    with drainer.consumer.uow() as tx:
        return tx.messages.missing(task.kind, task.wanted)


def _take(drainer: Drainer, queue: str) -> int:
    """One batch stored and deleted; how many. An empty queue is waited at for a second."""
    batch = drainer.queues.receive(queue, BATCH, wait_seconds=1)
    if not batch:
        return 0
    failed = set(process_messages(drainer.consumer, batch))
    stored = [message for message in batch if message.message_id not in failed]
    drainer.queues.delete(queue, stored)
    return len(stored)
