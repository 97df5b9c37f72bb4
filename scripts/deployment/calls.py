"""A plan is a list of AWS calls with a sentence for each; planning is pure, only `apply` does anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Session(Protocol):
    """As much of a boto3 session as the scripts need."""

    def client(self, service_name: str) -> Any: ...


@dataclass(frozen=True)
class Call:
    """One call that changes something, and what it is for."""

    says: str
    service: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.says


def apply(calls: Iterable[Call], session: Session) -> None:
    """Make the calls in their order."""
    clients: dict[str, Any] = {}
    for call in calls:
        if call.service not in clients:
            clients[call.service] = session.client(call.service)
        getattr(clients[call.service], call.operation)(**call.arguments)
