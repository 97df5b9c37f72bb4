"""The OpenAPI document: valid, committed, complete, and true of what the API does."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from scripts import openapi as script
from tests.unit.api.conftest import Api, assert_problem


@pytest.fixture
def document(api: Api) -> Any:
    return api.send("GET", "/openapi.json").json_body


def schema(document: Any, name: str) -> Draft202012Validator:
    """A validator of one component; references are resolved inside the document."""
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    )


def test_the_document_is_valid_openapi_3_1(document: Any) -> None:
    validate(document)


def test_the_committed_document_is_up_to_date(api: Api) -> None:
    assert script.TARGET.read_text() == script.text(), "run `python -m scripts.openapi`"


def test_every_route_is_in_the_document_and_nothing_else(api: Api, document: Any) -> None:
    routes = {(path, method.lower()) for path, methods in api.app.routes.items() for method in methods}
    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == routes


def test_each_example_of_an_order_is_accepted_and_fits_its_schema(api: Api, document: Any) -> None:
    body = document["paths"]["/orders"]["post"]["requestBody"]["content"]["application/json"]
    assert len(body["examples"]) == 2
    for example in body["examples"].values():
        schema(document, "PlaceOrder").validate(example["value"])
        answer = api.post(example["value"])
        assert answer.status_code == 202
        schema(document, "Accepted").validate(answer.json_body)


def test_problems_fit_their_schema(api: Api, document: Any) -> None:
    for response in (
        api.post({}),
        api.post(b"{"),
        api.send("GET", "/orders/ORD-9"),
        api.send("PUT", "/orders"),
    ):
        schema(document, "Problem").validate(assert_problem(response, response.status_code))


@pytest.mark.parametrize(
    "body",
    [
        {}, {"customer": 1, "items": []}, {"customer": "A", "items": [{"product": "W", "quantity": 0}]},
        {"customer": {"name": "A", "email": "x"}, "items": [{"product": "W", "quantity": 1}]},
        {"customer": "A", "items": [{"product": "W", "productId": "P", "quantity": 1}]},
        {"customer": "A", "items": [{"product": "W", "quantity": 1}], "amount": -1},
        {"customer": "A", "items": [{"product": "W", "quantity": 1}], "extra": 1},
    ],
)  # fmt: skip
def test_what_the_api_refuses_the_schema_refuses(api: Api, document: Any, body: Any) -> None:
    assert api.post(body).status_code == 422
    assert not schema(document, "PlaceOrder").is_valid(body)
