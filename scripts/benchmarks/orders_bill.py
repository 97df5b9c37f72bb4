"""The AWS bill of a million orders from what was counted, and what a month costs before the first order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scripts.benchmarks.orders_counts import Counted
from scripts.deployment import network
from scripts.prices import prices, table

__all__ = ["Item", "PerOrder", "fixed", "prices", "table"]
_MINUTES = 60 * network.HOURS
_POLLS = 3 * _MINUTES * 5  # five pollers of 20 s for each mapped queue, as Lambda keeps them when idle
MILLION = 1_000_000


@dataclass(frozen=True)
class Item:
    """One line of a bill: how many units of what, at which price of the table."""

    what: str
    units: float
    price: str

    def usd(self, prices: Mapping[str, float]) -> float:
        return self.units * prices[self.price]


@dataclass(frozen=True)
class PerOrder:
    """What one order used, on average, of the load that was counted."""

    functions: Counted  # of all orders
    orders: int
    transitions: float
    events: float
    publishes: float
    emails: float
    messages: float  # of all queues with a consumer
    batches: float  # of them, each one receive and one delete
    objects: float = 0.0

    def bill(self) -> Sequence[Item]:
        """Items of one order; multiply by a million."""
        calls = sum(one.calls for one in self.functions.values()) / self.orders
        work = sum(one.gb_seconds for one in self.functions.values()) / self.orders
        logged = sum(one.log_bytes for one in self.functions.values()) / self.orders
        return [
            Item("API requests", 1, "api_request"),
            Item("workflow transitions", self.transitions, "transition"),
            Item("Lambda requests", calls, "lambda_request"),
            Item("Lambda GB-seconds", work, "lambda_gb_second"),
            Item("bus events", self.events, "event"),
            Item("topic publishes", self.publishes, "sns_publish"),
            Item("operators' e-mails", self.emails, "sns_email"),
            Item("queue requests", self.messages + 2 * self.batches, "sqs_request"),
            Item("objects written", self.objects, "s3_put"),
            Item("GB of logs", logged / 1e9, "log_gb"),
        ]


def fixed(schedules: int, queues: int, alarms: int, secrets: int) -> list[tuple[str, float]]:
    """US dollars of a month without any order: what is declared, at the same prices."""
    cost = prices()
    interfaces = [name for name in network.reached() if name not in network.GATEWAY]
    return [
        (
            f"{len(interfaces)} interface endpoints in {network.ZONES} zones",
            len(interfaces) * network.ZONES * cost["endpoint_hour"] * network.HOURS,
        ),
        ("or one NAT gateway instead of them", cost["nat_hour"] * network.HOURS),
        (
            f"Aurora Serverless v2 at {network.MINIMUM_CAPACITY} units",
            network.MINIMUM_CAPACITY * cost["capacity_hour"] * network.HOURS,
        ),
        (f"{alarms} alarms", alarms * cost["alarm_month"]),
        (f"{secrets} secrets", secrets * cost["secret_month"]),
        (f"{queues} mapped queues, polled while empty", queues * _POLLS * cost["sqs_request"]),
        (f"{schedules} schedules of a minute", schedules * _MINUTES * cost["lambda_request"]),
    ]
