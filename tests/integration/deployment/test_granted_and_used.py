"""The deployed policies, enforced while orders are placed: nothing is denied, nothing granted for nothing."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from chalicelib import names
from scripts import configure, provision, register, upload_etl
from scripts.deployment import settings
from scripts.deployment.deployed import Deployed
from scripts.deployment.functions import orders
from scripts.deployment.policies import API_HANDLER
from scripts.local_cloud.launcher import Engine
from scripts.local_cloud.postgres import PostgresServer
from scripts.local_run import environment, story
from scripts.local_run.outside import Api, wait_until
from scripts.smoke import address
from tests.integration.deployment import cloud

pytestmark = pytest.mark.slow  # the whole platform once

LOCAL = settings.local()
SCHEDULES = ("relay-outbox", "sweep-orders", "expire-reservations", "purge-expired")

# Granted, and not called in the story: what for.
RARE = {
    ("record-compensation-failure", "events:PutEvents"): "only after a compensation that failed for good",
    ("record-compensation-failure", "sns:Publish"): "only after a compensation that failed for good",
    ("on-workflow-stopped", "events:PutEvents"): "only for an order that recovery must bring to its end",
    ("on-workflow-stopped", "sns:Publish"): "only for an order that a person must look at",
    ("relay-outbox", "events:PutEvents"): "only for what the relay of the request itself left behind",
    ("sweep-orders", "events:PutEvents"): "only for an order without a living owner",
    ("sweep-orders", "sns:Publish"): "only for an order without a living owner",
    ("sweep-orders", "states:DescribeExecution"): "only for an order without a living owner",
}


class Decision(NamedTuple):
    caller: str
    action: str
    resource: str
    allowed: bool


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Decision]]:
    """Every decision about a role or a service while the demo's orders are placed and schedules run."""
    folder = tmp_path_factory.mktemp("enforced")
    with (
        pytest.MonkeyPatch.context() as patch,
        PostgresServer(folder / "pg") as server,
        Engine(folder / "engine", enforce_iam=True) as engine,
    ):
        for name, value in environment.engine_environment(engine.endpoint).items():
            patch.setenv(name, value)
        session = boto3.Session(region_name=names.LOCAL_REGION)
        provision.apply(LOCAL, session, server.url())
        session.client("ses").verify_email_identity(EmailAddress=LOCAL.mail_from)
        upload_etl.apply(LOCAL, session)
        project = cloud.copy_app(folder)
        configure.apply(LOCAL, project)
        cloud.chalice_deploy(LOCAL, project)
        register.apply(LOCAL, session, project)
        tell_the_story(session, project)
        lines = (folder / "engine" / "iam-calls.jsonl").read_text().splitlines()
        yield [Decision(**json.loads(line)) for line in lines]


def tell_the_story(session: Any, project: Path) -> None:
    api = Api(address(Deployed.read(project, "local"), LOCAL))
    assert api.get("/health").status == 200
    played = [story.play(api, scene) for scene in story.SCENES]
    for scene, order_id, _ in played:
        wait_until(partial(story.status_of, api, order_id), scene.wanted.__eq__, order_id)
    for schedule in SCHEDULES:
        event = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "time": "", "id": "",
                 "version": "0", "account": "", "region": "", "resources": []}  # fmt: skip
        function = names.function(schedule, "local")
        answer = session.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        assert "FunctionError" not in answer, answer["Payload"].read()


def test_no_call_of_the_story_is_denied(decisions: list[Decision]) -> None:
    denied = {one for one in decisions if not one.allowed}
    assert denied == set()
    assert len(decisions) > 100


def test_what_is_granted_is_called_or_has_its_reason(decisions: list[Decision]) -> None:
    used = {(short(one.caller), one.action) for one in decisions}
    granted = {
        (name, action)
        for name, function in orders.FUNCTIONS.items()
        if name not in ("token-authorizer", "manage-tokens")
        for grant in function.grants
        if not grant.by_service
        for action in grant.actions
    }
    unused = granted - used
    assert unused - RARE.keys() == set()
    assert RARE.keys() - granted == set()


def short(caller: str) -> str:
    """`role/orders-local-claim-order` → `claim-order`."""
    role = caller.removeprefix("role/")
    return API_HANDLER if role == f"orders-local-{API_HANDLER}" else role.removeprefix("orders-local-")
