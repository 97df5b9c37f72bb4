"""`make demo` tells the whole story, and its record is what the outside world saw."""

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
