"""Log lines are JSON, carry the ids of the work at hand, and no personal data."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import logs, metrics

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_line_carries_message_fields_and_bound_ids(lines: Lines) -> None:
    with logs.bound(order_id="ORD-1", correlation_id="c-1"):
        logs.info("order claimed", attempts=2)
    [line] = lines()
    assert {key: line[key] for key in line if key != "time"} == {
        "level": "INFO",
        "message": "order claimed",
        "order_id": "ORD-1",
        "correlation_id": "c-1",
        "attempts": 2,
    }


def test_ids_end_with_the_work_they_belong_to(lines: Lines) -> None:
    with logs.bound(correlation_id="c-1"):
        with logs.bound(order_id="ORD-1", correlation_id=None):
            logs.info("inner")
        logs.info("outer")
    inner, outer = lines()
    assert (inner["correlation_id"], "order_id" in outer) == ("c-1", False)


@pytest.mark.parametrize(
    "field", ["customer", "customerName", "name", "e_mail", "e-mail", "email", "phone", "shipping",
              "payment_token", "paymentToken", "Authorization", "password", "database_secret", "card"],
)  # fmt: skip
def test_field_that_names_a_person_or_a_secret_is_left_out(field: str, lines: Lines) -> None:
    logs.info("order placed", order={field: "Jane", "customer_id": "CUST-1", "customerId": "CUST-1"})
    assert lines()[0]["order"] == {"customer_id": "CUST-1", "customerId": "CUST-1"}


def test_what_nests_too_deeply_is_not_spelled_out(lines: Lines) -> None:
    inner: Any = {"customer": "Jane", "order_id": "ORD-1"}
    for _ in range(40):
        inner = [inner]
    logs.info("order placed", near={"a": {"b": {"c": {"d": {"e": {"f": {"customer": "Jane"}}}}}}}, far=inner)
    [line] = lines()
    assert line["near"] == {"a": {"b": {"c": {"d": {"e": {"f": {}}}}}}}
    assert "Jane" not in json.dumps(line)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("no mailbox jane.doe@home.example here", "jane.doe"),
        ("cannot reach +1 555 010 0200", "555"),
        ("card 4242 4242 4242 4242 refused", "4242"),
        ("token tok_visa_1 refused", "visa"),
        ("sent Bearer abc.def", "abc"),
        ("connecting to postgresql://app:hush@db/orders", "hush"),
    ],
)
def test_value_that_looks_personal_is_masked(text: str, hidden: str, lines: Lines) -> None:
    logs.info("something failed", text=[text])
    [line] = lines()
    assert hidden not in json.dumps(line)
    assert "[" in line["text"][0]


def test_ids_and_times_are_not_masked(lines: Lines) -> None:
    kept = {
        "order_id": "ORD-01HV5Z9Q",
        "event_id": "0b0e2c62-1c1e-4b6e-9c58-5c9de1d0d1aa",
        "at": "2026-11-20T17:00:00Z",
    }
    logs.info("event", **kept)
    assert lines()[0].items() >= kept.items()


def test_fault_shows_class_first_line_and_place(lines: Lines) -> None:
    try:
        raise LookupError("duplicate key\nDETAIL: (name)=(Jane Doe)")
    except LookupError as fault:
        logs.error("function failed", fault)
    [line] = lines()
    assert (line["level"], line["error_type"], line["error"]) == ("ERROR", "LookupError", "duplicate key")
    assert line["error_at"][0].startswith("test_logs.py:")
    assert "Jane" not in json.dumps(line)


def test_text_may_stand_for_a_fault(lines: Lines) -> None:
    logs.warning("event not accepted", "ThrottlingException")
    assert lines()[0]["error"] == "ThrottlingException"


def test_metric_is_an_embedded_metric_line(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "dev")
    metrics.count("Orders", outcome="declined")
    [line] = lines()
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "OrderPlatform",
        "Dimensions": [["Stage"], ["Stage", "Outcome"]],
        "Metrics": [{"Name": "Orders", "Unit": "Count"}],
    }
    assert (line["Stage"], line["Outcome"], line["Orders"]) == ("dev", "declined", 1)
    assert isinstance(line["_aws"]["Timestamp"], int)
