"""Smoke on a stage that asks for tokens says so before it asks anything."""

import pytest

from scripts import smoke
from scripts.deployment import settings
from scripts.deployment.errors import DeploymentError
from tests.unit.deployment.stages import stage


def test_protected_stage_without_a_token_is_told_how_to_get_one() -> None:
    with pytest.raises(DeploymentError, match=r"set ORDERS_TOKEN: .*tokens create --stage dev"):
        smoke.refuse_without_token(stage("dev"), "")


def test_token_or_an_open_stage_goes_on() -> None:
    smoke.refuse_without_token(stage("dev"), "token")
    smoke.refuse_without_token(settings.local(), "")
