"""Reads dead-letter queues without emptying them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scripts.dead_letters.letters import DeadLetter

HOLD_SECONDS = 120  # how long letters stay invisible to others while they are shown or redriven


class DeadLetterQueues:
    """The stage's queues whose name says that they hold dead letters."""

    def __init__(self, session: Any, stage: str, wait_seconds: int = 1) -> None:
        self._sqs = session.client("sqs")
        self._wait_seconds = wait_seconds  # at least 1 on AWS: a short poll does not ask every server
        self._suffix = f"-dlq-{stage}"
        self._known: list[str] | None = None
        self._feeders: dict[str, str | None] | None = None

    def urls(self) -> dict[str, str]:
        """Name without the stage (`order-processing-dlq`) → URL."""
        without = len(self._suffix) - len("-dlq")
        names = {url.rsplit("/", 1)[-1]: url for url in self._all()}
        return {name[:-without]: url for name, url in sorted(names.items()) if name.endswith(self._suffix)}

    def count(self, url: str) -> int:
        """Visible letters and those that somebody is looking at."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def sources(self, url: str) -> list[str]:
        """URLs of the queues whose dead letters come here."""
        if self._feeders is None:
            self._feeders = {other: self._dead_letters_of(other) for other in self._all()}
        arn = self._attribute(url, "QueueArn")
        return [other for other, target in self._feeders.items() if target == arn]

    @contextmanager
    def held(self, url: str, limit: int) -> Iterator[list[DeadLetter]]:
        """Up to `limit` letters; those that are not removed meanwhile become visible again at the end."""
        letters = self._receive(url, limit)
        try:
            yield letters
        finally:
            for letter in letters:
                self._give_back(url, letter)

    def remove(self, url: str, letter: DeadLetter) -> None:
        self._sqs.delete_message(QueueUrl=url, ReceiptHandle=letter.receipt)

    def _all(self) -> list[str]:
        if self._known is None:
            pages = self._sqs.get_paginator("list_queues").paginate()
            stage = self._suffix.removeprefix("-dlq")
            urls = [url for page in pages for url in page.get("QueueUrls", [])]
            self._known = [url for url in urls if url.endswith(stage)]
        return self._known

    def _dead_letters_of(self, url: str) -> str | None:
        policy: str = self._attribute(url, "RedrivePolicy") or "{}"
        target: str | None = json.loads(policy).get("deadLetterTargetArn")
        return target

    def _attribute(self, url: str, name: str) -> Any:
        answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return answer.get("Attributes", {}).get(name)

    def _receive(self, url: str, limit: int) -> list[DeadLetter]:
        letters: dict[str, DeadLetter] = {}
        while len(letters) < limit:
            got = self._sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(10, limit - len(letters)),
                VisibilityTimeout=HOLD_SECONDS,
                WaitTimeSeconds=self._wait_seconds,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            if not got:
                break
            letters |= {message["MessageId"]: DeadLetter.received(message) for message in got}
        return list(letters.values())

    def _give_back(self, url: str, letter: DeadLetter) -> None:
        from botocore.exceptions import ClientError

        try:
            self._sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
            )
        except ClientError as fault:
            if fault.response["Error"]["Code"] not in (
                "InvalidParameterValue", "ReceiptHandleIsInvalid", "MessageNotInflight",
                "AWS.SimpleQueueService.MessageNotInflight",
            ):  # fmt: skip
                raise
