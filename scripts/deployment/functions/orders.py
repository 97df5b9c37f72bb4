"""The functions of the order path. Those of the database may together not outrun its connections."""

from collections.abc import Mapping

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
    state_machine,
)

_MAIL = Grant(
    ("ses:SendEmail",),
    ("arn:{partition}:ses:{region}:{account}:identity/*",),
    condition={"StringEquals": {"ses:FromAddress": "{mail_from}"}},
)
_SMS = Grant(("sns:Publish",), ("*",), why="a telephone number has no ARN; topics are denied below")
_ASYNC = (reports_failures(),)
_TASK = Function(grants=(publishes_events(),), database=True, concurrency=8)

FUNCTIONS: Mapping[str, Function] = {
    "api_handler": Function(
        (publishes_events(), Grant(("events:DescribeEventBus",), (bus("order-event-bus"),))),
        memory=512, database=True, concurrency=30,
    ),
    "token-authorizer": Function(database=True, concurrency=10, timeout=10),
    "claim-order": _TASK,
    "validate-payment": _TASK,
    "check-inventory": _TASK,
    "process-order": _TASK,
    "send-notification": Function(
        (publishes_events(), publishes("order-notifications"), _MAIL, _SMS), database=True, concurrency=8
    ),
    "compensate-order": _TASK,
    "record-compensation-failure": Function(
        (publishes_events(), publishes("operational-alerts")), database=True, concurrency=4
    ),
    "begin-cancellation": _TASK,
    "settle-cancellation": _TASK,
    "order-event-processor": Function(_ASYNC, concurrency=5),
    "update-read-model": Function((consumes("order-processing-queue"),), database=True, concurrency=5),
    "export-to-lake": Function(
        (
            consumes("lake-export-queue"),
            Grant(("s3:PutObject",), (objects("order-lake", "raw-data/orders/"),)),
        ),
        timeout=60, database=True, concurrency=2,
    ),
    "on-order-event": Function(_ASYNC),
    "on-workflow-stopped": Function(
        (publishes_events(), publishes("operational-alerts"), *_ASYNC), database=True, concurrency=3
    ),
    "relay-outbox": Function((publishes_events(), *_ASYNC), timeout=55, database=True, concurrency=1),
    "sweep-orders": Function(
        (
            publishes_events(),
            publishes("operational-alerts"),
            Grant(("states:StartExecution",), (state_machine("order-processing-workflow"),)),
            Grant(("states:DescribeExecution",), (executions("order-processing-workflow"),)),
            *_ASYNC,
        ),
        timeout=55, database=True, concurrency=1,
    ),
    "expire-reservations": Function((publishes_events(), *_ASYNC), timeout=55, database=True, concurrency=1),
    "purge-expired": Function(_ASYNC, timeout=300, database=True, concurrency=1),
    "manage-tokens": Function(database=True, concurrency=1),
    "migrate": Function(timeout=300, memory=512, database=True, concurrency=1),
}  # fmt: skip
