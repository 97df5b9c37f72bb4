"""Orders of other senders: read strictly, priced exactly, keyed by their own id."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidOrderError
from chalicelib.services.admission import foreign_order

JANE = {
    "orderId": "ORD-001", "customer": "Jane Doe", "amount": 149.99,
    "items": [{"product": "Widget", "quantity": 2}],
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_the_order_of_the_lesson_is_read_as_it_is() -> None:
    order = foreign_order(JANE)
    assert (order.order_id, order.customer.name, order.amount) == ("ORD-001", "Jane Doe", Decimal("149.99"))
    assert [(line.product, line.quantity) for line in order.lines] == [("Widget", 2)]
    assert (order.admitted, order.idempotency_key) == (True, "ORD-001")


def test_the_same_order_has_the_same_fingerprint_whatever_the_order_of_its_fields() -> None:
    assert foreign_order(dict(reversed(JANE.items()))).fingerprint == foreign_order(JANE).fingerprint
    assert foreign_order(JANE | {"amount": 150}).fingerprint != foreign_order(JANE).fingerprint


def test_every_bad_field_is_named() -> None:
    with pytest.raises(InvalidOrderError) as refusal:
        foreign_order({"orderId": "", "customer": [], "amount": "x", "items": [{"quantity": "2"}]})
    assert [problem.field for problem in refusal.value.fields] == [
        "/orderId", "/amount", "/customer", "/items/0/product", "/items/0/quantity",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"payment": {"token": "tok_decline"}},
        {"paymentToken": "tok_decline"},
        {"payment": {"token": "tok_decline"}, "paymentToken": "tok_decline"},
    ],
)
def test_the_token_is_read_where_the_api_has_it_and_in_the_short_form(fields: dict[str, Any]) -> None:
    assert foreign_order(JANE | fields).payment_token == "tok_decline"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"payment": {"token": "tok_a"}, "paymentToken": "tok_b"}, "/paymentToken"),
        ({"payment": {"token": "two words"}}, "/payment/token"),
        ({"payment": {"token": "x" * 101}}, "/payment/token"),
        ({"payment": {"token": None}}, "/payment/token"),
        ({"payment": {}}, "/payment/token"),
        ({"payment": "tok_a"}, "/payment/token"),
        ({"paymentToken": ""}, "/paymentToken"),
        ({"paymentToken": 7}, "/paymentToken"),
    ],
)
def test_a_token_that_is_none_or_two_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidOrderError) as refusal:
        foreign_order(JANE | fields)
    assert [problem.field for problem in refusal.value.fields] == [field]


def test_an_address_with_a_second_header_in_it_is_not_taken() -> None:
    customer = {"name": "Jane Doe", "email": "jane@example.com\r\nBcc: all@example.com", "phone": "+49151\n1"}
    order = foreign_order(JANE | {"customer": customer})
    assert (order.customer.email, order.customer.phone) == (None, None)


@pytest.mark.parametrize("id", ["jane@example.com", "Jane Doe", "+4915112345678", "", "x" * 65, 7])
def test_a_customer_s_id_that_could_be_personal_data_is_refused(id: Any) -> None:
    with pytest.raises(InvalidOrderError) as refusal:
        foreign_order(JANE | {"customer": {"name": "Jane Doe", "id": id}})
    assert [problem.field for problem in refusal.value.fields] == ["/customer/id"]


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u3164"])
def test_a_name_of_which_nothing_is_seen_is_refused(name: str) -> None:
    with pytest.raises(InvalidOrderError) as refusal:
        foreign_order(JANE | {"customer": {"name": name}})
    assert [problem.field for problem in refusal.value.fields] == ["/customer"]


def test_a_correlation_id_that_is_none_gives_way_to_the_order_s_id() -> None:
    assert foreign_order(JANE | {"correlationId": "trace-7"}).correlation_id == "trace-7"
    for other in ("jane@example.com", "Jane Doe", "", 7, None):
        assert foreign_order(JANE | {"correlationId": other}).correlation_id == "ORD-001"


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys([*JANE, "currency", "correlationId", "payment", "paymentToken"], JSON),
    )
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
def test_whatever_arrives_is_read_or_refused(detail: dict[str, Any]) -> None:
    try:
        fields = [foreign_order(detail).order_id == detail["orderId"]]
    except InvalidOrderError as refusal:
        fields = [bool(problem.field) for problem in refusal.fields]
    assert fields
    assert all(fields)
