"""Tokens and scopes: who gets in, in every stage but `local`."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from chalice import Chalice

from chalicelib.domain.commands import Principal
from tests.unit.api.conftest import SEED_ORDER, Api, assert_problem
from tests.unit.api.fakes import FakeServices

ARN = "arn:aws:execute-api:eu-central-1:123456789012:abc/prod/GET/orders"


@pytest.fixture(params=["dev", "prod"])
def closed(
    request: Any, load_app: Callable[[str], Chalice], services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> Api:
    """The app of a stage with an authorizer, which asks the fake services."""
    app = load_app(request.param)
    services.tokens = {
        "reader": Principal("ada", frozenset({"orders:read"})),
        "ada": Principal("ada", frozenset({"orders:read", "orders:write"})),
        "eve": Principal("eve", frozenset({"orders:read", "orders:write"})),
        "ops": Principal("operator", frozenset({"ops"})),
    }
    monkeypatch.setattr(
        importlib.import_module("chalicelib.handlers.authorizer"), "services", lambda: services
    )
    return Api(app, services)


def authorize(header: str) -> Any:
    """What Lambda runs: the function that the deployed handler's name points at."""
    from chalicelib.handlers import authorizer

    handler = getattr(authorizer, authorizer.token_authorizer.config.handler_string.rsplit(".", 1)[1])
    return handler({"type": "TOKEN", "authorizationToken": header, "methodArn": ARN}, None)


def test_a_known_token_opens_every_route_with_its_subject_and_scopes(closed: Api) -> None:
    answer = authorize("Bearer reader")
    assert answer["context"] == {"subject": "ada", "scopes": "orders:read"}
    assert answer["policyDocument"]["Statement"][0]["Resource"] == [
        "arn:aws:execute-api:eu-central-1:123456789012:abc/prod/*/*"
    ]


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Bearer", "reader", "Basic reader", "", " "])
def test_any_other_header_fails_with_the_word_that_the_gateway_answers_401_to(
    closed: Api, header: str
) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(header)


def test_no_token_is_refused_by_the_gateway(closed: Api) -> None:
    for method, path in (
        ("GET", "/orders"),
        ("POST", "/orders"),
        ("GET", "/products"),
        ("GET", "/orders/ORD-1"),
    ):
        assert closed.send(method, path).status_code == 401


def test_every_route_but_two_stands_behind_the_authorizer(closed: Api) -> None:
    routes = [entry for methods in closed.app.routes.values() for entry in methods.values()]
    assert {entry.view_name for entry in routes if entry.authorizer is None} == {"get_health", "get_openapi"}


def test_health_and_the_document_need_no_token(closed: Api) -> None:
    assert closed.send("GET", "/health").status_code == 200
    assert closed.send("GET", "/openapi.json").status_code == 200


def test_a_missing_scope_is_403_and_named(closed: Api) -> None:
    assert closed.send("GET", "/orders", Authorization="Bearer reader").status_code == 200
    problem = assert_problem(closed.post(SEED_ORDER, Authorization="Bearer reader"), 403)
    assert "orders:write" in problem["detail"]


def test_others_orders_are_404_and_ops_sees_all(closed: Api) -> None:
    assert closed.post(SEED_ORDER, Authorization="Bearer ada").status_code == 202
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        for token, status in (("ada", (200, 202)), ("eve", (404,)), ("ops", (200, 202))):
            response = closed.send(method, f"/orders/ORD-1{path}", Authorization=f"Bearer {token}")
            assert response.status_code in status, (method, path, token)


def test_a_route_reached_without_a_principal_is_401(closed: Api) -> None:
    context = {"httpMethod": "GET", "resourcePath": "/orders", "path": "/prod/orders", "authorizer": {}}
    event = {"requestContext": context, "headers": {}, "multiValueQueryStringParameters": None,
             "pathParameters": None, "stageVariables": None, "body": None}  # fmt: skip
    answer = closed.app(event, None)
    assert answer["statusCode"] == 401
    assert answer["headers"]["WWW-Authenticate"].startswith("Bearer")


def test_a_fault_of_the_authorizer_is_no_401(closed: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(token: str) -> None:
        raise ConnectionError("database down")

    monkeypatch.setattr(closed.services, "authenticate", fail)
    with pytest.raises(ConnectionError):
        authorize("Bearer ada")


def test_browsers_are_kept_out_unless_the_stage_names_an_origin(closed: Api) -> None:
    response = closed.send("GET", "/products", Authorization="Bearer ada")
    assert "Access-Control-Allow-Origin" not in response.headers


def test_a_stage_may_name_its_origin(
    load_app: Callable[[str], Chalice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_ALLOW_ORIGIN", "https://shop.example")
    cors = load_app("prod").routes["/orders"]["POST"].cors
    assert cors.get_access_control_headers()["Access-Control-Allow-Origin"] == "https://shop.example"


def test_in_the_local_stage_everybody_is_the_local_operator(api: Api) -> None:
    assert all(entry.authorizer is None for methods in api.app.routes.values() for entry in methods.values())
    assert "token-authorizer" not in api.app.handler_map
    api.post(SEED_ORDER)
    assert api.services.commands[0].subject == "local"
