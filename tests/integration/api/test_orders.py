"""The API on a real PostgreSQL: what is stored, replayed, refused and found again."""

import threading
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.integration.api.conftest import Api

SEED_ORDER = {
    "customer": "Bob Smith",
    "amount": 499.99,
    "items": [{"product": "Gaming Console", "quantity": 1}, {"product": "Controller", "quantity": 2}],
}


def validator(api: Api, name: str) -> Draft202012Validator:
    components = api.send("GET", "/openapi.json").json_body["components"]
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})


def placed(api: Api, body: Any = SEED_ORDER, **headers: str) -> str:
    response = api.send("POST", "/orders", body, **headers)
    assert response.status_code == 202, response.body
    return str(response.json_body["orderId"])


def test_the_seeds_order_is_stored_published_and_found(api: Api) -> None:
    order_id = placed(api, X_Correlation_Id="trace-9")
    order = api.send("GET", f"/orders/{order_id}").json_body
    assert order_id.startswith("ORD-")
    assert (order["status"], order["total"], order["correlationId"]) == ("placed", "499.99", "trace-9")
    assert [event["type"] for event in api.bus.events] == ["Order Placed"]
    assert api.bus.events[0]["correlationId"] == "trace-9"


def test_every_documented_example_is_true(api: Api) -> None:
    document = api.send("GET", "/openapi.json").json_body
    operation = document["paths"]["/orders"]["post"]
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        answer = api.send("POST", "/orders", example["value"])
        promised = operation["responses"]["202"]["content"]["application/json"]["example"]
        assert answer.status_code == 202
        assert answer.json_body | {"orderId": ""} == promised | {"orderId": ""}
    healthy = document["paths"]["/health"]["get"]["responses"]["200"]["content"]["application/json"][
        "example"
    ]
    assert api.send("GET", "/health").json_body == healthy


def test_answers_fit_their_documented_schemas(api: Api) -> None:
    order_id = placed(api)
    api.services.apply_event_to_read_model(api.bus.events)
    for path, name in [
        (f"/orders/{order_id}", "Order"),
        (f"/orders/{order_id}/events", "OrderEvents"),
        ("/orders", "OrderPage"),
        ("/products", "Products"),
        ("/health", "Health"),
    ]:
        answer = api.send("GET", path)
        assert answer.status_code == 200
        validator(api, name).validate(answer.json_body)
    cancelled = api.send("POST", f"/orders/{order_id}/cancel")
    assert cancelled.status_code == 202
    validator(api, "Accepted").validate(cancelled.json_body)


def test_a_bus_that_is_down_does_not_lose_the_order(api: Api) -> None:
    api.bus.down = True
    order_id = placed(api)
    assert api.bus.events == []
    assert api.send("GET", "/health").status_code == 503
    api.bus.down = False
    assert api.services.relay_outbox()["published"] >= 1
    assert order_id in [event["orderId"] for event in api.bus.events]


def test_same_key_and_body_replays_and_places_one_order(api: Api) -> None:
    first = api.send("POST", "/orders", SEED_ORDER, Idempotency_Key="k")
    again = api.send("POST", "/orders", SEED_ORDER | {"amount": "499.990"}, Idempotency_Key="k")
    assert again.json_body == first.json_body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.rows("SELECT count(*) FROM orders") == [(1,)]
    other = api.send("POST", "/orders", SEED_ORDER | {"customer": "Eve"}, Idempotency_Key="k")
    assert (other.status_code, other.json_body["type"]) == (422, "urn:problem:orders:idempotency-key-reused")


def test_a_refused_request_does_not_use_up_its_key(api: Api) -> None:
    refused = api.send("POST", "/orders", SEED_ORDER | {"items": [{"product": "Moon", "quantity": 1}]},
                       Idempotency_Key="k")  # fmt: skip
    assert (refused.status_code, refused.json_body["errors"][0]["pointer"]) == (422, "#/items/0/product")
    placed(api, Idempotency_Key="k")


def test_a_key_whose_request_is_still_running_is_409(api: Api) -> None:
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        import hashlib
        import json

        digest = hashlib.sha256(json.dumps(["local", "place_order", "k"]).encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        with psycopg.connect(api.database_url) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (number,))
            holding.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert holding.wait(10)
        response = api.send("POST", "/orders", SEED_ORDER, Idempotency_Key="k")
    finally:
        done.set()
        thread.join()
    assert response.status_code == 409
    assert response.headers["Retry-After"] == "1"
    placed(api, Idempotency_Key="k")


def test_pages_follow_each_other_without_gap_or_repetition(api: Api) -> None:
    wanted = [placed(api, SEED_ORDER | {"customer": f"C{n % 2}"}) for n in range(7)]
    api.services.apply_event_to_read_model(api.bus.events)
    seen: list[str] = []
    path = "/orders?limit=3"
    while path:
        page = api.send("GET", path).json_body
        seen += [order["orderId"] for order in page["orders"]]
        path = f"/orders?limit=3&cursor={page['nextCursor']}" if page["nextCursor"] else ""
    assert seen == wanted[::-1]
    of_one = api.send("GET", "/orders?customer=C1&status=placed").json_body["orders"]
    assert [order["orderId"] for order in of_one] == [wanted[n] for n in (5, 3, 1)]


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "bnVsbA", "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwieCJd", "%00"]
)
def test_a_made_up_cursor_is_refused(api: Api, cursor: str) -> None:
    assert api.send("GET", f"/orders?cursor={cursor}").status_code in (200, 422)


TEXT = st.text(st.characters(codec=None), max_size=12)
AMOUNTS = (
    st.sampled_from([1, "1.00", 1.001, 499.99, "999999999999", 10**11, 0.01]) | st.floats() | st.integers()
)
LINE = st.fixed_dictionaries(
    {"product": st.sampled_from(["Widget", "P-1002", "laptop", "Miscellaneous", "P-0000"]) | TEXT,
     "quantity": st.integers(-1, 10**7)},
    optional={"unitPrice": AMOUNTS},
)  # fmt: skip
BODY = st.fixed_dictionaries(
    {"customer": TEXT | st.fixed_dictionaries({"name": TEXT}, optional={"id": TEXT}),
     "items": st.lists(LINE, max_size=4)},
    optional={"amount": AMOUNTS, "currency": st.sampled_from(["USD", "EUR", "JPY", "XXX"]),
              "shipping": st.fixed_dictionaries({}, optional={"city": TEXT, "region": TEXT})},
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    BODY, st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255)
)
def test_any_plausible_order_is_placed_or_refused(api: Api, body: Any, key: str | None) -> None:
    response = api.send("POST", "/orders", body, **({"Idempotency_Key": key} if key else {}))
    assert response.status_code in (202, 400, 422), response.body
    if response.status_code != 202:
        assert response.headers["Content-Type"] == "application/problem+json"


def test_a_key_makes_one_cancellation_whatever_is_sent_again(api: Api) -> None:
    order_id = placed(api)
    path = f"/orders/{order_id}/cancel"
    first = api.send("POST", path, {"reason": "changed_mind"}, Idempotency_Key="k")
    again = api.send("POST", path, {"reason": "changed_mind"}, Idempotency_Key="k")
    assert (again.status_code, again.json_body) == (202, first.json_body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    for other in ({"reason": "too_late"}, None):
        refused = api.send("POST", path, other, Idempotency_Key="k")
        assert (refused.status_code, refused.json_body["type"]) == (
            422, "urn:problem:orders:idempotency-key-reused",
        )  # fmt: skip


def test_no_body_and_the_default_reason_are_the_same_cancellation(api: Api) -> None:
    path = f"/orders/{placed(api)}/cancel"
    api.send("POST", path, Idempotency_Key="k")
    again = api.send("POST", path, {"reason": "customer_request"}, Idempotency_Key="k")
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_key_that_is_none_is_refused_by_the_cancellation_too(api: Api) -> None:
    refused = api.send("POST", f"/orders/{placed(api)}/cancel", Idempotency_Key="a b")
    assert (refused.status_code, refused.json_body["errors"][0]["header"]) == (400, "Idempotency-Key")
