"""The order workflows run on Step Functions as the definitions say, transition by transition.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-states.html: what our own walk through a
definition (tests/unit/workflow/walk.py) takes for granted, the service has to confirm.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from scripts import check_asl
from tests.contract.cloud import Cloud
from tests.unit.workflow.walk import Answer, walk

STUB = """
import json, os
class ProgrammingError(Exception): pass
def handler(event, context):
    order = event.get('orderId') or event['order']['orderId']
    said = json.loads(os.environ['ANSWERS'])[os.environ['TASK']]
    for part in order.split('.')[1:]:
        task, outcome = part.split('-')
        if task == os.environ['TASK']:
            said = outcome
    if said == 'fault':
        raise ProgrammingError('fault')
    channels = ['operators', 'email'] if said in ('completed', 'declined', 'failed', 'refunded') else []
    return {'outcome': said, 'orderId': order, 'execution': event['execution'],
            'correlationId': 'c-1', 'kind': said, 'channels': channels}
"""
ANSWERS = {
    "ClaimOrder": "claimed", "ValidatePayment": "authorised", "CheckInventory": "reserved",
    "ProcessOrder": "completed", "SendNotification": "sent", "CompensateOrder": "failed",
    "RecordCompensationFailure": "compensation_failed", "BeginCancellation": "begun",
    "SettleCancellation": "refunded",
}  # fmt: skip
STATE_OF = {"CompensateOrder": "Compensate"}


class ProgrammingError(Exception):
    """Named as the stub's."""


@pytest.fixture(scope="module")
def machines(endpoint: str | None) -> Iterator[tuple[Cloud, dict[str, str]]]:
    """Both machines over one stub function for each task."""
    cloud = Cloud(endpoint)
    functions = {
        task: cloud.function(
            STUB, Timeout=10, Environment={"Variables": {"TASK": task, "ANSWERS": json.dumps(ANSWERS)}}
        )
        for task in ANSWERS
    }
    made: dict[str, str] = {}
    for name in ("process_order", "cancel_order"):
        text = (check_asl.ROOT / "statemachines" / f"{name}.asl.json").read_text()
        for task, arn in functions.items():
            text = text.replace(f"${{{task}Arn}}", arn)
        made[name] = cloud.machine(json.loads(text))
    yield cloud, made
    cloud.clean()


def scripted(definition: dict[str, Any], order: str) -> dict[str, list[Answer]]:
    """The stub's answers as the walk takes them."""
    said = ANSWERS | dict(part.split("-") for part in order.split(".")[1:])
    answers = {STATE_OF.get(task, task): [_answer(order, outcome)] for task, outcome in said.items()}
    for owner in ("SendNotification", "TellCustomer"):
        if owner in definition["States"]:
            first = definition["States"][owner]["ItemProcessor"]["StartAt"]
            answers[first] = answers["SendNotification"]
    return answers


def _answer(order: str, outcome: str) -> Answer:
    if outcome == "fault":
        return ProgrammingError()
    told = outcome in ("completed", "declined", "failed", "refunded")
    return {
        "outcome": outcome, "orderId": order, "execution": "e", "correlationId": "c-1", "kind": outcome,
        "channels": ["operators", "email"] if told else [],
    }  # fmt: skip


STORIES = {
    "process_order": [
        "ORD", "ORD.ClaimOrder-already_running", "ORD.ClaimOrder-refused", "ORD.ClaimOrder-fault",
        "ORD.ValidatePayment-declined", "ORD.ValidatePayment-cancelled", "ORD.ValidatePayment-fault",
        "ORD.CheckInventory-out_of_stock.CompensateOrder-out_of_stock", "ORD.ProcessOrder-cancelled",
        "ORD.ProcessOrder-fault", "ORD.ProcessOrder-fault.CompensateOrder-fault",
        "ORD.ProcessOrder-fault.CompensateOrder-completed", "ORD.SendNotification-fault",
    ],
    "cancel_order": [
        "ORD", "ORD.BeginCancellation-refused", "ORD.BeginCancellation-cancelled",
        "ORD.SettleCancellation-already_running", "ORD.SettleCancellation-declined",
        "ORD.SettleCancellation-fault",
    ],
}  # fmt: skip


TOLD = [(name, order) for name, orders in STORIES.items() for order in orders]


@pytest.mark.parametrize(("name", "order"), TOLD)
def test_service_takes_the_same_way_as_the_walk(
    machines: tuple[Cloud, dict[str, str]], name: str, order: str
) -> None:
    cloud, made = machines
    given = {"orderId": order, "correlationId": "c-1"}
    definition = json.loads((check_asl.ROOT / "statemachines" / f"{name}.asl.json").read_text())
    expected = walk(definition, given, scripted(definition, order))

    execution = cloud.run(made[name], given)

    assert execution.get("error") == expected.error
    assert execution["status"] == ("FAILED" if expected.error else "SUCCEEDED")
    found, top = entered(cloud, execution["executionArn"]), definition["States"]
    assert [one for one in found if one in top] == [one for one in expected.states if one in top]
    assert sorted(found) == sorted(expected.states)  # a Map's items come in any order


def entered(cloud: Cloud, execution: str) -> list[str]:
    """Names of the states that were entered: the transitions that are billed."""
    pages = cloud.client("stepfunctions").get_paginator("get_execution_history")
    events: list[dict[str, Any]] = [
        e for page in pages.paginate(executionArn=execution) for e in page["events"]
    ]
    return [e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e]
