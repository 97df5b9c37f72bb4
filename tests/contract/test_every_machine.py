"""Every state machine takes each of its edges on Step Functions: every Next, Choice, Catch and Retry.

One stub stands for all tasks; waits are short, and a rule retries once. The histories say what was taken:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from scripts import check_asl
from tests.contract.cloud import Cloud
from tests.contract.conftest import AGAINST_AWS
from tests.contract.edges import Edge, Event, all_edges, all_states, edges_taken, scopes, tries_of
from tests.contract.stories import STORIES, Story, first_fails

# Says what the execution's input has for its state: the next answer after those of earlier visits and tries.
STUB = """
def handler(event, context):
    earlier = event['seen'].get(event['field'])
    told = event['retries'] + (earlier.get('visit', 0) if isinstance(earlier, dict) else 0)
    answers = event['said'][event['state']]
    answer = answers[min(told, len(answers) - 1)]
    if isinstance(answer, str):
        raise type(answer, (Exception,), {})('as the story says')
    return {**answer, 'visit': told + 1}
"""
PAUSE = 1 if AGAINST_AWS else 0.1
FILES = sorted(file.name.removesuffix(".asl.json") for file in (check_asl.ROOT / "statemachines").glob("*"))


@dataclass(frozen=True)
class Told:
    """One story as it went."""

    story: Story
    execution: Mapping[str, Any]
    history: list[Event]

    def entered(self) -> list[str]:
        return [
            e["stateEnteredEventDetails"]["name"] for e in self.history if "stateEnteredEventDetails" in e
        ]


@pytest.fixture(scope="module")
def cloud(endpoint: str | None) -> Iterator[Cloud]:
    cloud = Cloud(endpoint)
    yield cloud
    cloud.clean()


@pytest.fixture(scope="module")
def stub(cloud: Cloud) -> str:
    return cloud.function(STUB, Timeout=10)


@pytest.fixture(scope="module", params=STORIES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def told(cloud: Cloud, stub: str, machine: str) -> list[Told]:
    """All stories of a machine, side by side."""
    states, (_, stories) = cloud.client("stepfunctions"), STORIES[machine]
    machines: dict[tuple[str, ...], str] = {}
    started = []
    for story in stories:
        if story.broken not in machines:
            machines[story.broken] = cloud.machine(instrumented(definition(machine), stub, story.broken))
        given = json.dumps({"said": said(machine, story), "orderId": "ORD", "correlationId": "c"})
        answer = states.start_execution(stateMachineArn=machines[story.broken], input=given)
        started.append((story, str(answer["executionArn"])))
    pages = states.get_paginator("get_execution_history")
    return [
        Told(
            story,
            cloud.ended(arn, 60),
            [event for page in pages.paginate(executionArn=arn, maxResults=1000) for event in page["events"]],
        )
        for story, arn in started
    ]


def definition(machine: str) -> dict[str, Any]:
    text = (check_asl.ROOT / "statemachines" / f"{machine}.asl.json").read_text()
    read: dict[str, Any] = json.loads(text)
    return read


def instrumented(machine: dict[str, Any], stub: str, broken: tuple[str, ...]) -> dict[str, Any]:
    """The machine over the stub: its parameters are still filled, beside what the stub wants to know."""
    states = all_states(machine)
    for owner in broken:
        items = states[owner]["ItemProcessor"]["States"]
        for name, state in items.items():
            if state["Type"] == "Pass":
                items[name] = {"Type": "Fail", "Error": "BrokenError", "Cause": "by intent"}
    for name, state in [pair for scope in scopes(machine) for pair in scope.items()]:
        if "Seconds" in state:
            state["Seconds"] = 1
        for rule in state.get("Retry", []):
            rule.update(IntervalSeconds=PAUSE, BackoffRate=1, MaxDelaySeconds=1, MaxAttempts=1)
        if state["Type"] == "Task":
            given = {"given": state["Parameters"]} if "Parameters" in state else {"given.$": "$"}
            field = (state.get("ResultPath") or "").removeprefix("$.")
            state["Resource"] = stub
            state["Parameters"] = {
                **given, "state": name, "field": field, "seen.$": "$", "said.$": "$$.Execution.Input.said",
                "retries.$": "$$.State.RetryCount",
            }  # fmt: skip
            if "ResultSelector" in state:
                state["ResultSelector"]["visit.$"] = "$.visit"
    return machine


def said(machine: str, story: Story) -> dict[str, list[Any]]:
    """The answers by state, after the errors that are retried."""
    states, found = all_states(definition(machine)), dict[str, list[Any]]()
    for key, answers in [*STORIES[machine][0].items(), *story.said.items()]:
        name = states[key[:-1]]["ItemProcessor"]["StartAt"] if key.endswith("/") else key
        found[name] = [*(first_fails(machine, name) if story.retried else ()), *answers]
    return found


def test_there_are_stories_of_every_machine() -> None:
    assert sorted(STORIES) == FILES


def test_every_story_goes_through_its_states_to_its_end(machine: str, told: list[Told]) -> None:
    states = definition(machine)["States"]
    for one in told:
        through = one.story.through.split()
        entered = one.entered()
        assert set(through) <= set(entered), (one.story, entered)
        assert entered[-1] == through[-1], (one.story, entered)
        end = states[through[-1]]
        assert one.execution["status"] == {"Succeed": "SUCCEEDED", "Fail": "FAILED"}[end["Type"]]
        assert one.execution.get("error") == end.get("Error")


def test_every_task_outlives_what_passes(machine: str, told: list[Told]) -> None:
    """Each error that passes costs one more try, and after those the story goes on as if none had been."""
    for one in told:
        tries, entered = tries_of(one.history), Counter(one.entered())
        for task in tries if one.story.retried else ():
            assert tries[task] == entered[task] * (len(first_fails(machine, task)) + 1), (one.story, task)


def test_every_edge_is_taken(machine: str, told: list[Told]) -> None:
    taken: set[Edge] = set()
    for one in told:
        taken |= edges_taken(instrumented(definition(machine), "", one.story.broken), one.history)
    assert sorted(all_edges(definition(machine)) - taken) == []


def test_an_edge_that_no_story_takes_is_seen(machine: str, told: list[Told]) -> None:
    """The first story alone leaves out every other way."""
    first = edges_taken(instrumented(definition(machine), "", ()), told[0].history)
    assert [edge for edge in all_edges(definition(machine)) - first if edge[1].startswith("Catch")]


@pytest.mark.parametrize("machine", ["summarise_datasets"], indirect=True)
def test_a_branch_works_on_two_data_sets_at_a_time(machine: str, told: list[Told]) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html: MaxConcurrency."""
    running = {"EachRegion": [0], "EachFile": [0]}
    for event in told[0].history:
        for change, ending in ((1, "Started"), (-1, "Succeeded")):
            if details := event.get(f"mapIteration{ending}EventDetails"):
                running[details["name"]].append(running[details["name"]][-1] + change)
    assert {name: (max(counts), counts[-1], len(counts)) for name, counts in running.items()} == {
        "EachRegion": (2, 0, 11), "EachFile": (2, 0, 11),
    }  # fmt: skip
