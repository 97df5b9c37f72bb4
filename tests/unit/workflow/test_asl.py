"""The state machines are sound as they are written, and the checker sees each kind of fault."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from scripts import check_asl

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
    functions = frozenset(check_asl.placeholder_of(function.name) for function in app.pure_lambda_functions)

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


@pytest.mark.parametrize("name", ["process_order", "cancel_order"])
def test_task_whose_process_died_or_hung_is_tried_again(name: str) -> None:
    machine = json.loads((check_asl.ROOT / "statemachines" / f"{name}.asl.json").read_text())
    tasks = {key: state for key, state in machine["States"].items() if state["Type"] == "Task"}
    for key, state in tasks.items():
        retried = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
        assert retried >= LOST | check_asl.transient_errors(), key


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
    "SendNotification/Notify: has no TimeoutSeconds": edit(
        "States/SendNotification/ItemProcessor/States/Notify/TimeoutSeconds", None
    ),
}


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
