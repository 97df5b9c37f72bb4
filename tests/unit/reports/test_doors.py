"""The report's doors: short, of the seed's names, and each machine's tasks are among them."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from chalice import Chalice

from chalicelib import reports_bootstrap
from chalicelib.domain.errors import ConfigurationError
from chalicelib.handlers import reports
from chalicelib.reports_config import ReportSettings
from scripts import check_asl
from scripts.deployment import chalice_config, settings
from tests.placeholders import placeholder_of
from tests.unit.reports.builders import Desk, an_order

SEED = {"clean-orders", "summarize-report", "generate-datasets", "emit-execution-summary"}


def app() -> Chalice:
    made = Chalice("orders")
    made.register_blueprint(reports.report_doors)
    return made


def test_functions_of_the_seed_are_there_by_its_names() -> None:
    assert {function.name for function in app().pure_lambda_functions} >= SEED


def test_no_door_is_longer_than_eight_lines() -> None:
    tree = ast.parse(Path(reports.__file__).read_text())
    lengths = [len(node.body) for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert max(lengths) <= 8


@pytest.mark.parametrize("name", ["report_sales", "summarise_datasets"])
def test_every_task_of_the_machines_is_a_function_of_the_app(name: str) -> None:
    functions = frozenset(placeholder_of(one.name) for one in app().pure_lambda_functions)
    machine = json.loads((check_asl.ROOT / "statemachines" / f"{name}.asl.json").read_text())
    assert check_asl.check(machine, functions) == []


def test_the_map_is_bounded_and_joined_beside_the_input() -> None:
    machine = json.loads((check_asl.ROOT / "statemachines" / "summarise_datasets.asl.json").read_text())
    parallel = machine["States"]["CleanAndSummarize"]
    maps = [branch["States"][branch["StartAt"]] for branch in parallel["Branches"]]
    assert [one["Type"] for one in maps] == ["Map", "Map"]
    assert all(0 < one["MaxConcurrency"] <= 2 for one in maps)
    assert parallel["ResultPath"] == "$.results"


def test_doors_call_the_use_cases_and_log_no_personal_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(an_order())
    monkeypatch.setattr(reports, "reports", lambda: desk.reports)
    state: dict[str, Any] = {"source": "demo.run"}
    for field, door in (
        ("clean", reports.clean_orders), ("summary", reports.summarize_report), ("mail", reports.mail_report),
        ("emitted", reports.emit_execution_summary),
    ):  # fmt: skip
        state[field] = door({**desk.step(**state), "workflow": "report-workflow"}, None)
    assert state["emitted"]["outcome"] == "succeeded"
    assert "C-1" not in capsys.readouterr().out


def test_settings_name_everything_that_is_missing_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        ReportSettings.from_env({"STAGE": "local"})
    for name in ("REPORTS_BUCKET", "REPORT_WORKFLOW_ARN", "LAKE_BUCKET", "MAIL_FROM"):
        assert f"{name} is missing" in str(refused.value)


def test_generated_environment_is_what_the_report_needs() -> None:
    read = ReportSettings.from_env(chalice_config.environment(settings.local()))
    assert read.reports_bucket == "order-reports-local-000000000000"
    assert read.report_workflow_arn.endswith(":stateMachine:report-workflow-local")
    assert read.operators_email == "operators@shop.example"


def test_functions_without_orders_load_no_database_driver() -> None:
    built = reports_bootstrap.ports(ReportSettings.from_env(chalice_config.environment(settings.local())))
    assert "_sales" not in vars(built.sales)
