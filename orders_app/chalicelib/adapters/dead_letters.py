"""Dead-letter queues in SQS, looked into and left as they are."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.clients import client, code_of, translated
from chalicelib.services.pipeline.mail_dead_letters import Letter, about

# Long enough that a look does not meet the same message twice, short enough if the hand-back fails.
_LOOK_SECONDS = 30
_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


class SqsDeadLetters:
    """`queues` are the names of all dead-letter queues of the stage."""

    def __init__(self, queues: Sequence[str], sqs: Any = None) -> None:
        self._queues = tuple(queues)
        self._sqs = sqs

    def names(self) -> Sequence[str]:
        return self._queues

    def count(self, queue: str) -> int:
        url = self._url(queue)
        if url is None:
            return 0
        name = "ApproximateNumberOfMessages"
        with translated("GetQueueAttributes"):
            answer = self._client().get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def peek(self, queue: str, limit: int) -> list[Letter]:
        url = self._url(queue)
        if url is None:
            return []
        taken: dict[str, dict[str, Any]] = {}
        try:
            while len(taken) < limit and (batch := self._receive(url, min(10, limit - len(taken)))):
                taken |= {message["MessageId"]: message for message in batch}
        finally:
            self._hand_back(url, list(taken.values()))
        return [_letter(message) for message in taken.values()]

    def _receive(self, url: str, size: int) -> list[dict[str, Any]]:
        with translated("ReceiveMessage"):
            answer = self._client().receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=size,
                VisibilityTimeout=_LOOK_SECONDS,
                WaitTimeSeconds=0,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _hand_back(self, url: str, messages: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(messages), 10):
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
                for number, message in enumerate(messages[start : start + 10])
            ]
            with translated("ChangeMessageVisibility"):
                self._client().change_message_visibility_batch(QueueUrl=url, Entries=entries)

    def _url(self, queue: str) -> str | None:
        from botocore.exceptions import ClientError

        try:
            with translated("GetQueueUrl"):
                return str(self._client().get_queue_url(QueueName=queue)["QueueUrl"])
        except ClientError as fault:
            if code_of(fault) in _MISSING:
                return None
            raise

    def _client(self) -> Any:
        return self._sqs or client("sqs")


def _letter(message: dict[str, Any]) -> Letter:
    attributes = message.get("Attributes", {})
    sent = datetime.fromtimestamp(int(attributes.get("SentTimestamp", 0)) / 1000, UTC)
    why = message.get("MessageAttributes", {}).get("ERROR_MESSAGE", {}).get("StringValue")
    said = about(message["Body"]) + (f" ({why})" if why else "")
    receives = int(attributes.get("ApproximateReceiveCount", 0))
    return Letter(message["MessageId"], sent.isoformat(timespec="seconds"), receives, said)
