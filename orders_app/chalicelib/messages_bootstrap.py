"""Wires the messaging functions to their adapters, as `bootstrap` does for orders."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from chalicelib import bootstrap, names
from chalicelib.config import Settings
from chalicelib.services.messages.drain_messages import Drainer, DrainTask, drain_messages
from chalicelib.services.messages.model import Received
from chalicelib.services.messages.ports import Alerts, Queues, Topic, Transactions
from chalicelib.services.messages.process_messages import Consumer, process_messages
from chalicelib.services.messages.publish_messages import publish_messages
from chalicelib.services.messages.route_alarms import Notice, route_alarms


@dataclass(frozen=True)
class Messages:
    """Every use case of the messaging functions, bound to what it needs."""

    settings: Settings
    publish: Callable[[Mapping[str, Any]], dict[str, Any]]
    process: Callable[[Sequence[Received]], list[str]]  # SQS ids of what failed
    drain: Callable[[DrainTask], dict[str, Any]]
    route_alarms: Callable[[Sequence[Notice]], int]


@functools.cache
def messages() -> Messages:
    """The use cases of this process, built at first use. Raises ConfigurationError."""
    from chalicelib.adapters.message_queues import SqsQueues
    from chalicelib.adapters.message_topic import MessageTopic
    from chalicelib.adapters.topics import OperatorTopics

    settings = Settings.from_env(os.environ)
    return build(
        settings,
        uow=lambda: _transactions(settings)(),
        topic=MessageTopic(settings.notifications_topic_arn or ""),
        queues=SqsQueues(),
        alerts=OperatorTopics("", settings.alerts_topic_arn or ""),
    )


def build(settings: Settings, *, uow: Transactions, topic: Topic, queues: Queues, alerts: Alerts) -> Messages:
    consumer = Consumer(uow, alerts)
    queue_of = Drainer.names(lambda name: names.resource(name, settings.stage))
    return Messages(
        settings=settings,
        publish=partial(publish_messages, topic, _now),
        process=partial(process_messages, consumer),
        drain=partial(drain_messages, Drainer(consumer, queues, _now, queue_of)),
        route_alarms=partial(route_alarms, topic),
    )


@functools.cache
def _transactions(settings: Settings) -> Transactions:
    """The database's driver is loaded when a transaction is wanted: two of the functions want none."""
    from chalicelib.adapters.postgres.connections import Connections
    from chalicelib.adapters.postgres.unit_of_work import PostgresUnitOfWork

    return PostgresUnitOfWork(Connections(bootstrap.database_url(settings), "orders-messages"))


def _now() -> datetime:
    return datetime.now(UTC)
