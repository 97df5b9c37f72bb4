"""What the functions in the VPC must reach, by which endpoints, and what that costs in a month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scripts.deployment.functions import FUNCTIONS, Function
from scripts.deployment.settings import StageSettings
from scripts.prices import usd

ENDPOINTS: Mapping[str, str] = {  # IAM's prefix of a service → the endpoint that leads to it
    "secretsmanager": "secretsmanager",
    "events": "events",
    "sns": "sns",
    "states": "states",
    "ses": "email",
    "sqs": "sqs",
    "lambda": "lambda",
    "glue": "glue",
    "kms": "kms",
    "s3": "s3",
}
GATEWAY = ("s3",)  # gateway endpoints cost nothing
HOURS = 730

MINIMUM_CAPACITY = 0.5
PROXY_MINIMUM = 8  # capacity units that an RDS Proxy is billed for at least, however small the database
ZONES = 2


@dataclass(frozen=True)
class Cost:
    """A fixed cost of a month in US dollars."""

    what: str
    usd: float

    def __str__(self) -> str:
        return f"cost   ${self.usd:8.2f} a month for {self.what}"


def reached(functions: Mapping[str, Function] = FUNCTIONS) -> list[str]:
    """Endpoints of the services that database functions call from inside the VPC."""
    prefixes = {
        action.split(":", 1)[0]
        for function in functions.values()
        if function.database
        for grant in function.grants
        if not grant.by_service
        for action in grant.actions
    }
    return sorted({ENDPOINTS[prefix] for prefix in prefixes | {"secretsmanager"}})


def costs(stage: StageSettings) -> list[Cost]:
    """Fixed costs of a month for network and database in us-east-1; other regions differ by some percent."""
    if stage.is_local:
        return []
    interfaces = [name for name in reached() if name not in GATEWAY]
    zones = ZONES if stage.create_database else max(len(stage.subnets), 1)
    endpoints = Cost(
        f"{len(interfaces)} interface endpoints in {zones} zones ({', '.join(interfaces)})",
        len(interfaces) * zones * usd("endpoint_hour") * HOURS,
    )
    nat = Cost("one NAT gateway, if the VPC has none and no endpoints", usd("nat_hour") * HOURS)
    database = Cost(
        f"Aurora Serverless v2 at its least, {MINIMUM_CAPACITY} capacity units",
        MINIMUM_CAPACITY * usd("capacity_hour") * HOURS,
    )
    proxy = Cost(
        f"the RDS Proxy, billed for {PROXY_MINIMUM} capacity units at least",
        PROXY_MINIMUM * usd("proxy_capacity_hour") * HOURS,
    )
    if stage.create_database:
        return [endpoints, database, *([proxy] if stage.create_proxy else [])]
    return [endpoints] if stage.create_endpoints else [nat]


def report(stage: StageSettings) -> Iterable[str]:
    """Lines for the operator: who joins the network, what it must reach, what it costs."""
    if stage.is_local:
        return
    inside = sorted(name for name, function in FUNCTIONS.items() if function.database)
    yield f"VPC    {len(inside)} functions use the database and join it; the others stay outside"
    ways = (
        "its NAT gateway or own endpoints"
        if not (stage.create_database or stage.create_endpoints)
        else "endpoints"
    )
    yield f"VPC    from inside they reach {', '.join(reached())} by {ways}"
    yield from map(str, costs(stage))
    yield str(Cost("the key of the topics", usd("key_month")))
