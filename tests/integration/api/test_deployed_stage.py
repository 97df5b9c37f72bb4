"""A stage with an authorizer, deployed on an engine: tokens, scopes and the gateway's own refusals."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from scripts import tokens
from scripts.deployment import invocation
from scripts.deployment.deployed import Deployed
from scripts.local_cloud.launcher import Engine
from tests.integration.deployment import cloud

ORDER = {"customer": "Ada", "items": [{"product": "Widget", "quantity": 1}]}


@dataclass
class Stage:
    """A deployed stage as its clients and its operator see it."""

    url: str
    session: Any

    def send(self, method: str, path: str, token: str = "", body: Any = None) -> tuple[int, Any, Any]:
        """Status, headers and parsed body."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": token} if token else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.headers, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, json.loads(error.read())

    def token(self, subject: str, scopes: str) -> str:
        """Made as the operator makes it: by the stage's own function."""
        made = tokens.create(
            lambda request: invocation.call(self.session, cloud.PROD, "manage-tokens", request),
            subject,
            scopes,
            1,
        )
        return f"Bearer {made.splitlines()[-1]}"


@pytest.fixture
def prod(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with Engine(tmp_path / "engine") as engine:
        monkeypatch.setenv("AWS_ENDPOINT_URL", engine.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        session = boto3.Session("test", "test", region_name="us-east-1")
        secret = json.dumps({"url": database_url})
        session.client("secretsmanager").create_secret(Name=cloud.PROD.secret_name, SecretString=secret)
        project = cloud.copy_app(tmp_path)
        cloud.deploy(cloud.PROD, session, project, migrate=True)
        api = Deployed.read(project, "prod").api()["rest_api_id"]
        yield Stage(f"{engine.endpoint}/_aws/execute-api/{api}/prod", session)


def test_a_deployed_stage_lets_in_who_may(prod: Stage) -> None:
    for token in ("", "Bearer wrong", "nonsense"):
        status, headers, problem = prod.send("GET", "/orders", token)
        assert (status, headers["Content-Type"]) == (401, "application/problem+json")
        assert problem["type"] == "urn:problem:orders:unauthenticated"
    assert prod.send("GET", "/health")[0] == 200

    reader, ada, eve = (
        prod.token(subject, scopes)
        for subject, scopes in (
            ("ada", "orders:read"),
            ("ada", "orders:read,orders:write"),
            ("eve", "orders:read"),
        )
    )
    assert prod.send("GET", "/products", reader)[0] == 200
    # the authorizer's cached answer for the reader covers this route, too: the door must refuse it
    status, headers, problem = prod.send("POST", "/orders", reader, ORDER)
    assert (status, problem["type"]) == (403, "urn:problem:orders:forbidden")

    status, headers, problem = prod.send("POST", "/orders", ada, ORDER)
    assert (status, problem["errors"]) == (422, [{"pointer": "#/payment/token", "detail": "is required"}])
    status, headers, placed = prod.send("POST", "/orders", ada, ORDER | {"payment": {"token": "tok_approve"}})
    assert status == 202
    path = f"/orders/{placed['orderId']}"
    assert prod.send("GET", path, ada)[0] == 200
    assert prod.send("GET", path, eve)[0] == 404
    status, headers, problem = prod.send("GET", "/nothing", ada)
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert "Access-Control-Allow-Origin" not in headers
