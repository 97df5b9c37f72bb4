"""The pure rules inside the gap fillers, each as AWS documents it."""

import json
from typing import Any

import pytest

from scripts.local_cloud.gaps.cloudwatch_alarms import state
from scripts.local_cloud.gaps.iam_resources import glue_resource
from scripts.local_cloud.gaps.logs import embedded_metrics
from scripts.local_cloud.gaps.sfn_definitions import diagnostics
from scripts.local_cloud.gaps.sfn_runs import delay
from scripts.local_cloud.gaps.sqs_mappings import failures
from scripts.local_cloud.gaps.sqs_windows import LONGEST, fitting, is_due
from scripts.local_cloud.seams import SeamError, function_at, require_engine_version, value_at

ALARM = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 0.0}


def top(low: float, high: float) -> float:
    return high


def test_retry_waits_longer_each_time_up_to_its_cap() -> None:
    retrier = {"IntervalSeconds": 2, "BackoffRate": 3.0, "MaxDelaySeconds": 10}
    assert [delay(retrier, n, top) for n in range(3)] == [2, 6, 10]


def test_full_jitter_draws_from_nothing_to_the_whole_delay() -> None:
    retrier = {"IntervalSeconds": 4, "JitterStrategy": "FULL"}
    assert delay(retrier, 0, lambda low, high: low) == 0
    assert delay(retrier, 0, top) == 4


@pytest.mark.parametrize(
    ("values", "missing", "expected"),
    [
        ([1.0], "missing", "ALARM"),
        ([0.0], "missing", "OK"),
        ([None], "missing", "INSUFFICIENT_DATA"),
        ([None], "notBreaching", "OK"),
        ([None], "breaching", "ALARM"),
        ([None], "ignore", None),
        ([1.0, None], "breaching", "ALARM"),
        ([1.0, None], "notBreaching", "OK"),
    ],
)
def test_alarm_treats_missing_data_as_it_was_told(
    values: list[float | None], missing: str, expected: str | None
) -> None:
    assert state(values, {**ALARM, "TreatMissingData": missing}) == expected


def test_alarm_needs_as_many_datapoints_as_it_names() -> None:
    assert state([1.0, 0.0, 1.0], {**ALARM, "DatapointsToAlarm": 2}) == "ALARM"
    assert state([1.0, 0.0, 1.0], ALARM) == "OK"


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "x"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"id": "a"}]}, {"a", "b"}),
        ("not json", {"a", "b"}),
    ],
)
def test_partial_answer_gives_back_what_it_names_or_everything(answer: Any, failed: set[str]) -> None:
    assert failures(answer, {"a", "b"}) == failed


def waiting(count: int, size: int = 10) -> list[dict[str, Any]]:
    return [{"body": "x" * size}] * count


def test_batch_follows_the_one_before_after_a_part_of_its_window_and_a_first_one_waits_for_nothing() -> None:
    assert is_due(waiting(2), 100, 5.0, 99.9, 100.0) == pytest.approx(99.9 + LONGEST)
    assert is_due(waiting(2), 100, 0.1, 99.95, 100.0) == pytest.approx(100.05)
    assert is_due(waiting(2), 100, 5.0, 99.0, 100.0) == 100.0


def test_batch_does_not_wait_when_it_is_full_or_has_no_window() -> None:
    assert is_due(waiting(2), 2, 5.0, 99.9, 100.0) == 100.0
    assert is_due(waiting(1), 100, 0.0, 99.9, 100.0) == 100.0
    assert is_due(waiting(2, size=3_000_000), 100, 5.0, 99.9, 100.0) == 100.0


def test_batch_has_at_least_one_message_and_no_more_than_lambda_s_payload_holds() -> None:
    assert fitting(waiting(3), 2) == 2
    assert fitting(waiting(3, size=2_000_000), 100) == 2
    assert fitting(waiting(2, size=9_000_000), 100) == 1


def test_embedded_metric_has_each_set_of_dimensions() -> None:
    directive = {
        "Namespace": "Orders",
        "Dimensions": [["A"], []],
        "Metrics": [{"Name": "N", "Unit": "Count"}],
    }
    line = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, "A": "x", "N": [1, 2]}
    found = list(embedded_metrics(json.dumps(line)))
    assert [(m.dimensions, m.values) for m in found] == [({"A": "x"}, [1.0, 2.0]), ({}, [1.0, 2.0])]
    assert list(embedded_metrics('{"plain": 1}')) == []


@pytest.mark.parametrize("field", ["ItemBatcher", "ResultWriter", "Assign"])
def test_definition_that_the_engine_would_run_wrongly_is_refused(field: str) -> None:
    inner = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}}
    only = {"Type": "Map", "ItemProcessor": inner, "End": True, field: {"x": "y"}}
    assert [code for code, _, _ in diagnostics(json.dumps(machine(only)))] == ["NOT_IN_LOCAL_ENGINE"]


def test_variable_in_a_path_is_refused_and_the_context_object_is_not() -> None:
    reads = {"Type": "Pass", "Parameters": {"id.$": "$.a", "run.$": "$$.Execution.Id"}, "End": True}
    assert diagnostics(json.dumps(machine(reads))) == []
    reads["Parameters"] = {"id.$": "$order"}
    assert diagnostics(json.dumps(machine(reads)))


@pytest.mark.parametrize("field", ["ItemProcessor", "Branches"])
def test_name_that_a_state_has_anywhere_in_the_machine_is_refused(field: str) -> None:
    inner = {"StartAt": "Twice", "States": {"Twice": {"Type": "Pass", "End": True}}}
    kind = {"ItemProcessor": "Map", "Branches": "Parallel"}[field]
    at = "/States/B/" + {"ItemProcessor": "ItemProcessor", "Branches": "Branches[0]"}[field]
    scope = {"Type": kind, field: [inner] if field == "Branches" else inner}
    both = {"StartAt": "A", "States": {"A": {**scope, "Next": "B"}, "B": {**scope, "End": True}}}
    assert diagnostics(json.dumps(both)) == [
        ("DUPLICATE_STATE_NAME", "Duplicate State name: Twice", f"{at}/States/Twice")
    ]


def machine(only: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"StartAt": "Only", "States": {"Only": only or {"Type": "Pass", "End": True}}}


@pytest.mark.parametrize(
    ("action", "given", "resource"),
    [
        ("StartCrawler", {"Name": "c"}, "crawler/c"),
        ("StartJobRun", {"JobName": "j"}, "job/j"),
        ("StartWorkflowRun", {"Name": "w"}, "workflow/w"),
        ("GetTable", {"DatabaseName": "d", "Name": "t"}, None),
        ("ListCrawlers", {}, None),
    ],
)
def test_glue_action_is_on_the_thing_that_it_names(
    action: str, given: dict[str, str], resource: str | None
) -> None:
    assert glue_resource(f"AWSGlue.{action}", json.dumps(given).encode()) == resource


def test_other_engine_version_is_refused() -> None:
    with pytest.raises(SeamError, match=r"1\.5\.34"):
        require_engine_version("1.5.34")


def test_seam_that_moved_is_refused() -> None:
    with pytest.raises(SeamError, match="is gone"):
        function_at(json, "no_such_function")
    with pytest.raises(SeamError, match="takes"):
        function_at(json, "loads", "other")
    with pytest.raises(SeamError, match="expected"):
        value_at(json, "__doc__", int)
