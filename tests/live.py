"""The platform as it is deployed, one for the whole test session, and what a test may ask of it.

The engine enforces the deployed policies, so every live test is also a proof that nothing is denied.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psycopg

from chalicelib import names
from scripts.local_cloud.launcher import Engine, free_port
from scripts.local_cloud.postgres import PostgresServer
from scripts.local_run.environment import engine_environment
from scripts.local_run.outside import Api, Json, wait_until
from scripts.local_run.stack import STAGE, LocalStack, Running
from scripts.local_run.story import SETTLED

SCHEDULED = {
    "version": "0", "id": "by-hand", "detail-type": "Scheduled Event", "source": "aws.events",
    "account": names.LOCAL_ACCOUNT, "time": "2026-01-01T00:00:00Z", "region": names.LOCAL_REGION,
    "resources": [], "detail": {},
}  # fmt: skip


@dataclass(frozen=True)
class Platform(Running):
    """A running platform with its server and engine, which some tests kill."""

    server: PostgresServer
    engine: Engine

    @property
    def api(self) -> Api:
        return Api(self.api_url)

    def environment(self) -> dict[str, str]:
        """For commands run as an operator runs them: the engine is the only cloud that they can see."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**kept, **engine_environment(self.endpoint), "ORDERS_LOCAL_DIR": str(self.folder)}

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=names.LOCAL_REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query; a single mapping gives its values by name."""
        given = values[0] if len(values) == 1 and isinstance(values[0], dict) else values
        with psycopg.connect(self.database_url) as connection:
            cursor = connection.execute(query.encode(), given)
            return cursor.fetchall() if cursor.description else []

    def invoke(self, function: str, payload: Mapping[str, Any] = SCHEDULED) -> Any:
        """What the function answers (scheduled ones take the default payload). Asserts that it did."""
        answer = self.client("lambda").invoke(
            FunctionName=names.function(function, STAGE), Payload=json.dumps(payload).encode()
        )
        said = json.loads(answer["Payload"].read() or b"null")
        assert "FunctionError" not in answer, said
        return said

    def queue(self, name: str) -> str:
        found: str = self.client("sqs").get_queue_url(QueueName=names.resource(name, STAGE))["QueueUrl"]
        return found

    def depth(self, name: str) -> int:
        """Messages waiting in the queue, in flight ones too."""
        wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs = self.client("sqs")
        found = sqs.get_queue_attributes(QueueUrl=self.queue(name), AttributeNames=wanted)["Attributes"]
        return sum(int(found[one]) for one in wanted)

    def machine(self, name: str = "order-processing-workflow") -> str:
        machine = names.resource(name, STAGE)
        return f"arn:aws:states:{names.LOCAL_REGION}:{names.LOCAL_ACCOUNT}:stateMachine:{machine}"

    def topic(self, name: str) -> str:
        return f"arn:aws:sns:{names.LOCAL_REGION}:{names.LOCAL_ACCOUNT}:{names.resource(name, STAGE)}"

    def operators_mail(self) -> list[Json]:
        """What the topics' e-mail subscribers got: to, topic, subject, text."""
        file = self.folder / "engine" / "sns-mail.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    # --- orders -------------------------------------------------------------------------------------------

    def place(self, body: Mapping[str, Any], key: str | None = None, **headers: str) -> str:
        """The id of an accepted order."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.api.post("/orders", body, named | ({"Idempotency-Key": key} if key else {}))
        assert answer.status == 202, answer
        return str(answer.body["orderId"])

    def order(self, order_id: str) -> Json:
        return self.api.get(f"/orders/{order_id}").body

    def status(self, order_id: str) -> str:
        return str(self.order(order_id).get("status"))

    def events(self, order_id: str) -> list[Json]:
        found: list[Json] = self.api.get(f"/orders/{order_id}/events").body["events"]
        return found

    def settled(self, order_id: str, wanted: str | None = None, seconds: float = 60) -> str:
        """The status in which the order ended; `wanted` waits for exactly that one."""
        return wait_until(
            lambda: self.status(order_id),
            lambda status: status == wanted if wanted else status in SETTLED,
            f"the end of {order_id}",
            seconds,
        )

    def executions(self, order_id: str) -> list[tuple[str, str]]:
        """(execution, status) of every workflow that owned or cancelled the order, by its event log."""
        rows = self.rows(
            "SELECT envelope -> 'data' ->> 'execution' FROM event_log WHERE order_id = %(id)s"
            " UNION SELECT execution FROM orders WHERE id = %(id)s"
            " UNION SELECT cancellation FROM orders WHERE id = %(id)s",
            {"id": order_id},
        )
        states = self.client("stepfunctions")
        arns = sorted(arn for (arn,) in rows if arn and arn.startswith("arn:"))
        return [(arn, states.describe_execution(executionArn=arn)["status"]) for arn in arns]


@contextmanager
def impatient(platform: Platform, seconds: int = 1) -> Iterator[None]:
    """Meanwhile the sweeper looks after orders that nothing has touched for this long, not two minutes."""
    client, function = platform.client("lambda"), names.function("sweep-orders", STAGE)
    before = client.get_function_configuration(FunctionName=function)["Environment"]

    def set_to(variables: Mapping[str, str]) -> None:
        client.update_function_configuration(FunctionName=function, Environment={"Variables": variables})

    set_to({**before["Variables"], "SWEEP_AFTER_SECONDS": str(seconds)})
    try:
        yield
    finally:
        set_to(before["Variables"])


@contextmanager
def crashing(platform: Platform) -> Iterator[None]:
    """Meanwhile the function behind the API cannot even start."""
    client, function = platform.client("lambda"), f"{names.APP}-{STAGE}"
    handler = client.get_function_configuration(FunctionName=function)["Handler"]
    client.update_function_configuration(FunctionName=function, Handler="app.gone")
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=function, Handler=handler)


@contextmanager
def started(folder: Path) -> Iterator[Platform]:
    """The whole platform; the environment is afterwards, and meanwhile, as it was before."""
    before = dict(os.environ)
    stack = LocalStack(folder, free_port(), free_port(), enforce_iam=True)
    try:
        with stack as running:
            _restore(before)
            yield Platform(**vars(running), server=stack.server, engine=stack.engine)
    finally:
        _restore(before)


def _restore(before: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)
