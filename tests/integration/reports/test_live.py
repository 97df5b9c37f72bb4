"""Both workflows as they are deployed, its policies enforced: from orders to the page and the mail."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from scripts.local_run.outside import delivered, wait_until
from tests.contract.cloud import Cloud, Queue
from tests.integration.pipeline.deployed import idle
from tests.live import Platform
from tests.unit.reports.builders import jsonl, record
from tests.unit.reports.test_page import Soundness

pytestmark = [pytest.mark.e2e]
REPORTS = "order-reports-local-000000000000"
LAKE = "order-lake-local-000000000000"


@pytest.fixture
def alerts(live_platform: Platform) -> Iterator[Queue]:
    """A queue that gets what operators are alerted of."""
    cloud = Cloud(live_platform.endpoint)
    queue = cloud.queue()
    sns = cloud.client("sns")
    topic = live_platform.topic("operational-alerts")
    subscribed = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, ReturnSubscriptionArn=True)
    cloud.undo(lambda: sns.unsubscribe(SubscriptionArn=subscribed["SubscriptionArn"]))
    yield queue
    cloud.clean()


def alert_of(alerts: Queue, execution: str) -> dict[str, Any]:
    """The alert about this execution; others are passed over."""
    while True:
        alert: dict[str, Any] = json.loads(alerts.body(30)["Message"])
        if alert.get("execution") == execution:
            return alert


def start(platform: Platform, workflow: str, given: dict[str, Any]) -> str:
    states = platform.client("stepfunctions")
    arn: str = states.start_execution(stateMachineArn=platform.machine(workflow), input=json.dumps(given))[
        "executionArn"
    ]
    return arn


def ended(platform: Platform, execution: str) -> dict[str, Any]:
    states = platform.client("stepfunctions")
    return wait_until(
        lambda: dict(states.describe_execution(executionArn=execution)),
        lambda found: found["status"] != "RUNNING",
        f"the end of {execution}",
        180,
    )


def failures(platform: Platform, execution: str) -> list[str]:
    """The errors of the tasks' tries so far."""
    pages = platform.client("stepfunctions").get_paginator("get_execution_history")
    events = [event for page in pages.paginate(executionArn=execution) for event in page["events"]]
    key = "lambdaFunctionFailedEventDetails"
    return [event[key]["error"] for event in events if key in event]


def run(platform: Platform, workflow: str, given: dict[str, Any]) -> dict[str, Any]:
    return ended(platform, start(platform, workflow, given))


def read(platform: Platform, key: str) -> bytes:
    body: bytes = platform.client("s3").get_object(Bucket=REPORTS, Key=key)["Body"].read()
    return body


def summary_of(platform: Platform, execution: str) -> dict[str, Any]:
    """The one JSON file of an execution, wherever its day put it."""
    s3, name = platform.client("s3"), execution.rsplit(":", 1)[-1]
    listed = s3.list_objects_v2(Bucket=REPORTS, Prefix="executions/").get("Contents", [])
    [key] = [one["Key"] for one in listed if one["Key"].endswith(f"/{name}.json")]
    found: dict[str, Any] = json.loads(read(platform, key))
    return found


def sell(platform: Platform, region: str, *quantities: int) -> Decimal:
    """Completed orders of one Mouse after another; what they cost together."""
    total = Decimal(0)
    for quantity in quantities:
        order = {
            "customer": {"name": "Report Reader"}, "shipping": {"region": region},
            "items": [{"product": "Mouse", "quantity": quantity}],
        }  # fmt: skip
        order_id = platform.place(order)
        platform.settled(order_id, "completed", 120)
        total += Decimal(str(platform.order(order_id)["total"]))
    return total


def test_the_report_of_the_day_is_made_linked_by_mail_and_readable(platform: Platform) -> None:
    sold = sell(platform, "report-land", 1, 2)
    ran = run(platform, "report-workflow", {"source": "demo.run"})
    assert ran["status"] == "SUCCEEDED", ran
    state = json.loads(ran["output"])
    assert state["source"] == "demo.run"
    report = json.loads(read(platform, state["summary"]["report"]))
    [region] = [one for one in report["regions"] if one["region"] == "report-land"]
    assert Decimal(region["revenue"]) == sold
    assert report["account"]["read"] == state["clean"]["read"]
    mails = [mail for mail in delivered(platform.endpoint) if f"Sales of {report['date']}" in mail.text]
    link = next(word for word in mails[-1].text.split() if word.endswith("report.html"))
    assert link == f"{platform.endpoint}/{REPORTS}/{state['summary']['page']}"
    found = platform.client("s3").get_object(Bucket=REPORTS, Key=state["summary"]["page"])
    assert found["ContentType"] == "text/html; charset=utf-8"
    page = Soundness(found["Body"].read().decode())
    assert page.open == []
    assert "report-land" in " ".join(page.words)
    summary = summary_of(platform, ran["executionArn"])
    assert (summary["status"], summary["workflow"]) == ("SUCCEEDED", "report-workflow")


def test_report_and_read_model_agree_to_the_cent(platform: Platform) -> None:
    sell(platform, "cent-land", 3)
    ran = run(platform, "report-workflow", {"source": "demo.run"})
    summary = json.loads(ran["output"])["summary"]
    [(revenue,)] = platform.rows(
        "select coalesce(sum(total_minor), 0)::bigint from orders where status = 'completed'"
        " and (placed_at at time zone 'UTC')::date = %s",
        summary["date"],
    )
    assert int(summary["revenue"].replace(".", "")) == revenue


def test_fail_summary_is_tried_again_caught_recorded_with_its_cause_and_alerted(
    platform: Platform, alerts: Queue
) -> None:
    ran = run(platform, "report-workflow", {"source": "demo.run", "fail_summary": True})
    assert (ran["status"], ran["error"]) == ("FAILED", "ReportFailed")
    record = summary_of(platform, ran["executionArn"])
    assert (record["status"], record["error"]) == ("FAILED", "ThrottledError")
    assert "fail_summary" in record["cause"]
    assert record["stepsDone"] == ["clean"]
    alert = alert_of(alerts, ran["executionArn"])
    assert "fail_summary" in alert["cause"]


def test_a_date_that_is_none_fails_at_once_and_says_why(platform: Platform) -> None:
    ran = run(platform, "report-workflow", {"date": "yesterday"})
    assert ran["status"] == "FAILED"
    record = summary_of(platform, ran["executionArn"])
    assert (record["error"], record["stepsDone"]) == ("ReportInputError", [])
    assert "'yesterday' is not of the form" in record["cause"]


def test_a_day_long_ago_has_a_report_that_says_there_is_no_data(platform: Platform) -> None:
    ran = run(platform, "report-workflow", {"source": "demo.run", "date": "2001-01-01"})
    assert ran["status"] == "SUCCEEDED", ran
    page = read(platform, "reports/2001-01-01/report.html").decode()
    assert "No data for this day" in page


def test_a_database_that_was_away_for_a_moment_costs_nothing(platform: Platform) -> None:
    idle(platform)  # a run of the lake whose checks this hits is taken up again after a quarter of an hour
    platform.server.crash()
    try:
        execution = start(platform, "report-workflow", {"source": "demo.run"})
        wait_until(lambda: failures(platform, execution), bool, "a step without its database")
    finally:
        platform.server.start()
    assert ended(platform, execution)["status"] == "SUCCEEDED"
    assert set(failures(platform, execution)) == {"DatabaseUnavailableError"}


def test_the_nightly_schedule_starts_one_report_of_yesterday(platform: Platform) -> None:
    first, second = platform.invoke("start-daily-report"), platform.invoke("start-daily-report")
    assert second["date"] == first["date"]
    arn = platform.machine("report-workflow").replace("stateMachine", "execution")
    assert ended(platform, f"{arn}:daily-{first['date']}")["status"] == "SUCCEEDED"
    sent = [mail for mail in delivered(platform.endpoint) if f"Sales of {first['date']}:" in mail.text]
    assert len(sent) == 1


def test_data_sets_of_the_day_are_worked_through_and_one_bad_file_stays_alone(
    platform: Platform, alerts: Queue
) -> None:
    sold = sell(platform, "data-land", 2)
    today = datetime.now(UTC).date()
    s3 = platform.client("s3")
    folder = f"raw-data/sales/{today}/"
    s3.put_object(Bucket=LAKE, Key=f"{folder}report-good.jsonl", Body=jsonl(record("ORD-live")))
    s3.put_object(Bucket=LAKE, Key=f"{folder}report-bad.csv", Body=b"not,a,table\n\xff\n")
    ran = run(platform, "datasets-workflow", {})
    assert ran["status"] == "SUCCEEDED", ran
    summary = summary_of(platform, ran["executionArn"])
    assert summary["status"] == "PARTIAL"
    found = {one["dataset"]: one for sets in summary["datasets"].values() for one in sets}
    assert Decimal(found["data-land"]["revenue"]) == sold
    assert found["report-good.jsonl"]["revenue"] == "10.00"
    assert found["report-bad.csv"] == {
        "outcome": "refused", "dataset": "report-bad.csv", "kind": "file", "reason": "is not UTF-8",
    }  # fmt: skip
    details = json.loads(read(platform, found["data-land"]["summary"]))
    assert details["products"][0]["product"] == "Mouse"
    alert = alert_of(alerts, ran["executionArn"])
    assert {"dataset": "report-bad.csv", "reason": "is not UTF-8"} in alert["wrong"]
