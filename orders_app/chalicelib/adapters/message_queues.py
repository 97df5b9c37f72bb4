"""Receives and deletes messages of SQS queues by name: the port `Queues`."""

from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.clients import client, translated
from chalicelib.services.messages.model import Received


class SqsQueues:
    def __init__(self, sqs: Any = None) -> None:
        self._sqs = sqs
        self._urls: dict[str, str] = {}

    def receive(self, queue: str, limit: int, wait_seconds: int) -> list[Received]:
        url = self._url(queue)
        with translated("ReceiveMessage"):
            answer = self._client().receive_message(
                QueueUrl=url, MaxNumberOfMessages=limit, WaitTimeSeconds=wait_seconds
            )
        return [
            Received(one["MessageId"], one["Body"], one["ReceiptHandle"])
            for one in answer.get("Messages", [])
        ]

    def delete(self, queue: str, messages: Sequence[Received]) -> None:
        """What is not deleted comes back, is known and is deleted then: its failures need no care."""
        if not messages:
            return
        entries = [
            {"Id": str(number), "ReceiptHandle": message.receipt} for number, message in enumerate(messages)
        ]
        with translated("DeleteMessageBatch"):
            self._client().delete_message_batch(QueueUrl=self._url(queue), Entries=entries)

    def _url(self, queue: str) -> str:
        if queue not in self._urls:
            with translated("GetQueueUrl"):
                self._urls[queue] = self._client().get_queue_url(QueueName=queue)["QueueUrl"]
        return self._urls[queue]

    def _client(self) -> Any:
        return self._sqs or client("sqs")
