"""The two designs under the same load: this platform as deployed, and lesson 7's beside it on one engine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import psycopg

from chalicelib import names
from scripts.benchmarks import orders_load as load
from scripts.benchmarks.orders_load import Executions, Posted
from scripts.benchmarks.seed_design.deploy import SeedDesign
from scripts.deployment.deployed import Deployed
from scripts.local_run.environment import ROOT
from scripts.local_run.outside import wait_until
from scripts.local_run.stack import STAGE, Running, api_target

_PATIENCE = 600.0


@dataclass(frozen=True)
class Contender:
    """A deployed design: where its API is, which machine runs its orders, which functions are its own."""

    name: str
    url: str
    machine: str
    functions: list[str]
    handler: tuple[str, str, Mapping[str, str]]  # folder, module:attribute, environment
    session: boto3.Session = field(repr=False)

    def place(self, keys: list[str], clients: int) -> tuple[Posted, Executions]:
        """Post an order for each key and wait for the end of its workflow."""
        posted = load.post(self.url, keys, clients)
        return posted, self.await_workflows(posted, len(set(posted.order_ids)))

    def await_workflows(self, posted: Posted, wanted: int) -> Executions:
        client = self.session.client("stepfunctions")
        return load.await_executions(client, self.machine, posted.started, wanted, _PATIENCE)

    def in_handler(self, count: int, pace: float) -> dict[str, Any]:
        """Milliseconds of the handler in a process of its own; see orders_handler."""
        folder, target, variables = self.handler
        command = [sys.executable, "-m", "scripts.benchmarks.orders_handler", folder, target]
        done = subprocess.run(
            [*command, str(count), str(pace)],
            cwd=ROOT,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def platform(session: boto3.Session, running: Running, deployed: Deployed) -> Contender:
    handler = deployed.functions()["api_handler"]
    found = session.client("lambda").get_function_configuration(FunctionName=handler)
    account = session.client("sts").get_caller_identity()["Account"]
    machine = names.resource("order-processing-workflow", STAGE)
    listed = session.client("lambda").get_paginator("list_functions").paginate()
    return Contender(
        "this platform",
        api_target(running.endpoint, deployed),
        f"arn:aws:states:{session.region_name}:{account}:stateMachine:{machine}",
        [one["FunctionName"] for page in listed for one in page["Functions"]],
        (
            str(running.folder / "app"),
            "app:app",
            {**found["Environment"]["Variables"], "AWS_LAMBDA_FUNCTION_NAME": handler},
        ),
        session,
    )


def lesson(session: boto3.Session, design: SeedDesign) -> Contender:
    folder = ROOT / "scripts" / "benchmarks" / "seed_design"
    return Contender(
        "the lesson",
        design.url,
        design.machine,
        list(design.functions),
        (str(folder), "functions:place_order", design.environment),
        session,
    )


@dataclass(frozen=True)
class Books:
    """What the database of the platform says of a set of orders."""

    completed: int
    captures: int
    doubled: int
    unpublished: int
    read: int


def books(database_url: str, orders: list[str]) -> Books:
    """Wait until everything of these orders is published and read, then count."""
    return wait_until(
        lambda: _books(database_url, orders),
        lambda found: found.unpublished == 0 and found.read == len(set(orders)),
        f"the read model of {len(orders)} orders",
        seconds=_PATIENCE,
    )


def _books(database_url: str, orders: list[str]) -> Books:
    with psycopg.connect(database_url) as connection:

        def one(query: str) -> int:
            row = connection.execute(query.encode(), (orders,)).fetchone()
            return int(row[0]) if row else 0

        captures = "FROM gateway.ledger WHERE kind = 'capture' AND state = 'approved' AND order_ref = ANY(%s)"
        return Books(
            completed=one("SELECT count(*) FROM orders WHERE status = 'completed' AND id = ANY(%s)"),
            captures=one(f"SELECT count(*) {captures}"),
            doubled=one(f"SELECT count(*) - count(DISTINCT order_ref) {captures}"),
            unpublished=one("SELECT count(*) FROM outbox WHERE published_at IS NULL AND order_id = ANY(%s)"),
            read=one(
                "SELECT count(*) FROM read_model.orders WHERE status = 'completed' AND order_id = ANY(%s)"
            ),
        )


def settle(quiet: Callable[[], float], seconds: float = 60.0) -> None:
    """Wait until the processes of the engine do next to nothing (`quiet` gives processor seconds so far)."""
    deadline, before = time.monotonic() + seconds, quiet()
    while time.monotonic() < deadline:
        time.sleep(1.0)
        now = quiet()
        if now - before < 0.15:
            return
        before = now
