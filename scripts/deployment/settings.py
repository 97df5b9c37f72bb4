"""Settings of a stage: from `.stages/<stage>.json`; `local` needs no file. Every fault is named at once."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalicelib import names
from chalicelib.config import GATEWAYS
from chalicelib.domain.money import SETTLED
from scripts.deployment.errors import DeploymentError

ROOT = Path(__file__).resolve().parents[2]
STAGE_FILES = ROOT / ".stages"
EXAMPLE = "docs/operations/stage.example.json"

_PATTERNS = {
    "account": (r"\d{12}", "an account id of 12 digits"),
    "region": (r"[a-z]{2}(-[a-z]+)+-\d", "a region such as 'eu-central-1'"),
    "mail_from": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "a mail address that SES may send from"),
    "operators_email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "a mail address"),
    "currency": (
        "|".join(SETTLED),
        f"one of {', '.join(SETTLED)} (the lake's tables have two digits after the point)",
    ),
    "cors_allow_origin": (r"(\*|https?://\S+)?", "an origin such as 'https://shop.example'"),
}
_REQUIRED = ("account", "region", "mail_from", "operators_email", "currency")


@dataclass(frozen=True)
class StageSettings:
    """One stage. Chalice's functions, the stacks and the policies are all made from this."""

    stage: str
    account: str
    region: str
    mail_from: str
    operators_email: str
    currency: str
    database_secret: str = ""  # name of an existing secret; empty with create_database (or in local)
    database_secret_arn: str = ""  # with its random suffix; narrows the grants where it is known
    create_database: bool = False
    create_proxy: bool = False  # an RDS Proxy before that database, for more copies than it has connections
    vpc: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    create_endpoints: bool = False  # interface endpoints in an existing VPC that has no NAT
    cors_allow_origin: str = ""
    payment_gateway: str = "sandbox"
    allow_sandbox_in_prod: bool = False
    admit_unpriced_orders: bool = False
    admit_foreign_orders: bool = False
    cancellation_window_seconds: int = 14 * 86_400
    order_retention_days: int = 90
    log_retention_days: int = 30
    throttle_rate: int = 100
    throttle_burst: int = 200
    dependency_layer: bool = False  # Chalice's automatic_layer: the packages once, not in every function
    reserve_concurrency: bool = True  # false: for an account whose quota is too small to reserve anything
    reserved_concurrency: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)  # further names for the functions

    @property
    def is_local(self) -> bool:
        return self.stage == "local"

    @property
    def secret_name(self) -> str:
        """The secret with the database's address: the stage's own, or the one that provision makes."""
        return self.database_secret or names.resource("order-database", self.stage)

    def parameters(self) -> dict[str, str]:
        """What the fragments may ask for by name (besides outputs of base and functions)."""
        network = {
            "VpcId": self.vpc,
            "SubnetIds": ",".join(self.subnets),
            "SecurityGroupIds": ",".join(self.security_groups),
        }
        return {
            "Stage": self.stage,
            "OperatorsEmail": self.operators_email,
            "Currency": self.currency,
            "DatabaseSecretName": self.secret_name,
            "MakeDatabaseSecret": str(not self.database_secret).lower(),
            "LogRetentionDays": str(self.log_retention_days),
            "CreateDatabase": str(self.create_database).lower(),
            "CreateEndpoints": str(self.create_endpoints).lower(),
            "CreateProxy": str(self.create_proxy).lower(),
            "ReserveConcurrency": str(self.reserve_concurrency).lower(),
            **{name: value for name, value in network.items() if value},
        }


def local() -> StageSettings:
    """The stage on the laptop: the seed's forms of an order are admitted here."""
    return StageSettings(
        stage="local",
        account=names.LOCAL_ACCOUNT,
        region=names.LOCAL_REGION,
        mail_from="orders@shop.example",
        operators_email="operators@shop.example",
        currency="USD",
        cors_allow_origin="*",
        admit_unpriced_orders=True,
        admit_foreign_orders=True,
        throttle_rate=10_000,
        throttle_burst=5_000,
    )


def load(stage: str, folder: Path = STAGE_FILES) -> StageSettings:
    """The settings of a stage; DeploymentError names everything that is missing or wrong."""
    if stage not in names.STAGES:
        raise DeploymentError(f"unknown stage {stage!r}: one of {', '.join(names.STAGES)}")
    if stage == "local":
        return local()
    file = folder / f"{stage}.json"
    try:
        given = json.loads(file.read_text())
    except OSError as error:
        raise DeploymentError(
            f"stage {stage!r} has no settings: copy {EXAMPLE} to {file} and fill it in"
        ) from error
    except ValueError as error:
        raise DeploymentError(f"{file} is not JSON: {error}") from error
    return parse(stage, given)


def parse(stage: str, given: Mapping[str, Any]) -> StageSettings:
    """Settings from a JSON object; keys that begin with `_` are comments."""
    given = {key: value for key, value in given.items() if not key.startswith("_")}
    problems = [*_unknown(given), *_missing(given), *_wrong(given), *_unpaid(stage, given)]
    if problems:
        raise DeploymentError(f"settings of stage {stage!r}: " + "; ".join(problems))
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    return StageSettings(stage=stage, **values)  # type: ignore[arg-type]  # _wrong has checked the types


def _unknown(given: Mapping[str, Any]) -> list[str]:
    known = {one.name for one in dataclasses.fields(StageSettings)} - {"stage"}
    return [f"{name!r} is not a setting" for name in sorted(set(given) - known)]


def _missing(given: Mapping[str, Any]) -> list[str]:
    missing = [f"{name!r} is missing" for name in _REQUIRED if not given.get(name)]
    if not given.get("create_database"):
        needed = ("database_secret", "vpc", "subnets", "security_groups")
        missing += [
            f"{name!r} is missing (or set 'create_database')" for name in needed if not given.get(name)
        ]
    return missing


def _wrong(given: Mapping[str, Any]) -> list[str]:
    wrong = []
    for name, (pattern, expected) in _PATTERNS.items():
        value = given.get(name)
        if value and not (isinstance(value, str) and re.fullmatch(pattern, value)):
            wrong.append(f"{name!r} is {value!r}, not {expected}")
    for one in dataclasses.fields(StageSettings):
        value = given.get(one.name)
        kinds = {"bool": bool, "int": int, "str": str, "tuple[str, ...]": list}
        kind = kinds.get(str(one.type), object if "Mapping" not in str(one.type) else dict)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            wrong.append(f"{one.name!r} is {value!r}, not {_KIND_NAMES.get(kind, 'a JSON value')}")
    window = given.get("cancellation_window_seconds", StageSettings.cancellation_window_seconds)
    days = given.get("order_retention_days", StageSettings.order_retention_days)
    if isinstance(window, int) and isinstance(days, int) and days * 86_400 <= window:
        wrong.append("'order_retention_days' ends before 'cancellation_window_seconds'")
    if given.get("create_database") and given.get("database_secret"):
        wrong.append("'create_database' and 'database_secret' exclude each other")
    if given.get("create_proxy") and not given.get("create_database"):
        wrong.append("'create_proxy' is for 'create_database'; the address of an own proxy is in its secret")
    return wrong


def _unpaid(stage: str, given: Mapping[str, Any]) -> list[str]:
    gateway = given.get("payment_gateway", "sandbox")
    if gateway not in GATEWAYS:
        known = ", ".join(GATEWAYS)
        return [
            f"'payment_gateway' is {gateway!r}, not one of {known}: docs/operations/stages.md tells of more"
        ]
    if stage == "prod" and gateway == "sandbox" and given.get("allow_sandbox_in_prod") is not True:
        return ["'payment_gateway' is 'sandbox', which takes no money: 'allow_sandbox_in_prod' if meant"]
    return []


_KIND_NAMES = {bool: "true or false", int: "a whole number", str: "a text", list: "a list", dict: "an object"}
