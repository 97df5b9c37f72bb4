"""A stage is made, made again, made after a failure, and taken down, on the engine."""

from pathlib import Path
from typing import Any

import pytest

from scripts import provision, recover, register, teardown
from scripts.deployment import inventory, settings
from scripts.deployment.deployed import Deployed
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
def test_teardown_that_dies_after_each_of_its_steps_is_finished_by_running_it_again(
    start: Any, project: Path
) -> None:
    session = start("engine")
    cloud.deploy(LOCAL, session, project)
    for _ in range(3):
        session.client("s3").put_object(Bucket="order-lake-local-000000000000", Key="raw-data/x", Body=b"x")
    half_of_chalice_delete(session, project)
    deaths = 0
    for _ in range(20):
        try:
            teardown.apply(LOCAL, Dying(session), project)
            break
        except ConnectionResetError:
            deaths += 1
            assert teardown.plan(LOCAL, session, project) or deaths > 5
    assert deaths >= 6  # two stacks, the objects of one bucket, two buckets, the secret
    assert teardown.plan(LOCAL, session, project) == []
    left = inventory.read(session, "local")
    assert {kind: list(found) for kind, found in left.items() if found and kind != "log groups"} == {}
    provision.apply(LOCAL, session)
    assert provision.plan(LOCAL, session) == []


def half_of_chalice_delete(session: Any, project: Path) -> None:
    """What Chalice has done when it dies: one of each kind is gone, and its record does not know."""
    one = {each["resource_type"]: each for each in Deployed.read(project, "local").resources}
    session.client("lambda").delete_function(FunctionName=one["lambda_function"]["lambda_arn"])
    session.client("lambda").delete_event_source_mapping(UUID=one["sqs_event"]["event_uuid"])
    session.client("apigateway").delete_rest_api(restApiId=one["rest_api"]["rest_api_id"])
    session.client("sns").unsubscribe(SubscriptionArn=one["sns_event"]["subscription_arn"])
    session.client("events").remove_targets(Rule=one["cloudwatch_event"]["rule_name"], Ids=["1"])
    session.client("events").delete_rule(Name=one["cloudwatch_event"]["rule_name"])
    session.client("logs").delete_log_group(logGroupName=one["log_group"]["log_group_name"])
    role = one["iam_role"]["role_name"]
    for policy in session.client("iam").list_role_policies(RoleName=role)["PolicyNames"]:
        session.client("iam").delete_role_policy(RoleName=role, PolicyName=policy)
    session.client("iam").delete_role(RoleName=role)


class Dying:
    """A session whose first deletion is made and never answered, as by a machine that loses its network."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def client(self, service_name: str) -> Any:
        return _DyingClient(self._session.client(service_name))


class _DyingClient:
    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not name.startswith("delete_"):
            return found

        def deleted(**arguments: Any) -> None:
            found(**arguments)
            raise ConnectionResetError(name)

        return deleted


def test_what_an_earlier_stack_left_is_named_before_a_new_one_is_made(start: Any) -> None:
    session = start("engine")
    session.client("s3").create_bucket(Bucket="order-lake-local-000000000000")
    with pytest.raises(DeploymentError, match=r"of an earlier stack .* -m scripts\.teardown"):
        provision.apply(LOCAL, session)


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
