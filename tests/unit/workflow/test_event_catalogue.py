"""The page of events is what the code says, and nothing that was published can be taken away."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import events
from chalicelib.domain.events import EventType
from scripts import event_catalogue

PUBLISHED = {"Order Declined": {"1": {"reason": "string", "amount": "decimal"}}}
DECLINED = EventType("Order Declined", "…", data={"reason": "string", "amount": "decimal string"})


def breaches(*kinds: EventType) -> list[str]:
    return event_catalogue.breaches(PUBLISHED, {kind.name: kind for kind in kinds})


def test_page_and_contract_are_what_the_code_says() -> None:
    assert event_catalogue.main(["--check"]) == 0, "run python -m scripts.event_catalogue"


def test_unchanged_event_breaks_nothing() -> None:
    assert breaches(DECLINED) == []


def test_new_field_breaks_nothing() -> None:
    assert breaches(replace(DECLINED, data={**DECLINED.data, "hint": "string"})) == []


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"reason": "string"}, "amount is gone without a new version"),
        ({"reason": "string", "amount": "integer, minor units"}, "amount was decimal and is integer"),
    ],
)
def test_field_that_goes_or_changes_needs_a_new_version(data: Mapping[str, str], problem: str) -> None:
    changed = replace(DECLINED, data=data)
    assert problem in breaches(changed)[0]
    assert breaches(replace(changed, version=2)) == []


def test_event_that_goes_is_found() -> None:
    assert breaches() == ["Order Declined: is gone"]


def test_version_never_goes_back() -> None:
    assert "version 0 is below" in breaches(replace(DECLINED, version=0))[0]


def test_published_versions_stay_in_the_contract() -> None:
    grown = event_catalogue.extended(event_catalogue.published())
    assert grown == event_catalogue.published()
    assert set(grown) == set(events.CATALOGUE)


def test_every_published_version_has_an_example_that_was_kept() -> None:
    folder = event_catalogue.CONTRACT.parent
    for name, versions in event_catalogue.published().items():
        for version in versions:
            assert (folder / f"{name.lower().replace(' ', '_')}.v{version}.json").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sequence": "1"}, "sequence is '1', not integer"),
        ({"time": "yesterday"}, "time is 'yesterday', not date-time"),
        ({"customer": "Jane"}, "customer is not in the catalogue"),
        ({"type": "Order Lost"}, "unknown type 'Order Lost'"),
        ({"data": {"reason": None}}, "reason is None, not string"),
        ({"data": {}}, "reason is missing"),
    ],
)
def test_envelope_that_differs_from_the_catalogue_is_found(change: dict[str, Any], problem: str) -> None:
    declined = json.loads((event_catalogue.CONTRACT.parent / "payment_declined.v1.json").read_text())
    assert event_catalogue.problems(declined) == []
    assert event_catalogue.problems({**declined, **change}) == [problem]


def test_line_with_another_field_is_found() -> None:
    sale = json.loads((event_catalogue.CONTRACT.parent / "order_completed.v1.json").read_text())
    assert event_catalogue.problems(sale) == []
    sale["data"]["lines"][0]["name"] = "Jane's widget"
    assert event_catalogue.problems(sale)[0].startswith("lines is")
