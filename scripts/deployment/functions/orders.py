"""The functions of the order path. Those of the database may together not outrun its connections."""

from collections.abc import Mapping
from dataclasses import replace

from scripts.deployment.functions.model import (
    Function,
    Grant,
    bus,
    consumes,
    executions,
    objects,
    publishes,
    publishes_events,
    reports_failures,
)

_MAIL = Grant(
    ("ses:SendEmail",),
    ("arn:{partition}:ses:{region}:{account}:identity/*",),
    condition={"StringEquals": {"ses:FromAddress": "{mail_from}"}},
)
_SMS = Grant(
    ("sns:Publish",), (), why="a telephone number has no ARN", all_but=("arn:{partition}:sns:*:*:*",)
)
# What ends in recovery is told from there: to customers and operators, or to a person who must act.
_TELLS = (publishes("order-notifications", "operational-alerts"), _MAIL, _SMS)
_ASYNC = (reports_failures(),)
_TASK = Function(database=True, concurrency=8)
# It may end an order, and it talks to the payment gateway.
_PAYING_TASK = Function((publishes_events(),), database=True, concurrency=8, connections=2)

FUNCTIONS: Mapping[str, Function] = {
    "api_handler": Function(
        (publishes_events(), Grant(("events:DescribeEventBus",), (bus("order-event-bus"),))),
        memory=512, database=True, concurrency=30,
    ),
    "token-authorizer": Function(database=True, concurrency=10, timeout=10),
    "claim-order": _TASK,
    "validate-payment": _PAYING_TASK,
    "check-inventory": _TASK,
    "process-order": _PAYING_TASK,
    "send-notification": Function(
        (publishes("order-notifications"), _MAIL, _SMS), database=True, concurrency=8
    ),
    "compensate-order": replace(_PAYING_TASK, concurrency=5),
    "record-compensation-failure": Function(
        (publishes_events(), publishes("operational-alerts")), database=True, concurrency=2
    ),
    "begin-cancellation": replace(_TASK, concurrency=4),
    "settle-cancellation": replace(_PAYING_TASK, concurrency=4),
    "order-event-processor": Function(_ASYNC, concurrency=5),
    "update-read-model": Function((consumes("order-processing-queue"),), database=True, concurrency=5),
    "export-to-lake": Function(
        (
            consumes("lake-export-queue"),
            Grant(("s3:PutObject",), (objects("order-lake", "raw-data/orders/"),)),
        ),
        timeout=60, concurrency=2,
    ),
    "on-order-event": Function(_ASYNC),
    "on-workflow-stopped": Function(
        (publishes_events(), *_TELLS, *_ASYNC),
        database=True, concurrency=2, connections=2,
    ),
    "relay-outbox": Function((publishes_events(), *_ASYNC), timeout=55, database=True, concurrency=1),
    "sweep-orders": Function(
        (
            publishes_events(),
            *_TELLS,
            Grant(
                ("states:DescribeExecution",),
                (executions("order-processing-workflow"), executions("order-cancellation-workflow")),
            ),
            *_ASYNC,
        ),
        timeout=55, database=True, concurrency=1, connections=2,
    ),
    "expire-reservations": Function(_ASYNC, timeout=55, database=True, concurrency=1),
    "purge-expired": Function(_ASYNC, timeout=300, database=True, concurrency=1),
    "manage-tokens": Function(database=True, concurrency=1),
    "migrate": Function(timeout=300, memory=512, database=True, concurrency=1),
}  # fmt: skip
