"""Outcome metrics and the answer of the rule's processor."""

import json

import pytest

from chalicelib.domain import events
from chalicelib.services.report_event import OUTCOMES, acknowledge_placed, report_outcome


@pytest.mark.parametrize(("kind", "outcome"), OUTCOMES.items())
def test_event_that_begins_or_ends_an_order_is_counted(
    kind: str, outcome: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report_outcome({"id": "e-1", "type": kind, "orderId": "ORD-1", "correlationId": "c-1"})
    metric, line = map(json.loads, capsys.readouterr().out.splitlines())
    assert (metric["Outcome"], metric["Orders"]) == (outcome, 1)
    assert (line["order_id"], line["correlation_id"]) == ("ORD-1", "c-1")


def test_every_other_event_passes_unseen(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in set(events.CATALOGUE) - set(OUTCOMES):
        report_outcome({"id": "e-1", "type": kind, "orderId": "ORD-1"})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "detail",
    [
        {"orderId": "ORD-001", "customer": "Jane Doe", "items": [{"product": "Widget", "quantity": 2}]},
        {"orderId": "ORD-001", "data": {"lines": [{"productId": "P-1"}]}},
        {"orderId": "ORD-001"},
    ],
)
def test_processor_answers_as_the_seed_s_did_and_names_nobody(
    detail: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    body = {"message": "Event processed", "orderId": "ORD-001"}
    assert acknowledge_placed(detail) == {"statusCode": 200, "body": body}
    assert "Jane" not in capsys.readouterr().out
