"""POST /orders refuses what is not an order, naming every bad field; never a 500."""

import time
from typing import Any

import pytest

from tests.unit.api.conftest import SEED_ORDER, Api, assert_problem, faults

LINE = {"product": "Widget", "quantity": 1}


def order(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (SEED_ORDER | changes).items() if value is not ...}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"customer": ...}, "#/customer"),
        ({"customer": 7}, "#/customer"),
        ({"customer": None}, "#/customer"),
        ({"customer": "  "}, "#/customer"),
        ({"customer": "\ufeff\u200b"}, "#/customer"),
        ({"customer": "\u3164"}, "#/customer"),
        ({"customer": " \u0301\u2800\u00ad"}, "#/customer"),
        ({"customer": {"name": "\u2060\uffa0"}}, "#/customer/name"),
        ({"items": [{"product": "\u115f", "quantity": 1}]}, "#/items/0/product"),
        ({"customer": "x" * 201}, "#/customer"),
        ({"customer": "a\u0000b"}, "#/customer"),
        ({"customer": "a\nb"}, "#/customer"),
        ({"customer": "\ud800"}, "#/customer"),
        ({"customer": {}}, "#/customer/name"),
        ({"customer": {"name": "A", "email": "not mail"}}, "#/customer/email"),
        ({"customer": {"name": "A", "email": "a@b"}}, "#/customer/email"),
        ({"customer": {"name": "A", "email": "a@example.com\r\nBcc: x@example.com"}}, "#/customer/email"),
        ({"customer": {"name": "A", "phone": "0151 123"}}, "#/customer/phone"),
        ({"customer": {"name": "A", "id": "a b"}}, "#/customer/id"),
        ({"customer": {"name": "A", "id": "a@example.com"}}, "#/customer/id"),
        ({"customer": {"name": "A", "id": "+4915112345678"}}, "#/customer/id"),
        ({"customer": {"name": "A", "id": "+49-151/123.45"}}, "#/customer/id"),
        ({"customer": {"name": "A", "id": "tel:+4915112345678"}}, "#/customer/id"),
        ({"customer": {"name": "A", "vip": True}}, "#/customer/vip"),
        ({"items": ...}, "#/items"),
        ({"items": {}}, "#/items"),
        ({"items": []}, "#/items"),
        ({"items": [LINE] * 101}, "#/items"),
        ({"items": ["Widget"]}, "#/items/0"),
        ({"items": [{"quantity": 1}]}, "#/items/0/product"),
        ({"items": [{"product": "W", "productId": "P-1", "quantity": 1}]}, "#/items/0/product"),
        ({"items": [LINE, {"product": "W", "quantity": 0}]}, "#/items/1/quantity"),
        ({"items": [{"product": "W", "quantity": -1}]}, "#/items/0/quantity"),
        ({"items": [{"product": "W", "quantity": 1.5}]}, "#/items/0/quantity"),
        ({"items": [{"product": "W", "quantity": 1.0}]}, "#/items/0/quantity"),
        ({"items": [{"product": "W", "quantity": True}]}, "#/items/0/quantity"),
        ({"items": [{"product": "W", "quantity": "1"}]}, "#/items/0/quantity"),
        ({"items": [{"product": "W", "quantity": 10**30}]}, "#/items/0/quantity"),
        ({"items": [{"product": "W", "quantity": 1, "unitPrice": 0}]}, "#/items/0/unitPrice"),
        ({"items": [{"product": "W", "quantity": 1, "sku~/": 0}]}, "#/items/0/sku~0~1"),
        ({"amount": -1}, "#/amount"),
        ({"amount": 0}, "#/amount"),
        ({"amount": True}, "#/amount"),
        ({"amount": None}, "#/amount"),
        ({"amount": "1,50"}, "#/amount"),
        ({"amount": "-5"}, "#/amount"),
        ({"amount": "NaN"}, "#/amount"),
        ({"amount": "1e5"}, "#/amount"),
        ({"amount": "٣"}, "#/amount"),
        ({"amount": 10**15}, "#/amount"),
        ({"amount": 0.00001}, "#/amount"),
        ({"amount": 5, "total": 6}, "#/total"),
        ({"currency": "usd"}, "#/currency"),
        ({"currency": "XXX"}, "#/currency"),
        ({"currency": "USD", "amount": 1.001}, "#/amount"),
        ({"currency": "JPY", "amount": 1.5}, "#/amount"),
        ({"currency": "BHD", "amount": 1.0001}, "#/amount"),
        ({"currency": "JPY", "amount": 10, "items": [LINE | {"unitPrice": 0.5}]}, "#/items/0/unitPrice"),
        ({"payment": "tok"}, "#/payment"),
        ({"payment": {}}, "#/payment/token"),
        ({"payment": {"token": "a b"}}, "#/payment/token"),
        ({"shipping": {"country": "Germany"}}, "#/shipping/country"),
        ({"shipping": {"planet": "Mars"}}, "#/shipping/planet"),
        ({"orderId": "ORD-1"}, "#/orderId"),
        ({"subject": "somebody"}, "#/subject"),
    ],
)
def test_a_bad_field_is_named_by_its_pointer(api: Api, changes: dict[str, Any], pointer: str) -> None:
    assert list(faults(api.post(order(**changes)))) == [pointer]
    assert api.services.commands == []


def test_every_bad_field_is_named_in_one_answer(api: Api) -> None:
    body = order(customer=7, amount=-1, items=[LINE, {"product": "", "quantity": 0, "x": 1}], extra=1)
    assert set(faults(api.post(body))) == {
        "#/customer", "#/amount", "#/items/1/product", "#/items/1/quantity", "#/items/1/x", "#/extra"
    }  # fmt: skip


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "150"), ("BHD", "1.001"), ("USD", "1.10")])
def test_amounts_with_the_currencys_digits_are_taken(api: Api, currency: str, amount: str) -> None:
    assert api.post(order(currency=currency, amount=amount)).status_code == 202


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e99999999999999999999", "01", ".5", "+1"]
)
def test_numbers_that_json_does_not_have_are_400(api: Api, number: str) -> None:
    body = f'{{"customer":"A","amount":{number},"items":[{{"product":"W","quantity":1}}]}}'
    assert_problem(api.post(body.encode()), 400)


@pytest.mark.parametrize("number", ["1e400", "1e-400", "1e999999", "-1e400", "9" * 5000, "1" + "0" * 60])
def test_absurd_numbers_are_named(api: Api, number: str) -> None:
    body = f'{{"customer":"A","amount":{number},"items":[{{"product":"W","quantity":{number}}}]}}'
    assert set(faults(api.post(body.encode()))) == {"#/amount", "#/items/0/quantity"}


def test_repeated_names_are_named(api: Api) -> None:
    body = b'{"customer":"A","customer":"B","items":[{"product":"W","quantity":1,"quantity":2}]}'
    assert set(faults(api.post(body))) == {"#/customer", "#/items/0/quantity"}


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"order", b"\xff\xfe", b'{"customer":"\xc3\x28"}', b"[" * 60_000, b'{"a":' * 12_000,
        b"[" * 40 + b"]" * 40, b"{'customer':'A'}", b'{"customer":"A",}', b"\xef\xbb\xbf{}",
        b'{"a":1}{"b":2}',
    ],
)  # fmt: skip
def test_what_is_not_json_is_400(api: Api, body: bytes) -> None:
    assert_problem(api.post(body), 400)


@pytest.mark.parametrize("body", [b"null", b"[]", b'"order"', b"17", b"true", b"1e400"])
def test_json_that_is_no_object_is_named_as_a_whole(api: Api, body: bytes) -> None:
    assert list(faults(api.post(body))) == ["#"]


def test_a_body_above_64_kb_is_413(api: Api) -> None:
    assert_problem(api.post(order(customer="x" * 65_536)), 413)
    at_limit = b'{"customer":"A"}' + b" " * (65_536 - 16)
    assert_problem(api.post(at_limit), 422)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "application/jsonx", "text/plain;application/json", "*/*",
     "application/json; charset=latin-1", "application/octet-stream", "multipart/form-data"],
)  # fmt: skip
def test_another_content_type_is_415(api: Api, content_type: str) -> None:
    assert_problem(api.send("POST", "/orders", b"{}", Content_Type=content_type), 415)


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "Application/JSON"])
def test_json_may_name_its_charset(api: Api, content_type: str) -> None:
    response = api.send("POST", "/orders", b'{"customer":"A"}', Content_Type=content_type)
    assert list(faults(response)) == ["#/items"]


@pytest.mark.parametrize(
    "body",
    [
        ("{" + ",".join(f'"{n:x}":1,"{n:x}":1' for n in range(3500)) + "}").encode(),
        (f'{{"customer":{{"name":"A","email":"a@{"a-" * 125}"}},"items":[]}}').encode(),
        (f'{{"customer":{{"name":"A","email":"{"a." * 127}"}},"items":[]}}').encode(),
        b'{"customer":"A","items":[' + b'{"quantity":1e9999,"product":"\\""},' * 1500 + b"{}]}",
        b'["' + b"\\\\" * 30_000 + b'"]',
    ],
)
def test_no_body_keeps_the_door_busy(api: Api, body: bytes) -> None:
    started = time.process_time()
    assert_problem(api.post(body), 422)
    assert time.process_time() - started < 0.5


def test_at_most_100_faults_are_listed(api: Api) -> None:
    body = order(**{f"x{i}": i for i in range(300)})
    assert len(assert_problem(api.post(body), 422)["errors"]) == 100


def test_no_fault_repeats_what_the_client_sent(api: Api) -> None:
    problem = assert_problem(api.post(order(customer={"name": "A", "email": "eve at example"})), 422)
    assert "eve" not in str(problem)


def test_text_that_is_no_number_is_not_called_a_string(api: Api) -> None:
    told = faults(api.post(order(amount="x")))
    assert told == {"#/amount": "must be a decimal number or a string of one, not other text"}
