"""The workflow of an ETL run on a real job and a real crawler: what it asks for, and when a crawl failed.

https://docs.aws.amazon.com/glue/latest/webapi/API_LastCrawlInfo.html
"""

import json
from typing import Any

import pytest

from scripts import check_asl
from tests.contract.lake.lake import Lake
from tests.contract.lake.test_glue_jobs import make_job

STUB = """
import json, os
def handler(event, context):
    return {**json.loads(os.environ['ANSWER']), 'asked': event}
"""
ANSWERS = {
    "PrepareEtlRun": {"outcome": "prepared", "runId": "run-1", "manifest": "s3://lake/manifest.json"},
    "CheckEtlRun": {"outcome": "succeeded"},
    "FailEtlRun": {"outcome": "failed"},
}


def machine_of(lake: Lake, crawler: str) -> str:
    """The machine as it is written, with short waits."""
    text = (check_asl.ROOT / "statemachines" / "etl.asl.json").read_text()
    for task, answer in ANSWERS.items():
        stub = lake.cloud.function(STUB, Environment={"Variables": {"ANSWER": json.dumps(answer)}})
        text = text.replace(f"${{{task}Arn}}", stub)
    text = text.replace("${EtlJobName}", make_job(lake, "print('done')\n"))
    text = text.replace("${ProcessedDataCrawlerName}", crawler)
    text = text.replace("${OrderNotificationsTopicArn}", lake.cloud.topic())
    machine: dict[str, Any] = json.loads(text.replace('"Seconds": 15', '"Seconds": 1'))
    return lake.cloud.machine(machine)


def run(lake: Lake, crawler: str) -> tuple[str, dict[str, Any], str]:
    """How it ended, and the name and the input of each state that was entered."""
    execution = lake.cloud.run(machine_of(lake, crawler), {}, 60)
    pages = lake.cloud.client("stepfunctions").get_paginator("get_execution_history")
    events = [e for page in pages.paginate(executionArn=execution["executionArn"]) for e in page["events"]]
    entered = [e["stateEnteredEventDetails"] for e in events if "stateEnteredEventDetails" in e]
    inputs = {one["name"]: json.loads(one["input"]) for one in entered}
    return execution["status"], inputs, execution["executionArn"]


def test_a_run_is_asked_for_by_the_execution_that_it_belongs_to_and_ends_checked(lake: Lake) -> None:
    lake.put("sales/a.csv", "id,price\n1,2.5\n2,3.5\n")
    status, inputs, execution = run(lake, lake.crawler("sales/"))
    assert (status, list(inputs)[-1]) == ("SUCCEEDED", "RunSucceeded")
    assert inputs["IsPrepared"]["run"]["asked"] == {"execution": execution}
    assert inputs["Notify"]["checks"]["asked"] == {"runId": "run-1"}


@pytest.mark.parametrize("before", [False, True])
def test_tables_of_a_crawl_that_failed_are_not_taken_for_crawled(lake: Lake, before: bool) -> None:
    lake.put("sales/a.csv", "id,price\n1,2.5\n2,3.5\n")
    crawler = lake.crawler("sales/")
    if before:
        lake.crawl(crawler)
    missing = {"S3Targets": [{"Path": "s3://no-such-bucket/sales/"}]}
    lake.glue.update_crawler(Name=crawler, Targets=missing)
    status, inputs, _ = run(lake, crawler)
    assert (status, list(inputs)[-3:]) == ("FAILED", ["CrawlFailed", "FailRun", "RunFailed"])
    asked = inputs["RunFailed"]["failed"]["asked"]
    assert (asked["runId"], asked["failure"]["Error"]) == ("run-1", "CrawlFailed")
    assert json.loads(asked["failure"]["Cause"])["LastCrawl"]["Status"] == "FAILED"
    assert "CheckTables" not in inputs
