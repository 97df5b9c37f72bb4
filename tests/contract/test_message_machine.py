"""The message workflow runs on Step Functions as our walk through its definition says, on every path.

https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from scripts import check_asl
from tests.contract.cloud import Cloud, Queue
from tests.unit.workflow.walk import Answer, walk

# Each task answers as the story in the input says; of two answers the second comes when MEMORY is empty.
STUB = """
import json, os, boto3
class BadRequestError(Exception): pass
def handler(event, context):
    if 'input' in event:
        if event['input']['story'].get('Publish') == 'fault':
            raise BadRequestError('fault')
        return {'count': 1, 'deadline': 'later', 'published': {
            kind: [event['input']['story'].get(kind, ['stored'])]
            for kind in ('notification', 'critical_alert', 'unrouted')}}
    sqs = boto3.client('sqs')
    sqs.send_message(QueueUrl=os.environ['CALLS'], MessageBody=event['type'])
    said = event['wanted'][0]
    if said == ['fault']:
        raise BadRequestError('fault')
    if len(said) == 1:
        return {'outcome': said[0], 'missing': []}
    first = sqs.receive_message(QueueUrl=os.environ['MEMORY']).get('Messages')
    return {'outcome': said[0] if first else said[1], 'missing': []}
"""
TOP = ("PublishMessages", "NotPublished", "ProcessMessages", "MessagesStored", "NotStored")
KINDS = {"notification": "Notifications", "critical_alert": "CriticalAlerts", "unrouted": "Unrouted"}


class BadRequestError(Exception):
    """Named as the stub's."""


@dataclass(frozen=True)
class Stage:
    """The machine over its stub, with the queues that remember a first answer and the calls."""

    cloud: Cloud
    machine: str
    memory: Queue
    calls: Queue


@pytest.fixture(scope="module")
def stage(endpoint: str | None) -> Iterator[Stage]:
    cloud = Cloud(endpoint)
    memory, calls = cloud.queue(VisibilityTimeout="300"), cloud.queue()
    variables = {"MEMORY": memory.url, "CALLS": calls.url}
    function = cloud.function(STUB, Timeout=10, Environment={"Variables": variables})
    text = (check_asl.ROOT / "statemachines" / "route_messages.asl.json").read_text()
    for task in ("PublishMessages", "ProcessMessages"):
        text = text.replace(f"${{{task}Arn}}", function)
    yield Stage(cloud, cloud.machine(json.loads(text)), memory, calls)
    cloud.clean()


def expected(story: dict[str, Any]) -> Any:
    definition = json.loads((check_asl.ROOT / "statemachines" / "route_messages.asl.json").read_text())
    sent = {kind: [story.get(kind, ["stored"])] for kind in KINDS}
    publish: Answer = {"count": 1, "deadline": "later", "published": sent}
    scripted: dict[str, list[Answer]] = {
        "PublishMessages": [BadRequestError() if story.get("Publish") == "fault" else publish]
    }
    for kind, name in KINDS.items():
        said = story.get(kind, ["stored"])
        answers: list[Answer] = [{"outcome": one, "missing": []} for one in said]
        scripted[f"Store{name}"] = [BadRequestError()] if said == ["fault"] else answers
    return walk(definition, {"story": story}, scripted)


STORIES: list[dict[str, Any]] = [
    {},
    {"Publish": "fault"},
    *({kind: ["pending", "stored"]} for kind in KINDS),
    *({kind: ["missing"]} for kind in KINDS),
    *({kind: ["unforeseen"]} for kind in KINDS),
    *({kind: ["fault"]} for kind in KINDS),
]


@pytest.mark.parametrize("story", STORIES, ids=json.dumps)
def test_service_takes_the_same_way_as_the_walk(stage: Stage, story: dict[str, Any]) -> None:
    if any(len(said) == 2 for said in story.values() if isinstance(said, list)):
        stage.memory.send("first")
    trace = expected(story)

    execution = stage.cloud.run(stage.machine, {"story": story}, 40)

    assert execution.get("error") == trace.error
    assert execution["status"] == ("FAILED" if trace.error else "SUCCEEDED")
    entered = states(stage.cloud, execution["executionArn"])
    assert [state for state in entered if state in TOP] == [state for state in trace.states if state in TOP]
    if trace.error is None:
        assert [one["outcome"] for one in json.loads(execution["output"])] == ["stored"] * 3
    asked = Counter(given["type"] for state, given in trace.inputs if state.startswith("Store"))
    found = Counter(calls(stage.calls, asked.total()))
    # Where a branch fails, AWS stops the others wherever they are: only its own states and calls are certain.
    certain = list(KINDS) if trace.error is None else [kind for kind in KINDS if kind in story]
    for kind in certain:
        assert found[kind] == asked[kind]
        own = [state for state in entered if KINDS[kind] in state]
        assert own == [state for state in trace.states if KINDS[kind] in state]


def calls(queue: Queue, count: int) -> list[str]:
    """The types of the calls, of at least `count`; the queue is empty afterwards."""
    found = [queue.receive()["Body"] for _ in range(count)]
    while queue.depth():
        found.append(queue.receive()["Body"])
    return found


def states(cloud: Cloud, execution: str) -> list[str]:
    """Names of the states that were entered; those of the branches come side by side."""
    pages = cloud.client("stepfunctions").get_paginator("get_execution_history")
    events = [event for page in pages.paginate(executionArn=execution) for event in page["events"]]
    return [e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e]
