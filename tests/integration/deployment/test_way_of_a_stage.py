"""A stage is made, made again, made after a failure, and taken down, on the engine."""

from pathlib import Path
from typing import Any

import pytest

from scripts import provision, recover, register, teardown
from scripts.deployment import inventory, settings
from scripts.deployment.errors import DeploymentError
from tests.integration.deployment import cloud

LOCAL = settings.local()


def test_stage_is_made_once_and_taken_down(start: Any, project: Path) -> None:
    session = start("engine")
    cloud.deploy(LOCAL, session, project)
    assert provision.plan(LOCAL, session) == []
    assert register.plan(LOCAL, session, project) == []

    assert teardown.plan(LOCAL, session, project)
    teardown.apply(LOCAL, session, project)
    left = inventory.read(session, "local")
    assert {kind: list(found) for kind, found in left.items() if found and kind != "log groups"} == {}
    assert teardown.plan(LOCAL, session, project) == []
    teardown.apply(LOCAL, session, project)


@pytest.mark.slow
def test_second_attempt_after_a_failed_deployment_makes_nothing_twice(start: Any, project: Path) -> None:
    session = start("engine")
    cloud.deploy(LOCAL, session, project)
    made = inventory.read(session, "local")
    recover.record(project, LOCAL).unlink()  # a failed first deployment leaves no record
    assert {one["resource_type"] for one in recover.apply(LOCAL, session, project)} == {
        "lambda_function",
        "sqs_event",
        "rest_api",
    }
    assert recover.apply(LOCAL, session, project) == []
    cloud.deploy(LOCAL, session, project)
    assert inventory.read(session, "local") == made
    assert len(session.client("apigateway").get_rest_apis()["items"]) == 1
    assert register.plan(LOCAL, session, project) == []


def test_database_url_reaches_the_functions_secret(start: Any) -> None:
    session = start("engine")
    provision.apply(LOCAL, session, "postgresql://somewhere/orders")
    provision.apply(LOCAL, session)
    secret = session.client("secretsmanager").get_secret_value(SecretId="order-database-local")
    assert secret["SecretString"] == '{"url": "postgresql://somewhere/orders"}'


def test_register_says_what_must_come_first(start: Any, project: Path) -> None:
    session = start("engine")
    with pytest.raises(DeploymentError, match="run chalice deploy --stage local"):
        register.apply(LOCAL, session, project)
    (project / ".chalice" / "deployed").mkdir(exist_ok=True)
    recover.record(project, LOCAL).write_text('{"resources": []}')
    with pytest.raises(DeploymentError, match="not provisioned"):
        register.wanted(LOCAL, session, project)


def test_teardown_of_prod_leaves_its_data_in_the_stack(start: Any, tmp_path: Path) -> None:
    session = start("engine")
    provision.apply(cloud.PROD, session)
    teardown.apply(cloud.PROD, session, tmp_path)
    left = inventory.read(session, "prod")
    assert sorted(left["buckets"]) == ["order-lake-prod-000000000000", "order-reports-prod-000000000000"]
    assert left["queues"] == {}
    assert left["topics"] == {}
    provision.apply(cloud.PROD, session)
    assert provision.plan(cloud.PROD, session) == []
