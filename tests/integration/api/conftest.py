"""The whole Chalice app in front of the real services and a real PostgreSQL; only the bus is a fake."""

import dataclasses
import importlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
import pytest
from chalice.test import Client, HTTPResponse

os.environ.setdefault("STAGE", "local")

from chalicelib import bootstrap
from chalicelib.adapters.postgres.connections import Connections
from chalicelib.adapters.postgres.migrate import PostgresDatabase
from chalicelib.adapters.postgres.unit_of_work import PostgresUnitOfWork
from chalicelib.config import Settings
from chalicelib.domain.errors import ThrottledError
from chalicelib.services.ports import PublishResult


class FakeBus:
    """Accepts what it is given, unless it is down."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.down = False

    def publish(self, envelopes: Sequence[Mapping[str, Any]]) -> list[PublishResult]:
        self.check()
        self.events.extend(envelopes)
        return [PublishResult() for _ in envelopes]

    def check(self) -> None:
        if self.down:
            raise ThrottledError("PutEvents: EndpointConnectionError")


@dataclasses.dataclass
class Api:
    """Requests to the app, and what stands behind it."""

    services: bootstrap.Services
    bus: FakeBus
    client: Client
    database_url: str

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HTTPResponse:
        """`Idempotency_Key="k"` becomes a header; the body is sent as JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        if raw:
            named["Content-Type"] = "application/json"
        return self.client.http.request(method, path, headers=named, body=raw)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("STAGE", "local")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders-local")  # as on the engine: no look-up of run.json
    settings = Settings(database_url=database_url, admit_unpriced_orders=True)
    bus, connections = FakeBus(), Connections(lambda: database_url)
    made = bootstrap.build(
        settings,
        dataclasses.replace(
            bootstrap.adapters(settings),
            bus=bus,
            uow=PostgresUnitOfWork(connections),
            database=PostgresDatabase(connections),
        ),
    )
    app = importlib.import_module("app").app
    around = importlib.import_module("chalicelib.handlers.middleware").around
    before = list(app.middleware_handlers)
    app.middleware_handlers[:] = [(around(lambda: made), "http")]
    yield Api(made, bus, Client(app, stage_name="local"), database_url)
    app.middleware_handlers[:] = before
    connections.close()
