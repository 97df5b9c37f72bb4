"""A stage is complete, or it is refused with everything that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.deployment import settings
from scripts.deployment.errors import DeploymentError
from tests.unit.deployment.stages import COMPLETE, stage


def test_unknown_stage_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DeploymentError, match="unknown stage 'production': one of local, dev, prod"):
        settings.load("production")


def test_stage_without_a_file_is_told_which_example_to_copy(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"copy docs/operations/stage\.example\.json"):
        settings.load("prod", tmp_path)


def test_every_missing_setting_is_named_at_once() -> None:
    with pytest.raises(DeploymentError) as refused:
        settings.parse("prod", {"region": "eu-central-1"})
    for name in ("account", "mail_from", "operators_email", "currency", "database_secret", "vpc", "subnets"):
        assert f"{name!r} is missing" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("account", 123456789012),
        ("account", "1234"),
        ("region", "frankfurt"),
        ("mail_from", "nobody"),
        ("subnets", "subnet-1"),
        ("throttle_rate", "fast"),
        ("throttle_rate", True),
        ("reserved_concurrency", [1]),
        ("create_database", "yes"),
    ],
)
def test_wrong_value_is_named_with_its_setting(name: str, value: Any) -> None:
    with pytest.raises(DeploymentError, match=name):
        stage(**{name: value})


def test_misspelt_setting_is_refused() -> None:
    with pytest.raises(DeploymentError, match="'regoin' is not a setting"):
        stage(regoin="eu-central-1")


def test_prod_takes_no_order_that_nobody_pays_unless_that_is_meant() -> None:
    with pytest.raises(DeploymentError, match="'sandbox', which takes no money: 'allow_sandbox_in_prod'"):
        stage("prod", allow_sandbox_in_prod=None)
    assert not stage("dev", allow_sandbox_in_prod=None).allow_sandbox_in_prod


def test_details_are_kept_for_as_long_as_an_order_can_be_cancelled() -> None:
    with pytest.raises(DeploymentError, match="'order_retention_days' ends before"):
        stage(cancellation_window_seconds=90 * 86_400)
    assert stage(cancellation_window_seconds=90 * 86_400, order_retention_days=91)


def test_gateway_without_an_adapter_is_refused() -> None:
    with pytest.raises(DeploymentError, match="'payment_gateway' is 'stripe', not one of sandbox"):
        stage(payment_gateway="stripe")


def test_own_database_needs_no_network_of_the_stage() -> None:
    made = stage(create_database=True, database_secret=None, vpc=None, subnets=None, security_groups=None)
    assert made.parameters()["MakeDatabaseSecret"] == "true"


def test_own_and_given_database_exclude_each_other() -> None:
    with pytest.raises(DeploymentError, match="exclude each other"):
        stage(create_database=True)


def test_local_needs_no_file() -> None:
    assert settings.load("local").is_local


def test_committed_example_is_a_complete_stage() -> None:
    example = json.loads((settings.ROOT / settings.EXAMPLE).read_text())
    assert settings.parse("dev", example).secret_name


def test_complete_stage_round_trips() -> None:
    assert stage().account == COMPLETE["account"]
