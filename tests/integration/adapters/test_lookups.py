"""Executions and secrets as the adapters read them."""

import json

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters.secrets import SecretStore, database_url
from chalicelib.adapters.workflows import Executions
from chalicelib.domain.errors import ConfigurationError, ThrottledError
from tests.integration.adapters.conftest import client

MACHINE = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})


def execution() -> str:
    stepfunctions = client("stepfunctions")
    machine = stepfunctions.create_state_machine(
        name="order-processing-workflow-local",
        definition=MACHINE,
        roleArn="arn:aws:iam::123456789012:role/states",
    )["stateMachineArn"]
    return str(stepfunctions.start_execution(stateMachineArn=machine, name="one")["executionArn"])


def test_running_execution_is_alive() -> None:
    assert Executions(client("stepfunctions")).is_running(execution())


def test_stopped_execution_is_not_alive() -> None:
    arn = execution()
    client("stepfunctions").stop_execution(executionArn=arn)
    assert not Executions(client("stepfunctions")).is_running(arn)


def test_execution_that_nobody_knows_is_not_alive() -> None:
    assert not Executions(client("stepfunctions")).is_running(execution() + "-other")


def test_throttled_question_is_not_an_answer() -> None:
    class Throttling:
        def describe_execution(self, **_: str) -> None:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeExecution")

    with pytest.raises(ThrottledError):
        Executions(Throttling()).is_running("arn")


def test_secret_is_read_by_name() -> None:
    secrets = client("secretsmanager")
    secrets.create_secret(Name="order-database-local", SecretString='{"url": "postgresql://db/orders"}')
    assert SecretStore(secrets).read("order-database-local") == '{"url": "postgresql://db/orders"}'


def test_missing_secret_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ConfigurationError, match="there is no secret 'nowhere'"):
        SecretStore(client("secretsmanager")).read("nowhere")


def test_secret_of_rds_becomes_a_url_with_its_password_escaped() -> None:
    secret = {
        "host": "db.example",
        "port": 5433,
        "username": "app",
        "password": "p@ss/word",
        "dbname": "orders",
    }
    assert (
        database_url(json.dumps(secret), "order-database")
        == "postgresql://app:p%40ss%2Fword@db.example:5433/orders?sslmode=require"
    )
    assert "@proxy.example:5433/" in database_url(json.dumps(secret), "order-database", "proxy.example")


@pytest.mark.parametrize("text", ["not json", "[]", '{"host": "db", "password": "hush"}'])
def test_unusable_secret_is_named_but_not_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError, match="secret 'order-database' needs url") as error:
        database_url(text, "order-database")
    assert "hush" not in str(error.value)
