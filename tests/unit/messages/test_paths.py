"""Where each outcome and each fault of the message workflow leads, walked through the definition itself."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from chalice import Chalice

from chalicelib.handlers import messages as doors
from chalicelib.services.messages.model import KINDS, QUEUES
from scripts import check_asl
from scripts.deployment import fragments
from tests.placeholders import placeholder_of
from tests.unit.workflow.walk import Answer, Walk, walk

MACHINE: dict[str, Any] = json.loads(
    (check_asl.ROOT / "statemachines" / "route_messages.asl.json").read_text()
)
GIVEN = {"messages": [{"type": "notification", "body": "a"}]}
SENT = {kind: [{"messageId": f"{kind}-1", "key": "k"}] for kind in KINDS}
PUBLISHED = {"count": 3, "deadline": "2026-11-20T12:20:00Z", "published": SENT}
PLURAL = {"notification": "Notifications", "critical_alert": "CriticalAlerts", "unrouted": "Unrouted"}


class DatabaseUnavailableError(Exception):
    """Named as the app's own: ASL matches by name."""


class BadRequestError(Exception):
    """Named as the app's own: no retry passes it."""


def drained(outcome: str) -> dict[str, Any]:
    return {"outcome": outcome, "missing": []}


GOOD: Mapping[str, Sequence[Answer]] = {
    "PublishMessages": [PUBLISHED], **{f"Store{name}": [drained("stored")] for name in PLURAL.values()},
}  # fmt: skip


def run(**changed: Sequence[Answer]) -> Walk:
    return walk(MACHINE, GIVEN, {**GOOD, **changed})


def test_all_that_was_published_is_waited_for_by_type() -> None:
    trace = run()
    assert (trace.end, trace.error) == ("MessagesStored", None)
    assert len(trace.states) == 12
    assert trace.input_of("PublishMessages") == {"input": GIVEN, "execution": "execution-1"}
    for kind, name in PLURAL.items():
        wanted = {"type": kind, "wanted": SENT[kind], "deadline": PUBLISHED["deadline"]}
        assert trace.input_of(f"Store{name}") == wanted


@pytest.mark.parametrize("name", PLURAL.values())
def test_what_is_not_stored_yet_is_asked_for_again(name: str) -> None:
    trace = run(**{f"Store{name}": [drained("pending"), drained("pending"), drained("stored")]})
    assert trace.end == "MessagesStored"
    assert trace.states.count(f"WaitFor{name}") == 2
    given = [given for state, given in trace.inputs if state == f"Store{name}"]
    assert given[0] == given[1] == given[2], "each time for all of them, until the same deadline"


@pytest.mark.parametrize("name", PLURAL.values())
@pytest.mark.parametrize("outcome", ["missing", "anything else"])
def test_what_is_missing_at_the_deadline_fails_the_execution(name: str, outcome: str) -> None:
    trace = run(**{f"Store{name}": [drained("pending"), drained(outcome)]})
    assert trace.error == "MessagesNotStored"
    assert f"{name}Missing" in trace.states


@pytest.mark.parametrize("name", PLURAL.values())
def test_database_that_is_away_for_a_while_is_waited_for(name: str) -> None:
    trace = run(**{f"Store{name}": [DatabaseUnavailableError()] * 8 + [drained("stored")]})
    assert trace.end == "MessagesStored"


@pytest.mark.parametrize("name", PLURAL.values())
def test_database_that_stays_away_fails_the_execution(name: str) -> None:
    trace = run(**{f"Store{name}": [DatabaseUnavailableError()]})
    assert trace.error == "MessagesNotStored"
    assert trace.states.count(f"Store{name}") == 9
    assert f"{name}Fault" in trace.states


def test_messages_that_cannot_be_published_fail_at_once() -> None:
    trace = run(PublishMessages=[BadRequestError()])
    assert (trace.end, trace.error) == ("NotPublished", "MessagesNotPublished")
    assert trace.states.count("PublishMessages") == 1


def test_publishing_is_tried_again_when_the_fault_may_pass() -> None:
    trace = run(PublishMessages=[DatabaseUnavailableError(), PUBLISHED])
    assert trace.end == "MessagesStored"


def test_machine_has_no_findings_and_its_tasks_are_functions_of_the_app() -> None:
    app = Chalice("orders")
    app.register_blueprint(doors.messages_doors)
    functions = frozenset(placeholder_of(function.name) for function in app.pure_lambda_functions)
    assert check_asl.check(MACHINE, functions) == []


BROKEN: dict[str, tuple[str, str, Any]] = {
    "StoreCriticalAlerts: Next 'Nowhere' does not exist": ("StoreCriticalAlerts", "Next", "Nowhere"),
    "CriticalAlertsStored: has no Default": ("CriticalAlertsStored", "Default", None),
    "StoreCriticalAlerts: has no TimeoutSeconds": ("StoreCriticalAlerts", "TimeoutSeconds", None),
    "WaitForCriticalAlerts: is never reached": ("CriticalAlertsStored", "Choices", []),
}


@pytest.mark.parametrize("finding", BROKEN)
def test_checker_looks_into_the_branches(finding: str) -> None:
    machine = json.loads(json.dumps(MACHINE))
    states = machine["States"]["ProcessMessages"]["Branches"][1]["States"]
    state, field, value = BROKEN[finding]
    if value is None:
        del states[state][field]
    else:
        states[state][field] = value
    found = [str(one) for one in check_asl.check(machine)]
    assert any(one.startswith(f"ProcessMessages/{finding}") for one in found)


def test_every_type_has_a_branch_a_queue_and_a_filter() -> None:
    branches = MACHINE["States"]["ProcessMessages"]["Branches"]
    tasks = [state for one in branches for state in one["States"].values() if state["Type"] == "Task"]
    assert [task["Parameters"]["type"] for task in tasks] == list(KINDS)
    resources = fragments.base()["Resources"].values()
    names = {r["Properties"]["QueueName"]["Fn::Sub"] for r in resources if r["Type"] == "AWS::SQS::Queue"}
    assert {f"{name}-${{Stage}}" for name in QUEUES.values()} <= names
