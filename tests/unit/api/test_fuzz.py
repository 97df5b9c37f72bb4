"""Whatever is sent to POST /orders, the answer is an order or a problem, never a fault of ours."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.api.conftest import SEED_ORDER, Api, assert_problem

FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(st.characters(codec=None), max_size=20)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.sampled_from([10**400, "499.99", ""])
)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["customer", "items", "amount", "total", "currency", "payment", "shipping"]
LINES = st.lists(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("product", "productId", "quantity", "unitPrice"), JSON)
    ),
    max_size=3,
)


def check(api: Api, body: Any, **headers: str) -> None:
    response = api.post(body, **headers)
    if response.status_code != 202:
        assert response.status_code in (400, 413, 415, 422)
        assert_problem(response, response.status_code)


@FUZZ
@given(JSON)
def test_any_json_is_answered(api: Api, body: Any) -> None:
    check(api, body)


@FUZZ
@given(st.dictionaries(st.sampled_from(FIELDS), JSON | LINES), st.sets(st.sampled_from(FIELDS)))
def test_any_order_with_some_fields_wrong_is_answered(
    api: Api, wrong: dict[str, Any], gone: set[str]
) -> None:
    check(api, {name: value for name, value in (SEED_ORDER | wrong).items() if name not in gone})


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(api: Api, body: bytes) -> None:
    check(api, body)


@FUZZ
@given(
    st.text(st.characters(max_codepoint=255), max_size=40),
    st.text(st.characters(max_codepoint=255), max_size=40),
)
def test_any_header_is_answered(api: Api, key: str, correlation: str) -> None:
    check(api, SEED_ORDER, Idempotency_Key=key, X_Correlation_Id=correlation)


@FUZZ
@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_order_id_is_answered(api: Api, order_id: str) -> None:
    from urllib.parse import quote

    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        response = api.send(method, f"/orders/{quote(order_id, safe='') or '-'}{path}")
        assert_problem(response, 404)


@FUZZ
@given(st.dictionaries(st.sampled_from(["status", "customer", "cursor", "limit", "x"]), TEXT, max_size=3))
def test_any_query_is_answered(api: Api, query: dict[str, str]) -> None:
    from urllib.parse import urlencode

    readable = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    response = api.send("GET", f"/orders?{urlencode(readable)}")
    if response.status_code != 200:
        assert_problem(response, 422)
