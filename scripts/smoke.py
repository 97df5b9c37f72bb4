"""Prove a deployed stage: `python -m scripts.smoke --stage dev`. Prod is only read, others get an order."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import provision, register
from scripts.configure import APP
from scripts.deployment import settings
from scripts.deployment.calls import Session
from scripts.deployment.cli import connect, reported
from scripts.deployment.deployed import Deployed
from scripts.deployment.errors import DeploymentError
from scripts.deployment.settings import StageSettings

OPEN = ("placed", "processing", "authorised", "reserved", "capturing")


@dataclass(frozen=True)
class Api:
    """The deployed API at its address."""

    url: str
    token: str = ""

    def get(self, path: str) -> Any:
        return self._call("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url.rstrip("/") + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:500]
            raise DeploymentError(f"{method} {path} answered {error.code}: {said}") from error
        except OSError as error:
            raise DeploymentError(f"{method} {path}: {error}") from error


def address(found: Deployed, stage: StageSettings) -> str:
    """Where the API answers; the engine serves it below its own endpoint."""
    if not stage.is_local:
        return str(found.api()["rest_api_url"])
    endpoint = os.environ["AWS_ENDPOINT_URL"].rstrip("/")
    return f"{endpoint}/_aws/execute-api/{found.api()['rest_api_id']}/{stage.stage}"


def check(
    stage: StageSettings, session: Session, api: Api, project: Path, seconds: float = 90.0
) -> Iterator[str]:
    """A line for each thing that holds; DeploymentError at the first that does not."""
    pending = [str(one) for one in provision.plan(stage, session)] + register.plan(stage, session, project)
    if pending:
        raise DeploymentError(f"not deployed as declared: {'; '.join(pending[:5])}")
    yield "every resource is as declared"
    health = api.get("/health")
    yield f"health: {health.get('status', health)}"
    products = api.get("/products").get("products", [])
    if not products:
        raise DeploymentError("the catalogue is empty")
    yield f"products: {len(products)}"
    if stage.stage == "prod":
        yield "no order placed: prod is only read"
        return
    order = place(api, products)
    yield f"order {order} was accepted"
    yield f"order {order} ended {ended(lambda: api.get(f'/orders/{order}')['status'], seconds)}"


def refuse_without_token(stage: StageSettings, token: str) -> None:
    """Every stage but `local` asks for a token; without one the first answer would only be a 401."""
    if not (token or stage.is_local):
        raise DeploymentError(
            f"set ORDERS_TOKEN: python -m scripts.tokens create --stage {stage.stage} --subject smoke"
            " --scopes orders:read,orders:write prints one"
        )


def place(api: Api, products: Sequence[Mapping[str, Any]]) -> str:
    """Place an order of one unit of the first product in stock; answers its id."""
    chosen = next((one for one in products if one.get("available", one.get("stock", 1))), products[0])
    name = chosen.get("name") or chosen["productId"]
    items = [{"product": name, "quantity": 1}]
    body = {"customer": "Smoke Test", "items": items, "payment": {"token": "tok_approve"}}
    return str(api.post("/orders", body)["orderId"])


def ended(status: Callable[[], str], seconds: float) -> str:
    """Wait until the order is completed; DeploymentError when it ends otherwise or takes too long."""
    deadline = time.monotonic() + seconds
    while (now := status()) in OPEN:
        if time.monotonic() > deadline:
            raise DeploymentError(f"the order is still {now!r} after {seconds:.0f} s")
        time.sleep(0.2)
    if now != "completed":
        raise DeploymentError(f"the order ended {now!r}")
    return now


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.smoke", description=__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--project-dir", type=Path, default=APP)
    parser.add_argument("--token", default=os.environ.get("ORDERS_TOKEN", ""), help="or ORDERS_TOKEN")
    options = parser.parse_args(argv)

    def run() -> int:
        stage = settings.load(options.stage)
        refuse_without_token(stage, options.token)
        session = connect(stage)
        api = Api(address(Deployed.read(options.project_dir, stage.stage), stage), options.token)
        for line in check(stage, session, api, options.project_dir):
            print(f"ok: {line}", flush=True)
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
