"""Decodes the batches of the data path's queues and encodes what comes back to them."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.services.pipeline.record_arrivals import Message


class MessagesRefusedError(RuntimeError):
    """Some messages were refused where partial answers are not agreed: the whole batch comes back."""


def messages(batch: Mapping[str, Any]) -> list[Message]:
    return [Message(record["messageId"], record["body"]) for record in batch["Records"]]


def answer(refused: Sequence[str], partial: bool) -> dict[str, Any]:
    """Lambda's partial batch response; raises where the mapping is not set up for one.

    Lambda would take an answer that it did not ask for as success, and delete the refused messages.
    """
    if refused and not partial:
        raise MessagesRefusedError(f"{len(refused)} messages were refused: {list(refused)!r}")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in refused]}
