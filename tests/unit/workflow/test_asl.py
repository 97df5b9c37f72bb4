"""The state machines are sound as they are written, and the checker sees each kind of fault."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scripts import check_asl
from scripts.local_cloud.gaps.sfn_runs import delay
from tests.placeholders import placeholder_of

FILES = sorted((check_asl.ROOT / "statemachines").glob("*.asl.json"))
PROCESSING = check_asl.ROOT / "statemachines" / "process_order.asl.json"


def processing() -> dict[str, Any]:
    machine: dict[str, Any] = json.loads(PROCESSING.read_text())
    return machine


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_state_machine_has_no_findings(file: Any) -> None:
    assert check_asl.check(json.loads(file.read_text())) == []


def test_every_task_of_the_order_machines_is_a_function_of_the_app() -> None:
    from chalice import Chalice

    from chalicelib.handlers import workflow

    app = Chalice("orders")
    app.register_blueprint(workflow.workflow_tasks)
    functions = frozenset(placeholder_of(function.name) for function in app.pure_lambda_functions)

    for name in ("process_order", "cancel_order"):
        machine = json.loads((check_asl.ROOT / "statemachines" / f"{name}.asl.json").read_text())
        assert check_asl.check(machine, functions) == []


def test_names_of_the_seed_s_states_and_errors_are_kept() -> None:
    states = processing()["States"]
    seed = {"ValidatePayment", "CheckInventory", "ProcessOrder", "SendNotification", "OrderComplete"}
    assert seed <= set(states)
    assert states["PaymentFailed"]["Error"] == "PaymentValidationError"
    assert states["InventoryFailed"]["Error"] == "InventoryError"


LOST = {"Sandbox.Timedout", "Runtime.ExitError", "Lambda.Unknown", "States.Timeout"}


ANY_TASK = LOST | {"DatabaseUnavailableError", "ThrottledError", "Lambda.TooManyRequestsException"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_task_whose_process_died_or_hung_is_tried_again(file: Any) -> None:
    of_orders = file.name in ("process_order.asl.json", "cancel_order.asl.json")
    wanted = ANY_TASK | (check_asl.transient_errors() if of_orders else set())
    functions = [
        (key, task) for key, task in tasks_of(json.loads(file.read_text())) if "$" in task["Resource"]
    ]
    for key, task in functions:
        retried = {error for rule in task["Retry"] for error in rule["ErrorEquals"]}
        assert retried >= wanted, key
    assert functions


def tasks_of(graph: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in graph["States"].items():
        if state["Type"] == "Task":
            yield name, state
        yield from tasks_of(state["ItemProcessor"]) if "ItemProcessor" in state else ()
        for branch in state.get("Branches", ()):
            yield from tasks_of(branch)


THROTTLED = "Lambda.TooManyRequestsException"


@pytest.mark.parametrize("name", ["process_order", "cancel_order"])
def test_throttled_task_waits_for_many_minutes_on_its_own_count(name: str) -> None:
    """Functions have a reserved concurrency: a burst of orders waits, it does not undo any of them."""
    for key, task in tasks_of(machine_of(name)):
        own, *others = task["Retry"]
        assert own["ErrorEquals"] == [THROTTLED], key
        assert mean_wait(own) > 15 * 60, key
        assert all(THROTTLED not in rule["ErrorEquals"] for rule in others), key


def test_waiting_cancellation_outlasts_the_processing_workflow_it_waits_for() -> None:
    cancelling = machine_of("cancel_order")
    [busy] = [
        rule
        for rule in cancelling["States"]["SettleCancellation"]["Retry"]
        if rule["ErrorEquals"] == ["OrderBusyError"]
    ]
    # By hundreds of draws: far outside of what chance makes of the mean.
    assert mean_wait(busy) > 1.4 * processing()["TimeoutSeconds"]
    assert cancelling["TimeoutSeconds"] > mean_wait(busy) + processing()["TimeoutSeconds"]


def machine_of(name: str) -> dict[str, Any]:
    machine: dict[str, Any] = json.loads((PROCESSING.parent / f"{name}.asl.json").read_text())
    return machine


def mean_wait(rule: dict[str, Any]) -> float:
    """Seconds until the last attempt; full jitter draws half of each delay on the average."""
    return sum(delay(rule, tried, lambda low, high: (low + high) / 2) for tried in range(rule["MaxAttempts"]))


def test_placeholder_without_a_value_is_found() -> None:
    problems = [str(finding) for finding in check_asl.check(processing(), frozenset())]
    assert "machine: placeholder 'ClaimOrderArn' has no value" in problems


def edit(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(machine: dict[str, Any]) -> None:
        target: Any = machine
        *parents, last = path.split("/")
        for step in parents:
            target = target[int(step)] if isinstance(target, list) else target[step]
        if value is None:
            del target[last]
        else:
            target[last] = value

    return apply


VALIDATE = "States/ValidatePayment"
SENDING = "States/SendNotification/ItemProcessor/States"
FAULTS = {
    "Next 'Nowhere' does not exist": edit(f"{VALIDATE}/Next", "Nowhere"),
    "is never reached": edit("States/Spare", {"Type": "Succeed"}),
    "StartAt 'Nowhere' does not exist": edit("StartAt", "Nowhere"),
    "has no TimeoutSeconds": edit(f"{VALIDATE}/TimeoutSeconds", None),
    "machine: has no TimeoutSeconds": edit("TimeoutSeconds", None),
    "has no Retry": edit(f"{VALIDATE}/Retry", None),
    "has no Catch of States.ALL as its last": edit(f"{VALIDATE}/Catch", None),
    "a Catch without ResultPath": edit(f"{VALIDATE}/Catch/0/ResultPath", None),
    "ErrorEquals 'GatewayTimeout' is no error": edit(f"{VALIDATE}/Retry/0/ErrorEquals", ["GatewayTimeout"]),
    "ErrorEquals 'TransientError' is no error": edit(f"{VALIDATE}/Retry/0/ErrorEquals", ["TransientError"]),
    "ErrorEquals 'Lambda.Timeout' is no error": edit(f"{VALIDATE}/Retry/0/ErrorEquals", ["Lambda.Timeout"]),
    "retries 'States.ALL'": edit(f"{VALIDATE}/Retry/0/ErrorEquals", ["States.ALL"]),
    "a Retry has no jitter": edit(f"{VALIDATE}/Retry/0/JitterStrategy", None),
    "a Retry has no MaxDelaySeconds": edit(f"{VALIDATE}/Retry/0/MaxDelaySeconds", None),
    "would carry personal data": edit(f"{VALIDATE}/Parameters/customer.$", "$.customer"),
    "has no Default": edit("States/Claimed/Default", None),
    "needs either Next or End": edit(f"{VALIDATE}/End", True),
    "fails without Error and Cause": edit("States/PaymentFailed/Error", None),
    "SendNotification/Notify: has no TimeoutSeconds": edit(f"{SENDING}/Notify/TimeoutSeconds", None),
    "2 states are named 'Tell'": edit(f"{SENDING}/Tell", {"Type": "Succeed"}),
    "2 states are named 'Ending'": edit(f"{SENDING}/Ending", {"Type": "Succeed"}),
}


@pytest.mark.parametrize(
    ("state", "error", "known"),
    [
        ("GetCrawler", "Glue.GlueException", True),
        ("GetCrawler", "Glue.EntityNotFoundException", True),
        ("GetCrawler", "Glue.AWSGlueException", False),
        ("GetCrawler", "Glue.ThrotlingException", False),
        ("GetCrawler", "glue.GlueException", False),
        ("GetCrawler", "SNS.ThrottledException", False),
        ("RunJob", "Glue.AWSGlueException", True),
        ("RunJob", "Glue.GlueException", False),
    ],
)
def test_error_of_a_service_is_one_that_the_task_s_integration_raises(
    state: str, error: str, known: bool
) -> None:
    machine = machine_of("etl")
    machine["States"][state]["Retry"][0]["ErrorEquals"] = [error]
    found = [str(finding) for finding in check_asl.check(machine)]
    assert found == ([] if known else [f"{state}: ErrorEquals {error!r} is no error that anything raises"])


@pytest.mark.parametrize("problem", FAULTS)
def test_checker_finds_each_planted_fault(problem: str) -> None:
    machine = processing()
    FAULTS[problem](machine)
    assert any(problem in str(finding) for finding in check_asl.check(machine))


def test_command_fails_on_a_file_with_findings(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.asl.json"
    bad.write_text(json.dumps({"StartAt": "A", "States": {}}))
    assert check_asl.main([str(bad)]) == 1
    assert "StartAt 'A' does not exist" in capsys.readouterr().out
    assert check_asl.main([]) == 0
