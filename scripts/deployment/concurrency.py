"""What the functions reserve of the account's concurrency, and whether the account has that much.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html: 100 must stay unreserved. A new
account may start with as few as 10, of which nothing can be reserved.
"""

from __future__ import annotations

from scripts.deployment.calls import Session
from scripts.deployment.errors import DeploymentError
from scripts.deployment.functions import FUNCTIONS
from scripts.deployment.settings import StageSettings

UNRESERVED = 100
SMALL_BATCH = 1  # of the ETL's own function, in bindings/lake.yaml


def bound(name: str, stage: StageSettings) -> int | None:
    """How many copies of a function may run at once, by the stage or else by the table."""
    return stage.reserved_concurrency.get(name, FUNCTIONS[name].concurrency)


def reserved(name: str, stage: StageSettings) -> int | None:
    """What a function reserves; nothing in `local`, and nothing where the stage says so."""
    return bound(name, stage) if stage.reserve_concurrency and not stage.is_local else None


def refuse(stage: StageSettings, session: Session) -> None:
    """DeploymentError where the account's quota is too small: AWS would stop half way."""
    if stage.is_local or not stage.reserve_concurrency:
        return
    needed = SMALL_BATCH + sum(reserved(name, stage) or 0 for name in FUNCTIONS)
    quota = session.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if quota < needed + UNRESERVED:
        raise DeploymentError(
            f"the functions of stage {stage.stage!r} reserve {needed} concurrent executions and {UNRESERVED} "
            f"must stay unreserved; the account has {quota} in {stage.region}: ask AWS for more, or set "
            "'reserve_concurrency' to false (docs/operations/stages.md)"
        )
