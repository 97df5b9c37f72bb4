"""`make demo` tells the whole story, and its record is what the outside world saw."""

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import DemoRun

pytestmark = pytest.mark.e2e


def test_the_demo_ends_well(demo: DemoRun) -> None:
    assert demo.code == 0, demo.printed


@pytest.mark.parametrize(
    ("scenario", "status", "charges", "refunds"),
    [
        ("completed", "completed", ["499.99"], []),
        ("declined", "declined", [], []),
        ("out-of-stock", "out_of_stock", [], []),
        ("cancelled", "cancelled", [], []),
        ("same-key-twice", "completed", ["50.00"], []),
        ("refunded", "refunded", ["74.99"], ["74.99"]),
    ],
)
def test_each_order_ends_as_its_scene_wants(
    demo: DemoRun, scenario: str, status: str, charges: list[str], refunds: list[str]
) -> None:
    order = demo.order(scenario)
    assert order["status"] == status
    assert [one["amount"] for one in order["charges"]] == charges
    assert [one["amount"] for one in order["refunds"]] == refunds


def test_every_field_of_the_record_is_described(demo: DemoRun) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "demo.md").read_text()
    described = set(re.findall(r"(?:orders\[\]\.|sales\.)?([a-z_]+)`", page))
    parts = (demo.record, demo.record["sales"], demo.order("completed"), demo.order("refunded")["refunds"][0])
    assert {field for part in parts for field in part} - {"sales"} <= described


def test_the_story_says_of_each_message_what_it_tells(demo: DemoRun) -> None:
    assert re.search(r"email +Order ORD-\S+ could not be paid", demo.printed)
    assert re.search(r"sms +Order ORD-\S+ has been cancelled and refunded", demo.printed)


def test_the_same_key_sent_twice_made_one_order(demo: DemoRun) -> None:
    first, second = demo.order("same-key-twice")["answers"]
    assert first == second


def test_every_customer_with_an_address_was_told_once_for_each_outcome(demo: DemoRun) -> None:
    told = {
        one["scenario"]: sorted(post["channel"] for post in one["notifications"])
        for one in demo.record["orders"]
    }
    assert told == {
        "completed": [],  # came with a name only
        "declined": ["email", "sms"],
        "out-of-stock": ["email", "sms"],
        "cancelled": ["email", "sms"],
        "same-key-twice": ["email", "sms"],
        "refunded": ["email", "email", "sms", "sms"],
    }


def test_events_stand_in_the_order_in_which_they_happened(demo: DemoRun) -> None:
    assert demo.order("completed")["events"][:5] == [
        "Order Placed",
        "Order Claimed",
        "Payment Authorised",
        "Stock Reserved",
        "Order Completed",
    ]


def test_the_record_of_an_order_ends_after_its_last_notification(demo: DemoRun) -> None:
    told = {one["scenario"]: one["events"].count("Notification Sent") for one in demo.record["orders"]}
    assert told == {  # the operators, and each address of the customer
        "completed": 1,
        "declined": 3,
        "out-of-stock": 3,
        "cancelled": 3,
        "same-key-twice": 3,
        "refunded": 6,
    }


def test_no_message_is_left_in_a_dead_letter_queue(demo: DemoRun) -> None:
    assert {name: count for name, count in demo.record["queues"].items() if name.endswith("dlq")} == {
        "order-processing-dlq": 0,
        "lake-export-dlq": 0,
        "bus-delivery-dlq": 0,
    }
