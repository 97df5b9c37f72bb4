"""Works through one SQS batch so that a poisoned message fails alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalicelib import logs, metrics
from chalicelib.handlers import envelopes

Events = Sequence[Mapping[str, Any]]
Work = Callable[[Events], object]


class BatchFailedError(RuntimeError):
    """Some messages failed where partial answers are not agreed: the whole batch must come back."""


def consume(batch: Mapping[str, Any], work: Work, consumer: str, partial: bool) -> dict[str, Any]:
    """Does `work` on the batch at once and, if that fails, on each message alone.

    Returns Lambda's partial batch response. Unless `partial`, a failure raises instead: Lambda would
    take an answer that it did not ask for as success, and delete the failed messages.
    """
    failures: list[str] = []
    readable: list[tuple[str, dict[str, Any]]] = []
    for record in batch["Records"]:
        try:
            readable.append((record["messageId"], envelopes.event_in(record["body"])))
        except envelopes.UnreadableMessageError as fault:
            _report(failures, record["messageId"], fault, consumer)
    _work_through(readable, work, failures, consumer)
    if failures and not partial:
        raise BatchFailedError(f"{len(failures)} of {len(batch['Records'])} messages failed")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}


def _work_through(
    messages: Sequence[tuple[str, dict[str, Any]]], work: Work, failures: list[str], consumer: str
) -> None:
    if not messages:
        return
    try:
        work([event for _, event in messages])
    except Exception as fault:
        if len(messages) == 1:
            _report(failures, messages[0][0], fault, consumer, messages[0][1])
            return
        logs.warning("batch failed, trying each message alone", fault, size=len(messages))
        for message in messages:
            _work_through([message], work, failures, consumer)


def _report(
    failures: list[str],
    message_id: str,
    fault: Exception,
    consumer: str,
    event: Mapping[str, Any] | None = None,
) -> None:
    failures.append(message_id)
    event = event or {}
    metrics.count("ConsumerFailures", consumer=consumer)
    with logs.bound(order_id=event.get("orderId"), correlation_id=event.get("correlationId")):
        logs.error(
            "message failed", fault, consumer=consumer, message_id=message_id, event_id=event.get("id")
        )
