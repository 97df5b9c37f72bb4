"""Prod, deployed once by the scripts and `chalice deploy`: who gets in, and what the other way makes."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest

from scripts import tokens
from scripts.deployment import inventory, invocation
from scripts.deployment.deployed import Deployed
from scripts.deployment.functions import FUNCTIONS
from scripts.deployment.policies import API_HANDLER
from scripts.local_cloud.launcher import Engine
from scripts.local_cloud.postgres import PostgresServer
from scripts.local_run.environment import engine_environment
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


@pytest.fixture(scope="module")
def prod(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("prod")
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE deployed_prod")
    with Engine(folder / "engine") as engine, pytest.MonkeyPatch.context() as environment:
        for name, value in engine_environment(engine.endpoint).items():
            environment.setenv(name, value)
        session = boto3.Session("test", "test", region_name="us-east-1")
        secret = json.dumps({"url": postgres.url("deployed_prod")})
        session.client("secretsmanager").create_secret(Name=cloud.PROD.secret_name, SecretString=secret)
        project = cloud.copy_app(folder)
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


def comparable(found: dict[str, Any]) -> dict[str, Any]:
    """Without what must differ (who deployed, and the bucket with the ETL's code) and what the engine's
    CloudFormation lacks (VpcConfig)."""
    for function in found["functions"].values():
        for name in ("DEPLOYED_BY", "STAGE_REGION"):
            function["environment"].pop(name, None)
        function.pop("in the VPC")
    for job in (one for name, one in found["Glue"].items() if name.startswith("job ")):
        assert job["command"].pop("ScriptLocation").startswith(("s3://order-lake-prod", "s3://code/etl/"))
        assert job["arguments"].pop("--extra-py-files").startswith(("s3://order-lake-prod", "s3://code/etl/"))
    return found


def test_packaged_template_as_a_stack_makes_the_same_resources(
    prod: Stage, start: Any, project: Path, tmp_path: Path
) -> None:
    deployed = inventory.read(prod.session, "prod")
    joined = {name for name, function in deployed["functions"].items() if function["in the VPC"]}
    session = start("packaged")
    cloud.create_packaged(cloud.PROD, session, project, tmp_path / "out")
    packaged = inventory.read(session, "prod")

    assert len(deployed["functions"]) >= len(FUNCTIONS)
    assert len(deployed["queues"]) >= 6
    assert len(joined) == len([one for one in FUNCTIONS.values() if one.database])
    assert set(deployed["functions"]) >= {
        "orders-prod" if name == API_HANDLER else f"orders-prod-{name}" for name in FUNCTIONS
    }
    left, right = comparable(deployed), comparable(packaged)
    for kind, found in left.items():
        assert found == right[kind], kind
