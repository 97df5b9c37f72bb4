"""Publishes messages in batches to the topic order-notifications.

https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html: ten entries, 256 KB together.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.adapters.clients import client, translated
from chalicelib.adapters.topics import plain_subject
from chalicelib.domain.errors import ThrottledError
from chalicelib.services.messages.model import NotPublishedError, Outgoing

_MOST = 10
_BYTES = 240_000  # of a batch's bodies; the rest is for attributes
_TRIES = 3


class MessageTopic:
    """The port `Topic`. Entries that SNS lost are sent again here; their keys make that harmless."""

    def __init__(self, topic_arn: str, sns: Any = None) -> None:
        self._topic_arn = topic_arn
        self._sns = sns

    def publish(self, messages: Sequence[Outgoing]) -> list[str]:
        ids: dict[int, str] = {}
        for batch in _batches(messages):
            ids |= self._publish([(number, messages[number]) for number in batch])
        return [ids[number] for number in range(len(messages))]

    def _publish(self, batch: Sequence[tuple[int, Outgoing]]) -> dict[int, str]:
        ids: dict[int, str] = {}
        failed: list[dict[str, Any]] = []
        for _ in range(_TRIES):
            entries = [_entry(number, message) for number, message in batch if number not in ids]
            with translated("PublishBatch"):
                answer = self._client().publish_batch(
                    TopicArn=self._topic_arn, PublishBatchRequestEntries=entries
                )
            ids |= {int(one["Id"]): one["MessageId"] for one in answer.get("Successful", [])}
            failed = answer.get("Failed", [])
            refused = [f"{one['Id']}: {one['Code']}" for one in failed if one["SenderFault"]]
            if refused:
                raise NotPublishedError(f"SNS refused messages {', '.join(refused)}")
            if not failed:
                return ids
        raise ThrottledError(f"PublishBatch: {len(failed)} entries, {failed[0]['Code']}")

    def _client(self) -> Any:
        return self._sns or client("sns")


def _batches(messages: Sequence[Outgoing]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for number, message in enumerate(messages):
        length = len(message.body.encode())
        if batch and (len(batch) == _MOST or size + length > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(number)
        size += length
    if batch:
        yield batch


def _entry(number: int, message: Outgoing) -> dict[str, Any]:
    attributes = {"key": message.key, **message.attributes}
    if message.kind is not None:
        attributes["type"] = message.kind
    entry: dict[str, Any] = {
        "Id": str(number),
        "Message": message.body,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    }
    return entry | ({"Subject": plain_subject(message.subject)} if message.subject else {})
