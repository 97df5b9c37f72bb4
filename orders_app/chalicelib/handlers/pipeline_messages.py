"""Decodes the batches of the data path's queues and encodes what comes back to them."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus

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


def notifications(event: Mapping[str, Any]) -> list[str]:
    """The messages of an SNS invocation."""
    return [record["Sns"]["Message"] for record in event["Records"]]


def object_of(event: Any) -> tuple[str, str | None]:
    """The object's key and version, out of Chalice's S3 event or, where packaged, of Lambda's own."""
    payload = event if isinstance(event, Mapping) else event.to_dict()
    written = payload["Records"][0]["s3"]["object"]
    return unquote_plus(written["key"]), written.get("versionId")


def crawl_of(detail: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether a crawl succeeded, and what Glue says of it."""
    return detail["state"] == "Succeeded", detail.get("errorMessage") or detail.get("message") or ""
