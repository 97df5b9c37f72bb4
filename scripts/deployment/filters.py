"""Which of a topic's messages Chalice's own subscription gets: it cannot say so itself.

A function that looks at three events of an order and is called for all of them costs the other calls, too.
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.services.report_event import OUTCOMES

SCOPE = "MessageBody"  # what comes by the bus has no message attributes
_OF_TOPIC: Mapping[str, Mapping[str, list[str]]] = {"order-events": {"detail-type": sorted(OUTCOMES)}}


def of(topic: str) -> Mapping[str, list[str]] | None:
    """The filter policy of the function subscribed to the topic of this name or ARN."""
    name = topic.rpartition(":")[2]
    return next((policy for known, policy in _OF_TOPIC.items() if name.startswith(known)), None)
