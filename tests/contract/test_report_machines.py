"""The report's workflows run on Step Functions as the definitions say: every path, retries, and the join.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html,
https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html and …/state-map.html
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from scripts import check_asl
from tests.contract.cloud import Cloud

# What a task says is in its environment; an input such as {"SummarizeReport": "fault"} overrules it.
STUB = """
import json, os, pathlib
class ThrottledError(Exception): pass
class ProgrammingError(Exception): pass
def handler(event, context):
    task, answer = os.environ['TASK'], json.loads(os.environ['ANSWER'])
    item = event.get('dataset', {})
    said = (event.get('state') or item).get(task)
    tries = pathlib.Path(os.environ['TRIES'], task + str(event.get('execution', '')).split(':')[-1])
    count = len(tries.read_text()) + 1 if tries.exists() else 1
    if said in ('twice', 'always'):
        tries.write_text('x' * count)
    if said == 'always' or (said == 'twice' and count < 3):
        raise ThrottledError('try ' + str(count))
    if said == 'fault':
        raise ProgrammingError('broken')
    if said == 'refused':
        return {'outcome': 'refused', 'dataset': item['label'], 'reason': 'dirty'}
    return {**answer, **({'dataset': item['label']} if item else {}), 'tries': count}
"""
GENERATED = {
    "regions": [{"label": "north"}, {"label": "south"}, {"label": "east"}],
    "files": [{"label": "a.jsonl"}],
}
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "CleanOrders": {"outcome": "cleaned"},
    "SummarizeReport": {"outcome": "summarized"},
    "MailReport": {"outcome": "sent"},
    "GenerateDatasets": GENERATED,
    "EmitExecutionSummary": {"outcome": "succeeded"},
    "RecordReportFailure": {"outcome": "recorded"},
}


@dataclass(frozen=True)
class Stage:
    """A cloud with one stub for each task, and the machines over them with short waits."""

    cloud: Cloud
    functions: Mapping[str, str]

    def definition(self, name: str) -> dict[str, Any]:
        text = (check_asl.ROOT / "statemachines" / f"{name}.asl.json").read_text()
        for task, arn in self.functions.items():
            text = text.replace(f"${{{task}Arn}}", arn)
        machine: dict[str, Any] = json.loads(text.replace('"IntervalSeconds": 2', '"IntervalSeconds": 1'))
        return machine

    def run(self, machine: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Any], list[str]]:
        """Status, output, and the states that were entered, those of items and branches left out."""
        execution = self.cloud.run(machine, given)
        pages = self.cloud.client("stepfunctions").get_paginator("get_execution_history")
        events = [
            e for page in pages.paginate(executionArn=execution["executionArn"]) for e in page["events"]
        ]
        names = [e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e]
        described = self.cloud.client("stepfunctions").describe_state_machine(stateMachineArn=machine)
        top = json.loads(described["definition"])["States"]
        output = json.loads(execution.get("output") or "{}")
        return execution["status"], output, [name for name in names if name in top]


@pytest.fixture(scope="module")
def stage(endpoint: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    cloud = Cloud(endpoint)
    tries = str(tmp_path_factory.mktemp("tries")) if endpoint else "/tmp"  # on AWS the function's own
    functions = {
        task: cloud.function(
            STUB,
            Timeout=10,
            Environment={"Variables": {"TASK": task, "ANSWER": json.dumps(answer), "TRIES": tries}},
        )
        for task, answer in ANSWERS.items()
    }
    yield Stage(cloud, functions)
    cloud.clean()


@pytest.fixture(scope="module")
def report(stage: Stage) -> str:
    return stage.cloud.machine(stage.definition("report_sales"))


@pytest.fixture(scope="module")
def datasets(stage: Stage) -> str:
    return stage.cloud.machine(stage.definition("summarise_datasets"))


PATHS = [
    ({}, "SUCCEEDED", "CleanOrders SummarizeReport MailReport EmitExecutionSummary ReportReady"),
    ({"CleanOrders": "fault"}, "FAILED", "CleanOrders RecordFailure ReportFailed"),
    ({"SummarizeReport": "fault"}, "FAILED", "CleanOrders SummarizeReport RecordFailure ReportFailed"),
    (
        {"MailReport": "fault"}, "SUCCEEDED",
        "CleanOrders SummarizeReport MailReport EmitExecutionSummary ReportReady",
    ),
    (
        {"EmitExecutionSummary": "fault"}, "FAILED",
        "CleanOrders SummarizeReport MailReport EmitExecutionSummary RecordFailure ReportFailed",
    ),
    (
        {"CleanOrders": "fault", "RecordReportFailure": "fault"}, "FAILED",
        "CleanOrders RecordFailure ReportFailed",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "status", "states"), PATHS)
def test_report_takes_every_path(
    stage: Stage, report: str, asked: dict[str, str], status: str, states: str
) -> None:
    ended, _, entered = stage.run(report, {"source": "demo.run", **asked})
    assert (ended, entered) == (status, states.split())


def test_each_result_is_kept_beside_the_input(stage: Stage, report: str) -> None:
    _, output, _ = stage.run(report, {"source": "demo.run"})
    assert output["source"] == "demo.run"
    assert [output[step]["outcome"] for step in ("clean", "summary", "mail", "emitted")] == [
        "cleaned", "summarized", "sent", "succeeded",
    ]  # fmt: skip


@pytest.mark.parametrize("task", ["CleanOrders", "SummarizeReport", "MailReport"])
def test_a_transient_fault_is_tried_again_and_recovers(stage: Stage, report: str, task: str) -> None:
    status, output, _ = stage.run(report, {"source": "demo.run", task: "twice"})
    step = {"CleanOrders": "clean", "SummarizeReport": "summary", "MailReport": "mail"}[task]
    assert (status, output[step]["tries"]) == ("SUCCEEDED", 3)


def test_a_transient_fault_that_lasts_is_caught_after_three_retries(stage: Stage) -> None:
    machine = stage.definition("report_sales")
    machine["States"]["RecordFailure"] = {"Type": "Succeed"}  # shows what it would be given
    del machine["States"]["ReportFailed"]
    for state in machine["States"].values():
        for catcher in state.get("Catch", []):
            catcher["Next"] = "RecordFailure" if catcher["Next"] == "ReportFailed" else catcher["Next"]
    _, output, _ = stage.run(stage.cloud.machine(machine), {"SummarizeReport": "always"})
    assert output["failure"]["Error"] == "ThrottledError"
    assert "try 4" in output["failure"]["Cause"]
    assert output["clean"]["outcome"] == "cleaned"


def outcomes(results: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["dataset"], one["outcome"]) for one in results]


def test_data_sets_are_joined_beside_what_was_generated(stage: Stage, datasets: str) -> None:
    status, output, entered = stage.run(datasets, {})
    assert status == "SUCCEEDED"
    assert entered[0] == "GenerateDatasets"
    assert entered[-2:] == ["EmitExecutionSummary", "DatasetsDone"]
    assert [one["label"] for one in output["generated"]["regions"]] == ["north", "south", "east"]
    assert outcomes(output["results"]["regions"]) == [
        ("north", "summarized"), ("south", "summarized"), ("east", "summarized"),
    ]  # fmt: skip
    assert outcomes(output["results"]["files"]) == [("a.jsonl", "summarized")]


@pytest.mark.parametrize(
    ("dirt", "outcome"),
    [
        ({"CleanOrders": "refused"}, "refused"),
        ({"CleanOrders": "fault"}, "failed"),
        ({"SummarizeReport": "fault"}, "failed"),
    ],
)
@pytest.mark.parametrize("branch", ["regions", "files"])
def test_one_bad_data_set_leaves_the_others(
    stage: Stage, branch: str, dirt: dict[str, str], outcome: str
) -> None:
    sets = {**GENERATED, branch: [{"label": "bad", **dirt}, {"label": "good"}]}
    machine = stage.definition("summarise_datasets")
    machine["States"]["GenerateDatasets"] = {
        "Type": "Pass", "Result": sets, "ResultPath": "$.generated", "Next": "CleanAndSummarize",
    }  # fmt: skip
    status, output, _ = stage.run(stage.cloud.machine(machine), {})
    assert status == "SUCCEEDED"
    assert outcomes(output["results"][branch]) == [("bad", outcome), ("good", "summarized")]
    if outcome == "failed":
        assert output["results"][branch][0]["error"] == "ProgrammingError"


def test_no_data_sets_are_no_failure(stage: Stage) -> None:
    machine = stage.definition("summarise_datasets")
    machine["States"]["GenerateDatasets"] = {
        "Type": "Pass", "Result": {"regions": [], "files": []}, "ResultPath": "$.generated",
        "Next": "CleanAndSummarize",
    }  # fmt: skip
    status, output, _ = stage.run(stage.cloud.machine(machine), {})
    assert (status, output["results"]) == ("SUCCEEDED", {"regions": [], "files": []})


@pytest.mark.parametrize("task", ["GenerateDatasets", "EmitExecutionSummary"])
def test_a_step_that_fails_for_all_data_sets_is_recorded(stage: Stage, datasets: str, task: str) -> None:
    status, _, entered = stage.run(datasets, {task: "fault"})
    assert status == "FAILED"
    assert entered[-3:] == [task, "RecordFailure", "DatasetsFailed"]


def test_a_record_that_fails_too_still_ends_as_a_failure(stage: Stage, datasets: str) -> None:
    given = {"GenerateDatasets": "fault", "RecordReportFailure": "fault"}
    status, _, entered = stage.run(datasets, given)
    assert (status, entered[-1]) == ("FAILED", "DatasetsFailed")
