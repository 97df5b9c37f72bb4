"""The DAG, read and not run: its tasks, their order, their retries, and that every name is the platform's."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.airflow.demo import FAILED, SUCCEEDED
from scripts.deployment import fragments
from scripts.deployment.functions import FUNCTIONS

ROOT = Path(__file__).resolve().parents[3]
DAG = ROOT / "etl" / "airflow" / "dags" / "etl_pipeline.py"
PLUGIN = ROOT / "etl" / "airflow" / "plugins" / "etl_operators.py"
TREE = ast.parse(DAG.read_text())
OPERATORS = {
    "prepare_run": "PrepareRunOperator",
    "run_job": "GlueJobOperator",
    "crawl_tables": "GlueCrawlerOperator",
    "query_tables": "AthenaCheckOperator",
    "check_run": "CheckRunOperator",
    "notify": "SnsPublishOperator",
    "fail_run": "LambdaInvokeFunctionOperator",
}


def arguments(call: ast.Call) -> dict[str, ast.expr]:
    return {one.arg: one.value for one in call.keywords if one.arg}


def operators() -> dict[str, ast.Call]:
    """The call that makes each task, by the variable that holds it."""
    found = {}
    for node in ast.walk(TREE):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            name = ast.unparse(node.value.func)
            if name.endswith("Operator"):
                found[ast.unparse(node.targets[0])] = node.value
    return found


def dag() -> dict[str, ast.expr]:
    call = next(
        node for node in ast.walk(TREE) if isinstance(node, ast.Call) and ast.unparse(node.func) == "DAG"
    )
    return arguments(call)


def default(name: str) -> Any:
    defaults = dag()["default_args"]
    assert isinstance(defaults, ast.Dict)
    pairs = zip(defaults.keys, defaults.values, strict=True)
    return {ast.literal_eval(key): value for key, value in pairs if key}[name]


def named(text: str) -> dict[str, set[str]]:
    """What the DAG asks names for: functions of the app, and resources of the stack."""
    return {
        kind: set(re.findall(rf"names\.{kind}\(['\"]([a-z-]+)['\"]", text))
        for kind in ("function", "resource")
    }


def declared() -> set[str]:
    """Names of the base stack's resources, without the stage."""
    return set(re.findall(r"([a-z][a-z-]+)-\$\{Stage\}", json.dumps(fragments.base()["Resources"])))


def test_each_task_has_its_operator_and_the_name_of_its_variable() -> None:
    assert {name: ast.unparse(call.func) for name, call in operators().items()} == OPERATORS
    for name, call in operators().items():
        assert ast.literal_eval(arguments(call)["task_id"]) == name


def test_order_is_that_of_the_state_machine_and_every_failure_lets_go_of_the_run() -> None:
    chains = [
        [ast.unparse(one) for one in node.args]
        for node in ast.walk(TREE)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "chain"
    ]
    assert chains == [
        ["prepare_run", "run_job", "crawl_tables", "query_tables", "check_run", "notify"],
        ["[run_job, crawl_tables, query_tables, check_run]", "fail_run"],
    ]
    rule = arguments(operators()["fail_run"])["trigger_rule"]
    assert ast.unparse(rule) == "TriggerRule.ONE_FAILED"


def test_transient_faults_are_retried_with_growing_delays_and_the_last_one_alerts() -> None:
    assert ast.literal_eval(default("retries")) == 3
    assert ast.literal_eval(default("retry_exponential_backoff")) is True
    assert ast.unparse(default("on_failure_callback")) == "alert"
    assert "operational-alerts" in ast.unparse(TREE)


def test_lock_is_waited_for_and_the_job_is_started_twice_at_most() -> None:
    waiting = arguments(operators()["prepare_run"])
    assert ast.literal_eval(waiting["retries"]) >= 20
    assert ast.literal_eval(waiting["retry_exponential_backoff"]) is False
    job = arguments(operators()["run_job"])
    assert ast.literal_eval(job["retries"]) == 1
    assert ast.literal_eval(job["resume_glue_job_on_retry"]) is True


def test_job_reads_the_manifest_of_the_run_that_was_prepared() -> None:
    script = ast.literal_eval(arguments(operators()["run_job"])["script_args"])
    assert script == {"--manifest": "{{ ti.xcom_pull(task_ids='prepare_run')['manifest'] }}"}


@pytest.mark.parametrize("name", ["check_run", "fail_run"])
def test_payload_is_json_with_the_id_of_the_run(name: str) -> None:
    payload = ast.literal_eval(arguments(operators()[name])["payload"])
    assert json.loads(re.sub(r"\{\{.*?\}\}", "x", payload))["runId"] == "x"


def test_second_try_of_a_preparation_asks_for_the_run_of_the_first() -> None:
    """`prepare-etl-run` gives an execution its own run back; a DAG run is one."""
    payload = json.loads(ast.literal_eval(arguments(operators()["prepare_run"])["payload"]))
    assert payload == {"execution": "airflow:{{ run_id }}"}


def test_crawler_gets_its_name_only_for_more_would_change_it() -> None:
    config = arguments(operators()["crawl_tables"])["config"]
    assert isinstance(config, ast.Dict)
    assert [ast.literal_eval(key) for key in config.keys if key] == ["Name"]


def test_one_run_at_a_time_without_catching_up() -> None:
    said = {name: ast.unparse(value) for name, value in dag().items()}
    assert (said["max_active_runs"], said["catchup"]) == ("1", "False")


def test_every_name_is_of_the_app_or_of_the_stack() -> None:
    asked = named(ast.unparse(TREE))
    assert asked["function"] == {"prepare-etl-run", "check-etl-run", "fail-etl-run"}
    assert asked["function"] <= set(FUNCTIONS)
    assert asked["resource"] == {"etl-job", "processed-data-crawler", "order-analytics"}
    topics = set(re.findall(r"topic\(['\"]([a-z-]+)['\"]\)", ast.unparse(TREE)))
    assert topics == {"operational-alerts", "order-notifications"}
    assert asked["resource"] | topics <= declared()


def test_nothing_is_read_from_aws_or_airflow_while_the_file_is_parsed() -> None:
    imported = {
        (node.module or "").split(".")[0] for node in ast.walk(TREE) if isinstance(node, ast.ImportFrom)
    }
    imported |= {one.name for node in ast.walk(TREE) if isinstance(node, ast.Import) for one in node.names}
    assert imported == {"airflow", "chalicelib", "datetime", "etl_operators", "json", "os", "typing"}
    assert "Variable" not in ast.unparse(TREE)


def test_plugin_defines_the_operators_that_the_provider_does_not_have() -> None:
    defined = {
        node.name for node in ast.walk(ast.parse(PLUGIN.read_text())) if isinstance(node, ast.ClassDef)
    }
    assert defined == {"PrepareRunOperator", "AthenaCheckOperator", "CheckRunOperator"}


def test_demo_expects_a_state_of_every_task() -> None:
    assert set(SUCCEEDED) == set(FAILED) == {*OPERATORS, "are_passed"}
