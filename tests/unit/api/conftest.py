"""The whole Chalice app in front of fake services."""

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice import Chalice
from chalice.test import Client, HTTPResponse

os.environ.setdefault("STAGE", "local")

from tests.unit.api.fakes import FakeServices

SEED_ORDER = {
    "customer": "Bob Smith",
    "amount": 499.99,
    "items": [{"product": "Gaming Console", "quantity": 1}, {"product": "Controller", "quantity": 2}],
}


class Api:
    """Sends requests to the app as API Gateway would hand them over."""

    def __init__(self, app: Chalice, services: FakeServices) -> None:
        around = importlib.import_module("chalicelib.handlers.middleware").around
        app.middleware_handlers[:] = [(around(lambda: services), "http")]
        self.services = services
        self.app = app
        self._client = Client(app, stage_name="local")

    def send(self, method: str, path: str, body: Any = b"", **headers: str) -> HTTPResponse:
        """`body` is sent as JSON unless it is bytes; `Idempotency_Key="k"` becomes a header."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if raw and not any(name.lower() == "content-type" for name in named):
            named["Content-Type"] = "application/json"
        return self._client.http.request(method, path, headers=named, body=raw)

    def post(self, body: Any, **headers: str) -> HTTPResponse:
        return self.send("POST", "/orders", body, **headers)


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
def load_app(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Chalice]:
    """Imports the app anew in another stage; the stage decides what the decorators do."""

    def load(stage: str) -> Chalice:
        monkeypatch.setenv("STAGE", stage)
        for name in [name for name in sys.modules if name == "app" or name.startswith("chalicelib.handlers")]:
            monkeypatch.delitem(sys.modules, name)
        app: Chalice = importlib.import_module("app").app
        return app

    importlib.import_module("app")
    return load


@pytest.fixture
def api(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("STAGE", "local")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders-local")  # as on the engine: no look-up of run.json
    app = importlib.import_module("app").app
    before = list(app.middleware_handlers)
    yield Api(app, services)
    app.middleware_handlers[:] = before


def assert_problem(response: HTTPResponse, status: int) -> Any:
    """The answer is an RFC 9457 problem of this status; gives its members."""
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json_body
    assert {"type", "title", "status", "detail", "instance", "correlationId"} <= set(problem)
    assert response.status_code == problem["status"] == status
    return problem


def faults(response: HTTPResponse, status: int = 422) -> dict[str, str]:
    """The bad fields of a problem: pointer → detail."""
    return {one["pointer"]: one["detail"] for one in assert_problem(response, status)["errors"]}
