"""The functions of messages to operators: who publishes, who stores, who gives alarms their type."""

from collections.abc import Mapping

from scripts.deployment.functions.model import (
    Function,
    Grant,
    consumes,
    publishes,
    queue,
    reports_failures,
)

_CONSUMED = ("notifications", "critical-alerts", "unrouted-messages", "untyped-messages")
_DRAINED = tuple(queue(name) for name in _CONSUMED[:3])

FUNCTIONS: Mapping[str, Function] = {
    "publish-messages": Function((publishes("order-notifications"),), timeout=60, concurrency=5),
    # Four mappings with two batches each, and two executions of the workflow that drain.
    "process-messages": Function(
        (
            *(consumes(name) for name in _CONSUMED),
            Grant(("sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage"), _DRAINED),
            publishes("operational-alerts"),
        ),
        timeout=30, database=True, concurrency=10,
        environment={"PARTIAL_BATCH_RESPONSES": "1"},  # the mappings of the bindings stack always ask for it
    ),
    "route-alarms": Function((publishes("order-notifications"), reports_failures()), concurrency=2),
}  # fmt: skip
