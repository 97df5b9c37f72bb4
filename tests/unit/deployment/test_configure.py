"""config.json and policies are generated: what is committed is what the code makes, stage by stage."""

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib import names
from chalicelib.pipeline_config import PipelineSettings
from scripts import configure, deploy
from scripts.deployment import chalice_config, concurrency, settings
from scripts.deployment.errors import DeploymentError
from scripts.deployment.functions import FUNCTIONS
from tests.unit.deployment.stages import stage


@pytest.mark.parametrize("name", names.STAGES)
def test_committed_configuration_is_what_the_code_makes(name: str) -> None:
    wanted = configure.wanted_files(configure.defaults(name), configure.APP, committed=True)
    assert configure.plan(wanted, configure.APP) == [], "run python -m scripts.configure"


def test_no_policy_file_is_left_over() -> None:
    found = {path.stem for path in (configure.APP / ".chalice" / "policies" / "prod").glob("*.json")}
    assert found == set(FUNCTIONS)


def test_configuring_one_stage_keeps_the_others(tmp_path: Path) -> None:
    configure.apply(settings.local(), tmp_path)
    configure.apply(stage("prod"), tmp_path)
    config = json.loads((tmp_path / chalice_config.CONFIG).read_text())
    assert list(config["stages"]) == ["local", "prod"]
    assert config["stages"]["local"]["environment_variables"]["STAGE"] == "local"


def test_configuring_twice_changes_nothing(tmp_path: Path) -> None:
    assert configure.apply(stage("prod"), tmp_path)
    assert configure.apply(stage("prod"), tmp_path) == []


def test_only_database_functions_join_the_network() -> None:
    functions = chalice_config.stage_block(stage(), packaged=False)["lambda_functions"]
    joined = {name for name, block in functions.items() if "subnet_ids" in block}
    assert joined == {name for name, function in FUNCTIONS.items() if function.database}


def test_every_value_of_the_environment_is_text() -> None:
    assert all(isinstance(value, str) for value in chalice_config.environment(stage()).values())


def test_operators_are_mailed_at_their_own_address() -> None:
    settings = PipelineSettings.from_env(chalice_config.environment(stage()))
    assert settings.operators_email == stage().operators_email != settings.mail_from


def test_app_reads_the_generated_environment() -> None:
    from chalicelib.config import Settings

    read = Settings.from_env(chalice_config.environment(stage()))
    assert (read.stage, read.currency, read.database_secret) == ("prod", "EUR", "shop-database")


def test_partial_batch_answers_are_off_until_the_mapping_is_set() -> None:
    assert chalice_config.environment(stage())["PARTIAL_BATCH_RESPONSES"] == "0"


def test_database_functions_together_fit_into_the_connections_of_a_small_database() -> None:
    database = [one for one in FUNCTIONS.values() if one.database]
    assert all(one.concurrency for one in database)
    held = sum((one.concurrency or 0) * one.connections for one in database)
    assert held <= 0.9 * 189, "Aurora that may not grow beyond one capacity unit takes 189"


def test_stage_may_reserve_otherwise() -> None:
    block = chalice_config.stage_block(stage(reserved_concurrency={"api_handler": 3}), packaged=False)
    assert block["lambda_functions"]["api_handler"]["reserved_concurrency"] == 3


def test_stage_of_a_small_account_reserves_nothing_but_still_bounds_its_queues() -> None:
    small = stage(reserve_concurrency=False)
    block = chalice_config.stage_block(small, packaged=False)
    assert not any("reserved_concurrency" in one for one in block["lambda_functions"].values())
    assert concurrency.bound("update-read-model", small) == 5


class Account:
    """A session of an account with this quota of concurrent executions."""

    def __init__(self, quota: int) -> None:
        self._quota = quota

    def client(self, service_name: str) -> Any:
        return self

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"ConcurrentExecutions": self._quota}}


def test_account_that_cannot_reserve_so_much_is_refused_before_anything_is_deployed() -> None:
    needed = 1 + sum(one.concurrency or 0 for one in FUNCTIONS.values())  # one of etl-small-batch
    concurrency.refuse(stage(), Account(needed + 100))
    with pytest.raises(DeploymentError, match=f"reserve {needed} .* has {needed + 99} in eu-central-1"):
        concurrency.refuse(stage(), Account(needed + 99))
    concurrency.refuse(stage(reserve_concurrency=False), Account(10))
    guide = (settings.ROOT / "docs" / "operations" / "deploy.md").read_text()
    assert f"reserve {needed} concurrent executions" in guide
    assert f"{needed + 100} of the account's quota" in guide


def test_deployment_to_an_account_that_is_too_small_has_no_plan() -> None:
    with pytest.raises(DeploymentError, match="must stay unreserved"):
        deploy.plan(stage(), Account(10), configure.APP)


def test_local_has_no_authorizer_and_reserves_nothing() -> None:
    functions = chalice_config.stage_block(settings.local(), packaged=False)["lambda_functions"]
    assert "token-authorizer" not in functions
    assert not any("reserved_concurrency" in block for block in functions.values())


def test_stage_in_a_currency_whose_orders_the_lake_cannot_hold_is_refused() -> None:
    assert stage(currency="JPY").currency == "JPY"
    with pytest.raises(DeploymentError, match=r"'currency' is 'KWD', not one of .*two digits"):
        stage(currency="KWD")


def test_broken_config_is_named(tmp_path: Path) -> None:
    (tmp_path / ".chalice").mkdir()
    (tmp_path / chalice_config.CONFIG).write_text("{")
    with pytest.raises(DeploymentError, match=r"config\.json is not a config"):
        configure.apply(stage(), tmp_path)


def test_unknown_stage_ends_with_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert configure.main(["--stage", "production"]) == 1
    assert capsys.readouterr().err.startswith("error: unknown stage 'production'")
