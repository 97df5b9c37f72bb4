"""Works through one SQS batch so that a poisoned message fails alone."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from chalicelib import logs, metrics
from chalicelib.domain.errors import TransientError
from chalicelib.handlers import envelopes

Events = Sequence[Mapping[str, Any]]
Work = Callable[[Events], object]


class BatchFailedError(RuntimeError):
    """Some messages failed where partial answers are not agreed: the whole batch must come back."""


@dataclass(frozen=True)
class Received:
    """One message with its event; the reason is an operator's who took it out of a dead-letter queue."""

    message_id: str
    event: Mapping[str, Any] = field(default_factory=dict)
    redrive_reason: str | None = None

    def bound(self) -> AbstractContextManager[None]:
        return logs.bound(
            order_id=self.event.get("orderId"),
            correlation_id=self.event.get("correlationId"),
            event_id=self.event.get("id"),
            message_id=self.message_id,
            redrive_reason=self.redrive_reason,
        )


def consume(batch: Mapping[str, Any], work: Work, consumer: str, partial: bool) -> dict[str, Any]:
    """Does `work` on the batch at once and, if that fails, on each message alone.

    Returns Lambda's partial batch response. Unless `partial`, a failure raises instead: Lambda would
    take an answer that it did not ask for as success, and delete the failed messages.
    """
    readable, failed = _read(batch["Records"], consumer)
    failed += _work_through(readable, work, consumer)
    if failed and not partial:
        raise BatchFailedError(f"{len(failed)} of {len(batch['Records'])} messages failed")
    return {"batchItemFailures": [{"itemIdentifier": message.message_id} for message in failed]}


def _read(records: Sequence[Mapping[str, Any]], consumer: str) -> tuple[list[Received], list[Received]]:
    readable: list[Received] = []
    failed: list[Received] = []
    for record in records:
        reason = record.get("messageAttributes", {}).get("RedriveReason", {}).get("stringValue")
        try:
            event = envelopes.event_in(record["body"])
            readable += [Received(record["messageId"], event, reason)] if event is not None else []
        except envelopes.UnreadableMessageError as fault:
            failed.append(Received(record["messageId"], redrive_reason=reason))
            _report(failed[-1], fault, consumer)
    return readable, failed


def _work_through(messages: Sequence[Received], work: Work, consumer: str) -> list[Received]:
    """The messages that failed. A transient fault fails all at once: one try alone would meet it too."""
    if not messages:
        return []
    try:
        work([message.event for message in messages])
    except Exception as fault:
        if len(messages) > 1 and not isinstance(fault, TransientError):
            logs.warning("batch failed, trying each message alone", fault, size=len(messages))
            return [failed for one in messages for failed in _work_through([one], work, consumer)]
        for message in messages:
            _report(message, fault, consumer)
        return list(messages)
    for message in messages:
        with message.bound():
            logs.info("event consumed", consumer=consumer, type=message.event["type"])
    return []


def _report(message: Received, fault: Exception, consumer: str) -> None:
    metrics.count("ConsumerFailures", consumer=consumer)
    with message.bound():
        logs.error("message failed", fault, consumer=consumer)
