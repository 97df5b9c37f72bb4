"""POST /orders: what is accepted, what the service gets, and what the client hears."""

from decimal import Decimal
from typing import Any
from urllib.parse import urljoin

from chalicelib.domain.commands import CustomerInput, LineInput
from chalicelib.domain.errors import (
    DatabaseUnavailableError,
    FieldProblem,
    InvalidOrderError,
    RequestInProgressError,
)
from tests.unit.api.conftest import SEED_ORDER, Api, assert_problem, faults

FULL_ORDER: dict[str, Any] = {
    "customer": {"id": "CUST-7", "name": "Ada", "email": "ada@example.com", "phone": "+4915112345678"},
    "items": [{"productId": "P-1", "quantity": 2, "unitPrice": "19.99"}],
    "currency": "EUR",
    "total": "39.98",
    "payment": {"token": "tok_approve"},
    "shipping": {"street": "Hauptstraße 1", "city": "Köln", "country": "DE", "region": "west"},
}


def test_the_seeds_own_body_is_accepted(api: Api) -> None:
    response = api.post(SEED_ORDER)
    assert response.status_code == 202
    assert response.json_body == {"message": "Order accepted", "orderId": "ORD-1", "status": "processing"}
    command = api.services.commands[0]
    assert command.customer == CustomerInput("Bob Smith")
    assert command.lines == (LineInput("Gaming Console", 1), LineInput("Controller", 2))
    assert command.amount == Decimal("499.99")


def test_the_full_body_reaches_the_service_whole(api: Api) -> None:
    assert api.post(FULL_ORDER, X_Correlation_Id="trace-1").status_code == 202
    command = api.services.commands[0]
    assert command.customer == CustomerInput("Ada", "CUST-7", "ada@example.com", "+4915112345678")
    assert command.lines == (LineInput("P-1", 2, Decimal("19.99")),)
    assert (command.amount, command.currency, command.payment_token) == (
        Decimal("39.98"),
        "EUR",
        "tok_approve",
    )
    assert (command.region, command.shipping["city"]) == ("west", "Köln")
    assert (command.subject, command.correlation_id) == ("local", "trace-1")


def test_numbers_are_read_exactly_as_written(api: Api) -> None:
    body = b'{"customer":"A","amount":0.100000000000000005551115123,"items":[{"product":"W","quantity":1}]}'
    api.post(body)
    assert api.services.commands[0].amount == Decimal("0.100000000000000005551115123")


def test_location_leads_to_the_order_behind_any_stage_path(api: Api) -> None:
    location = api.post(SEED_ORDER).headers["Location"]
    assert urljoin("https://x.example/prod/orders", location) == "https://x.example/prod/orders/ORD-1"
    assert api.send("GET", urljoin("/orders", location)).status_code == 200


def test_events_are_relayed_before_the_client_hears(api: Api) -> None:
    api.post(SEED_ORDER)
    assert api.services.relayed == ["ORD-1"]


def test_a_failing_relay_does_not_fail_the_request(api: Api) -> None:
    def fail() -> None:
        raise RuntimeError("the bus is down")

    api.services.relay = fail
    assert api.post(SEED_ORDER).status_code == 202


def test_same_key_and_body_replays_the_first_answer(api: Api) -> None:
    first = api.post(SEED_ORDER, Idempotency_Key="k-1")
    again = api.post(dict(reversed(SEED_ORDER.items())), Idempotency_Key="k-1")
    assert (again.status_code, again.json_body) == (first.status_code, first.json_body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert api.services.relayed == ["ORD-1"]


def test_same_amount_spelled_otherwise_is_the_same_body(api: Api) -> None:
    for amount in (b"499.99", b"499.990", b'"499.99"', b"49999e-2"):
        body = b'{"customer":"B","amount":%s,"items":[{"product":"W","quantity":1}]}' % amount
        assert api.post(body, Idempotency_Key="k").status_code == 202
    assert len(api.services.orders) == 1


def test_same_key_with_another_body_is_refused(api: Api) -> None:
    api.post(SEED_ORDER, Idempotency_Key="k-1")
    assert_problem(api.post(SEED_ORDER | {"customer": "Eve"}, Idempotency_Key="k-1"), 422)


def test_the_services_faults_name_the_fields_as_they_were_sent(api: Api) -> None:
    def refuse() -> None:
        fields = [FieldProblem("/items/0/product", "is unknown"), FieldProblem("/amount", "disagrees")]
        raise InvalidOrderError("not this order", fields)

    api.services.before = refuse
    assert set(faults(api.post(SEED_ORDER))) == {"#/items/0/product", "#/amount"}
    assert set(faults(api.post(FULL_ORDER))) == {"#/items/0/productId", "#/total"}


def test_a_key_still_at_work_says_when_to_come_back(api: Api) -> None:
    def busy() -> None:
        raise RequestInProgressError("the first request with this key is still running")

    api.services.before = busy
    response = api.post(SEED_ORDER, Idempotency_Key="k-1")
    assert_problem(response, 409)
    assert int(response.headers["Retry-After"]) >= 1


def test_malformed_keys_are_refused(api: Api) -> None:
    for key in ("", "a b", "é", "x" * 256):
        problem = assert_problem(api.post(SEED_ORDER, Idempotency_Key=key), 400)
        assert problem["errors"][0]["header"] == "Idempotency-Key"
    assert api.post(SEED_ORDER, Idempotency_Key="x" * 255).status_code == 202


def test_a_transient_fault_is_503_without_insides(api: Api, monkeypatch: Any) -> None:
    def fail() -> None:
        raise DatabaseUnavailableError("connection to 10.0.0.1 refused for user admin")

    api.services.before = fail
    response = api.post(SEED_ORDER)
    problem = assert_problem(response, 503)
    assert "10.0.0.1" not in str(problem)
    assert "Retry-After" in response.headers


def test_a_bug_is_500_without_insides_and_is_logged(api: Api, capsys: Any) -> None:
    def fail() -> None:
        raise ZeroDivisionError("secret insides")

    api.services.before = fail
    problem = assert_problem(api.post(SEED_ORDER), 500)
    assert "secret" not in str(problem)
    logged = capsys.readouterr().out
    assert "ZeroDivisionError" in logged
    assert problem["correlationId"] in logged
