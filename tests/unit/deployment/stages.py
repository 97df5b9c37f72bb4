"""Stage settings for tests: a complete stage, to be changed where a test needs it."""

from typing import Any

from scripts.deployment import settings
from scripts.deployment.settings import StageSettings

COMPLETE: dict[str, Any] = {
    "account": "123456789012",
    "region": "eu-central-1",
    "mail_from": "orders@shop.example",
    "operators_email": "operators@shop.example",
    "currency": "EUR",
    "database_secret": "shop-database",
    "vpc": "vpc-0123abcd",
    "subnets": ["subnet-0123abcd", "subnet-4567abcd"],
    "security_groups": ["sg-0123abcd"],
    "allow_sandbox_in_prod": True,
}


def stage(name: str = "prod", **changes: Any) -> StageSettings:
    return settings.parse(
        name, {key: value for key, value in {**COMPLETE, **changes}.items() if value is not None}
    )
