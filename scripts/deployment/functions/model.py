"""What is said of a function outside its code: size, network, concurrency, and what it may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ARN = "arn:{partition}:%s:{region}:{account}:%s"


@dataclass(frozen=True)
class Grant:
    """Actions on resources. Resources hold `{partition} {region} {account} {stage}`, filled for each stage.

    `*`, or everything but some resources, is allowed only with a `why`: where AWS knows no narrower resource.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    why: str = ""
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    by_service: bool = False  # used by Lambda in the function's name, not by its code
    all_but: tuple[str, ...] = ()  # instead of `resources`: IAM's NotResource


@dataclass(frozen=True)
class Function:
    """One Chalice function. A database function joins the VPC; each of its `concurrency` copies holds one
    connection, and one more for the payment gateway's sandbox, whose ledger is in the same database.
    """

    grants: tuple[Grant, ...] = ()
    timeout: int = 30
    memory: int = 256
    database: bool = False
    concurrency: int | None = None  # reserved on AWS; None shares the account's pool
    connections: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)


def queue(name: str) -> str:
    return ARN % ("sqs", f"{name}-{{stage}}")


def topic(name: str) -> str:
    return ARN % ("sns", f"{name}-{{stage}}")


def bus(name: str) -> str:
    return ARN % ("events", f"event-bus/{name}-{{stage}}")


def state_machine(name: str) -> str:
    return ARN % ("states", f"stateMachine:{name}-{{stage}}")


def executions(name: str) -> str:
    return ARN % ("states", f"execution:{name}-{{stage}}:*")


def objects(bucket: str, prefix: str) -> str:
    """The objects of `<bucket>-<stage>-<account>` below a prefix such as `raw-data/orders/`."""
    return f"arn:{{partition}}:s3:::{bucket}-{{stage}}-{{account}}/{prefix}*"


def whole_bucket(bucket: str) -> str:
    return f"arn:{{partition}}:s3:::{bucket}-{{stage}}-{{account}}"


def consumes(name: str) -> Grant:
    """What an event source mapping does in the function's name."""
    return Grant(
        ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"),
        (queue(name),),
        by_service=True,
    )


def publishes_events() -> Grant:
    return Grant(("events:PutEvents",), (bus("order-event-bus"),))


def publishes(*topics: str) -> Grant:
    return Grant(("sns:Publish",), tuple(topic(name) for name in topics))


def reports_failures() -> Grant:
    """An OnFailure destination is written with the function's own role."""
    return Grant(("sqs:SendMessage",), (queue("function-failure-dlq"),), by_service=True)
