"""State machines: errors by class, retries, time limits, stopping, definitions, status events."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud import Cloud, eventually

FLAKY = """
import boto3, os
class DatabaseUnavailableError(Exception): pass
class DeclinedError(Exception): pass
def handler(event, context):
    sqs = boto3.client('sqs')
    sqs.send_message(QueueUrl=os.environ['URL'], MessageBody=context.aws_request_id)
    if event['fault'] == 'transient':
        raise DatabaseUnavailableError('gone')
    if event['fault'] == 'slow':
        import time
        time.sleep(20)
    if event['fault'] == 'crash':
        os._exit(7)
    raise DeclinedError('no')
"""

WAIT = {"Type": "Wait", "Seconds": 1}


def task(resource: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, **more}


def test_retry_and_catch_know_a_failure_by_its_class_name(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""
    tries = cloud.queue()
    function = cloud.function(FLAKY, Environment={"Variables": {"URL": tries.url}}, Timeout=10)
    retry = {
        "ErrorEquals": ["DatabaseUnavailableError"],
        "IntervalSeconds": 1,
        "MaxAttempts": 2,
        "BackoffRate": 1,
    }
    catch = {
        "ErrorEquals": ["DeclinedError", "DatabaseUnavailableError"],
        "Next": "Caught",
        "ResultPath": "$.error",
    }
    machine = cloud.machine(
        {
            "StartAt": "Try",
            "States": {
                "Try": task(function, Retry=[retry], Catch=[catch], End=True),
                "Caught": {"Type": "Succeed"},
            },
        }
    )
    declined = json.loads(cloud.run(machine, {"fault": "declined"})["output"])
    assert declined["error"]["Error"] == "DeclinedError"
    assert json.loads(declined["error"]["Cause"])["errorMessage"] == "no"
    assert eventually(lambda: tries.depth() == 1)
    gone = json.loads(cloud.run(machine, {"fault": "transient"})["output"])
    assert gone["error"]["Error"] == "DatabaseUnavailableError"
    assert eventually(lambda: tries.depth() == 4)


def test_function_that_times_out_or_exits_fails_with_the_runtime_s_names(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation"""
    tries = cloud.queue()
    function = cloud.function(FLAKY, Environment={"Variables": {"URL": tries.url}}, Timeout=2)
    machine = cloud.machine({"StartAt": "Try", "States": {"Try": task(function, End=True)}})
    assert cloud.run(machine, {"fault": "slow"})["error"] == "Sandbox.Timedout"
    assert cloud.run(machine, {"fault": "crash"})["error"] == "Runtime.ExitError"


def test_task_and_machine_have_time_limits(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html"""
    tries = cloud.queue()
    function = cloud.function(FLAKY, Environment={"Variables": {"URL": tries.url}}, Timeout=25)
    slow = task(function, TimeoutSeconds=1, End=True)
    failed = cloud.run(cloud.machine({"StartAt": "Try", "States": {"Try": slow}}), {"fault": "slow"})
    assert (failed["status"], failed["error"]) == ("FAILED", "States.Timeout")
    waiting = {"Type": "Wait", "Seconds": 60, "End": True}
    machine = cloud.machine({"StartAt": "Wait", "TimeoutSeconds": 1, "States": {"Wait": waiting}})
    assert cloud.run(machine, {})["status"] == "TIMED_OUT"


def test_stopped_run_stays_stopped_and_does_nothing_more(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html"""
    states, done = cloud.client("stepfunctions"), cloud.queue()
    note = task(
        "arn:aws:states:::sqs:sendMessage", Parameters={"QueueUrl": done.url, "MessageBody": "late"}, End=True
    )
    machine = cloud.machine(
        {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 2, "Next": "Note"}, "Note": note}}
    )
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    states.stop_execution(executionArn=arn, error="Cancelled", cause="by the customer")
    after = cloud.run(machine, {})  # as long as the stopped one would have needed
    assert after["status"] == "SUCCEEDED"
    stopped = states.describe_execution(executionArn=arn)
    assert (stopped["status"], stopped["error"]) == ("ABORTED", "Cancelled")
    assert done.depth() == 1


def test_stopped_run_neither_retries_nor_turns_into_a_failed_one(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html"""
    states, tries = cloud.client("stepfunctions"), cloud.queue()
    source = (
        "import boto3, os, time\n"
        "def handler(event, context):\n"
        "    boto3.client('sqs').send_message(QueueUrl=os.environ['URL'], MessageBody='{}')\n"
        "    time.sleep(1)\n"
        "    raise RuntimeError('late')\n"
    )
    function = cloud.function(source, Environment={"Variables": {"URL": tries.url}}, Timeout=10)
    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1}
    only = task(function, Retry=[retry], Next="Done")
    machine = cloud.machine({"StartAt": "Only", "States": {"Only": only, "Done": {"Type": "Succeed"}}})
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    tries.receive(60)
    states.stop_execution(executionArn=arn)
    pause = cloud.machine({"StartAt": "P", "States": {"P": {"Type": "Wait", "Seconds": 4, "End": True}}})
    cloud.run(pause, {})  # long enough for another attempt
    assert states.describe_execution(executionArn=arn)["status"] == "ABORTED"
    assert tries.depth() == 0


def test_wildcard_does_not_catch_a_fault_of_the_definition(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    function = cloud.function("def handler(event, context):\n    return event\n")
    reads = task(function, Parameters={"order.$": "$.missing"}, Catch=catch, End=True)
    machine = cloud.machine({"StartAt": "Only", "States": {"Only": reads, "Caught": {"Type": "Succeed"}}})
    failed = cloud.run(machine, {"orderId": "ORD-1"})
    assert (failed["status"], failed["error"]) == ("FAILED", "States.Runtime")


def test_choice_can_ask_for_presence_and_nothing_else_of_what_is_missing(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html"""

    def choose(rule: dict[str, Any], given: dict[str, Any]) -> str:
        choice = {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"}
        ends = {name: {"Type": "Pass", "Result": name, "End": True} for name in ("Yes", "No")}
        ended = cloud.run(cloud.machine({"StartAt": "Ask", "States": {"Ask": choice, **ends}}), given)
        return str(json.loads(ended["output"])) if ended["status"] == "SUCCEEDED" else str(ended["error"])

    present = {"Variable": "$.a", "IsPresent": True}
    assert choose(present, {"a": None}) == "Yes"
    assert choose(present, {}) == "No"
    assert choose({"And": [present, {"Variable": "$.a", "StringEquals": "x"}]}, {}) == "No"
    assert choose({"Variable": "$.a", "StringEquals": "x"}, {}) == "States.Runtime"


@pytest.mark.parametrize("outcome", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
def test_end_of_a_run_is_an_event_on_the_default_bus(cloud: Cloud, outcome: str) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html"""
    events, states, queue = cloud.client("events"), cloud.client("stepfunctions"), cloud.queue()
    ends: dict[str, dict[str, Any]] = {
        "SUCCEEDED": {"Type": "Succeed"},
        "FAILED": {"Type": "Fail", "Error": "Broken", "Cause": "by intent"},
        "TIMED_OUT": {"Type": "Wait", "Seconds": 60, "End": True},
        "ABORTED": {"Type": "Wait", "Seconds": 60, "End": True},
    }
    machine = cloud.machine({"StartAt": "Only", "TimeoutSeconds": 3, "States": {"Only": ends[outcome]}})
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": [outcome], "stateMachineArn": [machine]},
    }
    name = cloud.name("rule")
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    cloud.undo(lambda: events.delete_rule(Name=name))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": queue.arn}])
    cloud.undo(lambda: events.remove_targets(Rule=name, Ids=["q"]))
    arn = states.start_execution(stateMachineArn=machine, input='{"orderId": "ORD-1"}')["executionArn"]
    if outcome == "ABORTED":
        states.stop_execution(executionArn=arn)
    detail = queue.body(30)["detail"]
    assert (detail["executionArn"], detail["status"]) == (arn, outcome)
    assert json.loads(detail["input"]) == {"orderId": "ORD-1"}


def test_context_object_names_the_execution(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html"""
    name = {"Type": "Pass", "Parameters": {"order.$": "$", "execution.$": "$$.Execution.Id"}, "End": True}
    done = cloud.run(cloud.machine({"StartAt": "Name", "States": {"Name": name}}), {"orderId": "ORD-1"})
    assert json.loads(done["output"]) == {"order": {"orderId": "ORD-1"}, "execution": done["executionArn"]}


@pytest.mark.parametrize(
    "states",
    [
        {"Only": {"Type": "Pass", "Next": "Nowhere"}},
        {"Only": {"Type": "Pass"}},
        {"Only": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "Nowhere"}]}},
        {"Other": {"Type": "Succeed"}},
    ],
)
def test_broken_definition_is_refused_when_it_is_created(cloud: Cloud, states: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"""
    with pytest.raises(ClientError, match="InvalidDefinition"):
        cloud.machine({"StartAt": "Only", "States": states})


def test_history_shows_what_happened_inside_a_map_and_a_parallel(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html"""
    item = {"StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": True}}}
    each = {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 1, "ItemProcessor": item, "End": True}
    broken = {"Type": "Fail", "Error": "Broken", "Cause": "by intent"}
    both = {
        "Type": "Parallel",
        "Branches": [
            {"StartAt": "Each", "States": {"Each": each}},
            # AWS stops the other branch when one fails: the Map is done by then.
            {"StartAt": "Late", "States": {"Late": {**WAIT, "Next": "Bad"}, "Bad": broken}},
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        "End": True,
    }
    machine = cloud.machine({"StartAt": "Both", "States": {"Both": both, "Caught": {"Type": "Succeed"}}})

    events = history(cloud, cloud.run(machine, {"items": [1, 2]})["executionArn"])

    shown = [(one["type"], name_of(one)) for one in events]
    one_item = [
        ("MapIterationStarted", "Each"), ("PassStateEntered", "Item"), ("PassStateExited", "Item"),
        ("MapIterationSucceeded", "Each"),
    ]  # fmt: skip
    late = [("WaitStateEntered", "Late"), ("WaitStateExited", "Late"), ("FailStateEntered", "Bad")]
    assert [one for one in shown if one not in late] == [
        ("ExecutionStarted", None), ("ParallelStateEntered", "Both"), ("ParallelStateStarted", None),
        ("MapStateEntered", "Each"), ("MapStateStarted", None), *one_item, *one_item,
        ("MapStateSucceeded", None), ("MapStateExited", "Each"),
        ("ParallelStateFailed", None), ("ParallelStateExited", "Both"),
        ("SucceedStateEntered", "Caught"), ("SucceedStateExited", "Caught"), ("ExecutionSucceeded", None),
    ]  # fmt: skip
    assert [one for one in shown if one in late] == late
    [started] = [one for one in events if one["type"] == "MapStateStarted"]
    assert started["mapStateStartedEventDetails"]["length"] == 2
    assert [one["id"] for one in events] == list(range(1, len(events) + 1))
    entered = {name_of(one): one for one in events if one["type"].endswith("StateEntered")}
    before = {name: events[one["previousEventId"] - 1]["type"] for name, one in entered.items()}
    assert before["Bad"] == "WaitStateExited"
    assert before["Late"] == "ParallelStateStarted"


def test_history_tells_a_task_that_is_a_function_by_its_own_events(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_LambdaFunctionFailedEventDetails.html"""
    tries = cloud.queue()
    function = cloud.function(FLAKY, Environment={"Variables": {"URL": tries.url}}, Timeout=25)
    declined = cloud.machine({"StartAt": "Try", "States": {"Try": task(function, End=True)}})
    events = history(cloud, cloud.run(declined, {"fault": "declined"})["executionArn"])
    [failed] = [one for one in events if one["type"] == "LambdaFunctionFailed"]
    assert failed["lambdaFunctionFailedEventDetails"]["error"] == "DeclinedError"
    assert [one["type"] for one in events if one["type"] == "LambdaFunctionScheduled"]
    slow = cloud.machine({"StartAt": "Try", "States": {"Try": task(function, TimeoutSeconds=1, End=True)}})
    events = history(cloud, cloud.run(slow, {"fault": "slow"})["executionArn"])
    [out] = [one for one in events if one["type"] == "LambdaFunctionTimedOut"]
    assert out["lambdaFunctionTimedOutEventDetails"]["error"] == "States.Timeout"


def test_each_branch_has_a_context_object_of_its_own(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html"""
    function = cloud.function(
        "class LaterError(Exception): pass\n"
        "def handler(event, context):\n"
        "    if event['retries'] == 0:\n"
        "        raise LaterError()\n"
        "    return event\n",
        Timeout=10,
    )
    retry = {"ErrorEquals": ["LaterError"], "IntervalSeconds": 2, "MaxAttempts": 1}
    asked = {"name.$": "$$.State.Name", "retries.$": "$$.State.RetryCount"}
    again = {"Again": task(function, Parameters=asked, Retry=[retry], End=True)}
    meanwhile = {"Wait": {**WAIT, "Next": "Meanwhile"}, "Meanwhile": {"Type": "Pass", "End": True}}
    branches = [{"StartAt": "Again", "States": again}, {"StartAt": "Wait", "States": meanwhile}]
    both = {"Type": "Parallel", "Branches": branches, "End": True}
    ended = cloud.run(cloud.machine({"StartAt": "Both", "States": {"Both": both}}), {})
    assert json.loads(ended["output"])[0] == {"name": "Again", "retries": 1}


def history(cloud: Cloud, execution: str) -> list[dict[str, Any]]:
    pages = cloud.client("stepfunctions").get_paginator("get_execution_history")
    return [event for page in pages.paginate(executionArn=execution) for event in page["events"]]


def name_of(event: dict[str, Any]) -> str | None:
    """The state, or the Map of the item, that an event names."""
    details: list[dict[str, Any]] = [value for key, value in event.items() if key.endswith("EventDetails")]
    return next((one["name"] for one in details if "name" in one), None)
