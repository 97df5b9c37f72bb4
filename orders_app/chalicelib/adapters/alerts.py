"""Tells the operators: on the topic of operational alerts, and by mail."""

from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.mail import Mail
from chalicelib.adapters.topics import OperatorTopics


class OperatorAlerts:
    """`mail` is for what somebody must read in full, `alert` for what must page."""

    def __init__(self, topics: OperatorTopics, mail: Mail, operators: str) -> None:
        self._topics = topics
        self._mail = mail
        self._operators = operators

    def alert(self, subject: str, details: Mapping[str, Any]) -> None:
        self._topics.alert(subject, details)

    def mail(self, subject: str, text: str) -> None:
        self._mail.send(self._operators, subject, text)
