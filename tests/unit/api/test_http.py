"""What holds for every route: correlation ids, headers, methods, the access log, health."""

import json
from typing import Any

import pytest

from chalicelib.domain.errors import ConfigurationError, DatabaseUnavailableError
from tests.unit.api.conftest import SEED_ORDER, Api, assert_problem


def gateway_event(method: str, path: str, body: Any = None, **changes: Any) -> dict[str, Any]:
    """A proxy event as API Gateway sends it: the body is a string, headers have any case."""
    context = {
        "stage": "prod",
        "httpMethod": method,
        "resourcePath": path,
        "path": f"/prod{path}",
        "identity": {},
    }
    return {
        "requestContext": context,
        "headers": {"Content-Type": "application/json"},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": False,
    } | changes


def access_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line["message"] == "request"]


def test_a_correlation_id_is_taken_over_and_returned(api: Api) -> None:
    response = api.post(SEED_ORDER, X_Correlation_Id="abc-1")
    assert response.headers["X-Correlation-Id"] == "abc-1"
    assert api.services.commands[0].correlation_id == "abc-1"


def test_a_correlation_id_is_made_when_none_is_sent(api: Api) -> None:
    first, second = (api.send("GET", "/products").headers["X-Correlation-Id"] for _ in range(2))
    assert len(first) >= 16
    assert first != second


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "a\nb", "-a", "ä"])
def test_an_unusable_correlation_id_is_refused_and_replaced(api: Api, sent: str) -> None:
    response = api.post(SEED_ORDER, X_Correlation_Id=sent)
    problem = assert_problem(response, 400)
    assert problem["errors"][0]["header"] == "X-Correlation-Id"
    assert response.headers["X-Correlation-Id"] == problem["correlationId"] != sent


def test_another_method_is_405_and_names_the_allowed(api: Api) -> None:
    response = api.send("DELETE", "/orders")
    problem = assert_problem(response, 405)
    assert problem["instance"] == "/orders"
    assert response.headers["Allow"] == "POST, GET"


def test_every_answer_carries_the_security_headers(api: Api) -> None:
    for response in (api.send("GET", "/products"), api.post(b"{"), api.send("PUT", "/orders")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert "max-age" in response.headers["Strict-Transport-Security"]


def test_cors_lets_browsers_read_our_headers_on_errors_too(api: Api) -> None:
    for response in (api.post(SEED_ORDER), api.post(b"{")):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Idempotency-Replayed" in response.headers["Access-Control-Expose-Headers"]


def test_the_access_log_has_one_line_with_ids_and_no_person(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.post(
        SEED_ORDER | {"customer": {"name": "Bob Smith", "email": "bob@example.com"}}, X_Correlation_Id="c-1"
    )
    api.send("GET", "/orders/ORD-1", X_Correlation_Id="c-2")
    first, second = access_lines(capsys)
    assert (first["route"], first["method"], first["status"]) == ("/orders", "POST", 202)
    assert (first["correlation_id"], first["order_id"]) == ("c-1", "ORD-1")
    assert (second["correlation_id"], second["order_id"], second["status"]) == ("c-2", "ORD-1", 200)
    assert first["milliseconds"] >= 0
    assert not {"Bob", "bob@example.com"} & set(json.dumps([first, second]).split('"'))


def test_what_stands_in_place_of_an_order_id_is_not_logged(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.send("GET", "/orders/Bob Smith")
    assert "Bob" not in json.dumps(access_lines(capsys))


def test_health_is_200_while_all_is_well(api: Api) -> None:
    response = api.send("GET", "/health")
    assert (response.status_code, response.json_body["status"]) == (200, "ok")


def test_health_is_a_503_problem_that_shows_the_checks(api: Api) -> None:
    api.services.healthy = False
    problem = assert_problem(api.send("GET", "/health"), 503)
    assert problem["checks"] == {"database": "failed", "bus": "ok"}


@pytest.mark.parametrize("path", ["/health", "/products", "/orders", "/orders/ORD-1"])
def test_without_an_engine_every_route_says_what_to_do_and_asks_nobody(
    api: Api, path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME")
    monkeypatch.setenv("ORDERS_LOCAL_DIR", str(tmp_path))

    def fail() -> None:
        raise AssertionError("a service was called")

    api.services.before = fail
    problem = assert_problem(api.send("GET", path), 503)
    assert problem["detail"] == (
        "the local engine is not running: start the local engine with `make run` in another terminal,"
        " then try again"
    )


@pytest.mark.parametrize("path", ["/health", "/products", "/orders", "/orders/ORD-1"])
@pytest.mark.parametrize(
    "fault", [ConfigurationError("DATABASE_URL is missing"), DatabaseUnavailableError("cannot connect")]
)
def test_beside_a_stopped_engine_every_route_says_what_to_do(
    api: Api, path: str, fault: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME")
    monkeypatch.setenv("ORDERS_LOCAL_DIR", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:9/orders")

    def fail() -> None:
        raise fault

    api.services.before = fail
    problem = assert_problem(api.send("GET", path), 503)
    assert "make run" in problem["detail"]
    assert str(fault) in problem["detail"]


def test_the_gateways_string_bodies_are_read(api: Api) -> None:
    answer = api.app(gateway_event("POST", "/orders", json.dumps(SEED_ORDER)), None)
    assert answer["statusCode"] == 202


@pytest.mark.parametrize(
    "changes", [{"body": '"\ud800"'}, {"body": "{}", "isBase64Encoded": True}, {"body": None}]
)
def test_the_gateways_broken_bodies_are_400(api: Api, changes: dict[str, Any]) -> None:
    answer = api.app(gateway_event("POST", "/orders", **changes), None)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (400, "application/problem+json")


def test_instance_is_the_path_that_the_client_asked_for(api: Api) -> None:
    answer = api.app(gateway_event("POST", "/orders", "{"), None)
    assert json.loads(answer["body"])["instance"] == "/orders"
