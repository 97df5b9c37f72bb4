"""Reading and cancelling orders: parameters, ids, answers."""

from typing import Any

import pytest

from chalicelib.domain.commands import CancelOrder, ListOrders
from chalicelib.handlers.http import LOCAL_PRINCIPAL
from tests.unit.api.conftest import SEED_ORDER, Api, assert_problem, faults


def test_list_parameters_reach_the_service(api: Api) -> None:
    api.send("GET", "/orders?status=completed&customer=Bob%20Smith&cursor=abc&limit=7")
    assert api.services.commands == [ListOrders(LOCAL_PRINCIPAL, "completed", "Bob Smith", "abc", 7)]


def test_a_list_without_parameters_has_50_orders(api: Api) -> None:
    api.send("GET", "/orders")
    assert api.services.commands == [ListOrders(LOCAL_PRINCIPAL, limit=50)]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("status=lost", "status"), ("status=", "status"), ("limit=0", "limit"), ("limit=101", "limit"),
        ("limit=-1", "limit"), ("limit=1.0", "limit"), ("limit=ten", "limit"), ("limit=%D9%A3", "limit"),
        ("limit=1&limit=2", "limit"), ("customer=a%00b", "customer"), ("order=asc", "order"),
        ("cursor=" + "x" * 501, "cursor"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_named(api: Api, query: str, parameter: str) -> None:
    problem = assert_problem(api.send("GET", f"/orders?{query}"), 422)
    assert [one["parameter"] for one in problem["errors"]] == [parameter]
    assert api.services.commands == []


def test_an_order_and_its_events_are_found(api: Api) -> None:
    api.post(SEED_ORDER)
    assert api.send("GET", "/orders/ORD-1").json_body["orderId"] == "ORD-1"
    assert api.send("GET", "/orders/ORD-1/events").json_body["events"] == []


@pytest.mark.parametrize("order_id", ["ORD-9", "9", "ORD-%00", "ORD-" + "1" * 200, "..%2F..", "%F0%9F%90%88"])
def test_an_order_that_is_not_there_is_404(api: Api, order_id: str) -> None:
    assert_problem(api.send("GET", f"/orders/{order_id}"), 404)


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", "customer_request"), ({}, "customer_request"), ({"reason": "too_slow"}, "too_slow")],
)
def test_cancel_takes_an_optional_reason(api: Api, body: Any, reason: str) -> None:
    api.post(SEED_ORDER)
    response = api.send("POST", "/orders/ORD-1/cancel", body, X_Correlation_Id="c")
    assert (response.status_code, response.json_body["status"]) == (202, "cancelling")
    assert api.services.commands[1] == CancelOrder("ORD-1", LOCAL_PRINCIPAL, "c", reason)
    assert api.services.relayed == ["ORD-1", "ORD-1"]


def test_cancel_refuses_what_it_does_not_know(api: Api) -> None:
    response = api.send("POST", "/orders/ORD-1/cancel", {"reason": "Bob said so", "force": True})
    assert set(faults(response)) == {"#/force", "#/reason"}
