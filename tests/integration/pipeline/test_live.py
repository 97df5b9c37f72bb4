"""The data path as it is deployed: each arrow on the engine, each failure by causing it."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import boto3
import psycopg
import pytest

from scripts import pause_consumer
from scripts.local_run.outside import delivered
from tests.live import Platform as Running

pytestmark = [pytest.mark.e2e]
T = TypeVar("T")
LAKE = "order-lake-local-000000000000"
SAMPLES = Path(__file__).resolve().parents[3] / "etl" / "samples"
SMALL_BATCH = "orders-local-etl-small-batch"


def until(what: Callable[[], T | None], seconds: float = 120) -> T:
    """The first answer that is not empty, before the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, "nothing came in time"
        time.sleep(0.2)


def rows(platform: Running, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(platform.database_url) as connection:
        return connection.execute(query.encode(), values).fetchall()


def upload(key: str, body: bytes) -> None:
    boto3.client("s3").put_object(Bucket=LAKE, Key=key, Body=body)


def ended(platform: Running, key: str) -> tuple[str, str]:
    """The run that took this file, once it has ended: its id and its state."""
    query = (
        "select r.run_id, r.state from pipeline_runs r join pipeline_files f using (run_id)"
        " where f.key = %s and r.ended_at is not null order by r.started_at desc limit 1"
    )
    return until(lambda: next(iter(rows(platform, query, key)), None))


def invoke(function: str, payload: dict[str, Any]) -> tuple[bool, Any]:
    """Whether it succeeded, and what it answered."""
    answer = boto3.client("lambda").invoke(
        FunctionName=f"orders-local-{function}", Payload=json.dumps(payload).encode()
    )
    return "FunctionError" not in answer, json.loads(answer["Payload"].read())


def athena(sql: str) -> list[list[str | None]]:
    client = boto3.client("athena")
    started = client.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": "order_lake_local"},
        WorkGroup="order-analytics-local",
    )["QueryExecutionId"]
    state = until(
        lambda: _done(client.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"])
    )
    assert state["State"] == "SUCCEEDED", state
    found = client.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"][1:]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in found]


def _done(status: dict[str, Any]) -> dict[str, Any] | None:
    return status if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED") else None


def mail_about(platform: Running, words: str) -> str | None:
    return next((mail.text for mail in delivered(platform.endpoint) if words in mail.text), None)


@pytest.fixture
def broken_lambda(platform: Running) -> Iterator[None]:
    """The small-batch Lambda cannot be imported while this lasts."""
    client = boto3.client("lambda")
    client.update_function_configuration(FunctionName=SMALL_BATCH, Handler="etl.no_such_module.handler")
    yield
    client.update_function_configuration(FunctionName=SMALL_BATCH, Handler="etl.lambda_small_batch.handler")


def test_two_files_become_tables_that_were_checked(platform: Running) -> None:
    for name in ("customer_data.csv", "sales_data.csv"):
        upload(f"raw-data/{name}", (SAMPLES / name).read_bytes())
    assert ended(platform, "raw-data/sales_data.csv")[1] == "succeeded"
    assert ended(platform, "raw-data/customer_data.csv")[1] == "succeeded"
    january = "from daily_sales where order_date like '2024-01-%'"
    sums = athena(f"select sum(daily_revenue), sum(daily_orders), count(*) {january}")
    assert sums == [["779.82", "10", "10"]]
    assert athena("select count(*) from customer_metrics where customer_id like 'C00_'") == [["7"]]


def test_sales_in_another_currency_are_quarantined_and_not_added_up(platform: Running) -> None:
    header = "order_id,customer_id,product_id,quantity,price,order_date,region,currency\n"
    sold = [
        f"21{n},C001,P001,1,{n}.00,2024-02-02,North,{code}\n" for n, code in enumerate(("EUR", "USD", ""), 1)
    ]
    upload("raw-data/foreign_sales.csv", (header + "".join(sold)).encode())
    run_id, state = ended(platform, "raw-data/foreign_sales.csv")
    assert state == "succeeded"
    [(report,)] = rows(platform, "select report from pipeline_runs where run_id = %s", run_id)
    assert report["quarantined_by_rule"] == {"currency_foreign": 1}
    assert athena("select sum(daily_revenue) from daily_sales where order_date = '2024-02-02'") == [["5.00"]]


def test_an_uploaded_key_with_signs_in_it_is_found(platform: Running) -> None:
    key = "raw-data/été 2024+north.csv"
    header = b"order_id,customer_id,product_id,quantity,price,order_date,region\n"
    body = header + b"2001,C001,P001,1,5.00,2024-02-01,North\n"
    upload(key, body)
    assert ended(platform, key)[1] == "succeeded"


def test_a_job_that_fails_for_good_is_mailed_and_lets_the_next_run_go(
    platform: Running, broken_lambda: None
) -> None:
    upload("raw-data/unlucky.csv", (SAMPLES / "sales_data.csv").read_bytes())
    run_id, state = ended(platform, "raw-data/unlucky.csv")
    assert state == "failed"
    mail = until(lambda: mail_about(platform, run_id), 30)
    assert "raw-data/unlucky.csv" in mail


def test_the_files_of_a_failed_run_are_taken_in_again(platform: Running) -> None:
    [(run_id,)] = rows(
        platform,
        "select run_id from pipeline_files where key = %s and state = 'failed'",
        "raw-data/unlucky.csv",
    )
    good, answer = invoke("reingest-files", {"runId": run_id})
    assert (good, answer["files"]) == (True, 1)
    query = "select 1 from pipeline_files where key = %s and state = 'done'"
    until(lambda: rows(platform, query, "raw-data/unlucky.csv"))


def test_a_malformed_message_dies_alone_and_is_mailed_while_it_stays_in_its_queue(platform: Running) -> None:
    sqs = boto3.client("sqs")
    queue = sqs.get_queue_url(QueueName="raw-data-queue-local")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    try:
        sqs.send_message(QueueUrl=queue, MessageBody="this is no S3 event")
        dead = sqs.get_queue_url(QueueName="raw-data-dlq-local")["QueueUrl"]
        until(lambda: _count(sqs, dead))
        mail = until(lambda: mail_about(platform, "raw-data-dlq-local"), 200)
        assert "not JSON, 19 characters" in mail
        assert _count(sqs, dead) == 1
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "360"})
        sqs.purge_queue(QueueUrl=dead)


def _count(sqs: Any, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def test_the_orchestrator_refuses_a_payload_that_names_no_job(platform: Running) -> None:
    good, answer = invoke("etl-orchestrator", {"Records": []})
    assert (good, answer["errorType"]) == (False, "BadPayloadError")
    assert "job_name is required" in answer["errorMessage"]


def test_the_lake_can_be_checked_at_any_time(platform: Running) -> None:
    good, answer = invoke("check-etl-run", {})
    assert (good, answer["passed"]) == (True, True), answer


def test_customers_of_the_platform_reach_the_raw_zone_without_their_addresses(platform: Running) -> None:
    body = {
        "customer": {"name": "Ada Lovelace", "email": "ada@example.com"},
        "items": [{"product": "Mouse", "quantity": 1}],
    }
    request = urllib.request.Request(
        f"{platform.api_url}/orders",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": "live-1"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 202
    named = dict.fromkeys(("version", "id", "account", "region", "detail-type", "source", "time"), "-")
    good, told = invoke("export-customers", {**named, "detail": {}, "resources": []})
    assert good, told
    assert told["exported"] >= 1
    [(key,)] = until(
        lambda: rows(
            platform,
            "select key from pipeline_files where key like 'raw-data/customers/%%' order by id desc limit 1",
        )
    )
    text = boto3.client("s3").get_object(Bucket=LAKE, Key=key)["Body"].read().decode()
    assert "Ada Lovelace" in text
    assert "ada@example.com" not in text


@pytest.fixture
def no_arrivals(platform: Running) -> Iterator[None]:
    """Other files wait in their queue, nothing is pending or running, and nobody looks by himself."""
    queue, events = ["raw-data-queue", "--stage", "local"], boto3.client("events")
    at_work = (
        "select 1 from pipeline_runs where ended_at is null"
        " union all select 1 from pipeline_files where run_id is null"
    )
    assert pause_consumer.main(queue) == 0
    until(lambda: not rows(platform, at_work) or None)
    [rule] = [one["Name"] for one in events.list_rules()["Rules"] if "start-etl-run" in one["Name"]]
    events.disable_rule(Name=rule)
    yield
    events.enable_rule(Name=rule)
    assert pause_consumer.main([*queue, "--resume"]) == 0


@pytest.mark.usefixtures("no_arrivals")
def test_on_demand_the_workflow_runs_the_glue_job_the_crawler_and_the_checks(platform: Running) -> None:
    key = "temp/unannounced.csv"  # recorded here and not by an event, which would start a run by itself
    upload(key, (SAMPLES / "sales_data.csv").read_bytes())
    found = boto3.client("s3").head_object(Bucket=LAKE, Key=key)
    pending = (
        "insert into pipeline_files (bucket, key, version_id, etag, size, sequencer, kind, object_time,"
        " recorded_at) values (%s, %s, %s, %s, 1, '', 'sales', now(), now()) returning key"
    )
    machines = boto3.client("stepfunctions")
    [arn] = [
        one["stateMachineArn"]
        for one in machines.list_state_machines()["stateMachines"]
        if one["name"] == "etl-workflow-local"
    ]
    rows(platform, pending, LAKE, key, found["VersionId"], found["ETag"].strip('"'))
    execution = machines.start_execution(stateMachineArn=arn, input="{}")["executionArn"]
    ended = until(lambda: _ended(machines.describe_execution(executionArn=execution)), 400)
    assert ended["status"] == "SUCCEEDED", machines.get_execution_history(executionArn=execution)["events"][
        -4:
    ]
    assert json.loads(ended["output"])["checks"]["outcome"] == "succeeded"
    [(driver, state)] = rows(
        platform, "select driver, state from pipeline_runs order by started_at desc limit 1"
    )
    assert (driver, state) == ("workflow", "succeeded")


def _ended(execution: dict[str, Any]) -> dict[str, Any] | None:
    return execution if execution["status"] != "RUNNING" else None
