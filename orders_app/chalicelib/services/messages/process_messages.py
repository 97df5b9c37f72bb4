"""Stores a batch of a queue, each message in the table of its type; a poisoned message fails alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib import logs, metrics
from chalicelib.domain.errors import TransientError
from chalicelib.services.messages.model import UNROUTED, BadMessageError, Message, Received
from chalicelib.services.messages.ports import Alerts, Transactions
from chalicelib.services.messages.read_messages import read_message

SHOWN = 20
Pair = tuple[Received, Message]


@dataclass(frozen=True)
class Consumer:
    """What storing needs: transactions, and whom to tell of messages that nothing is meant for."""

    uow: Transactions
    alerts: Alerts


def process_messages(consumer: Consumer, batch: Sequence[Received]) -> list[str]:
    """SQS ids of the messages that failed and must come back.

    A fault that may pass (no database, no topic) raises: the whole batch comes back, and what was stored
    of it is not stored twice.
    """
    pairs, failed = _read(batch)
    refused = _store(consumer.uow, pairs)
    failed += [received.message_id for received, _ in refused]
    lost = {received.message_id for received, _ in refused}
    stored = [message for received, message in pairs if received.message_id not in lost]
    _tell(consumer, [message for message in stored if message.kind == UNROUTED])
    logs.info("messages processed", stored=len(stored), failed=len(failed))
    return failed


def _read(batch: Sequence[Received]) -> tuple[list[Pair], list[str]]:
    pairs: list[Pair] = []
    failed: list[str] = []
    for received in batch:
        try:
            pairs.append((received, read_message(received.body)))
        except BadMessageError as fault:
            _report(received, fault)
            failed.append(received.message_id)
    return pairs, failed


def _store(uow: Transactions, pairs: Sequence[Pair]) -> list[Pair]:
    """What the database refused. One insert a kind; after a refusal the halves are tried by themselves."""
    if not pairs:
        return []
    try:
        with uow() as tx:
            tx.messages.add([message for _, message in pairs])
    except TransientError:
        raise
    except Exception as fault:
        if len(pairs) == 1:
            _report(pairs[0][0], fault)
            return [pairs[0]]
        half = len(pairs) // 2
        return _store(uow, pairs[:half]) + _store(uow, pairs[half:])
    return []


def _tell(consumer: Consumer, unrouted: Sequence[Message]) -> None:
    """One alert for the messages that nobody was told of; a crash in between tells of them again."""
    if not unrouted:
        return
    with consumer.uow() as tx:
        untold = tx.messages.unalerted([message.message_id for message in unrouted])
    if not untold:
        return
    types = sorted({message.declared or "(none)" for message in unrouted if message.message_id in untold})
    told = {"count": len(untold), "types": types[:SHOWN], "messageIds": untold[:SHOWN]}
    consumer.alerts.alert(f"{len(untold)} messages of no known type", told)
    with consumer.uow() as tx:
        tx.messages.alerted(untold)


def _report(received: Received, fault: Exception) -> None:
    metrics.count("ConsumerFailures", consumer="process-messages")
    with logs.bound(message_id=received.message_id):
        logs.error("message failed", fault, consumer="process-messages")
