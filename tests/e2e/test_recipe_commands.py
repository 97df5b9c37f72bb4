"""The recipe's own commands, run from docs/recipe-commands.md by the real AWS CLI, and what comes of them."""

import json
import re
from pathlib import Path

import pytest

from chalicelib import names
from scripts.local_run.lake_story import quarantined
from scripts.local_run.outside import wait_until
from scripts.local_run.stack import STAGE
from tests.e2e.conftest import ROOT
from tests.e2e.terminal import Terminal, answers
from tests.integration.pipeline.deployed import ended, idle
from tests.live import Platform

pytestmark = pytest.mark.e2e
PAGE = ROOT / "docs" / "recipe-commands.md"
JOB = names.resource("etl-job", STAGE)


@pytest.fixture
def terminal(platform: Platform, tmp_path: Path) -> Terminal:
    made = Terminal(PAGE, platform, tmp_path)
    made.run("Setting up")
    return made


@pytest.fixture
def samples(platform: Platform, terminal: Terminal) -> None:
    """After the recipe's step 3: its two files are in the tables."""
    terminal.run("Step 3")
    idle(platform)


def test_uploaded_samples_become_the_objects_and_the_rows_that_the_recipe_expects(
    platform: Platform, terminal: Terminal, samples: None
) -> None:
    assert ended(platform, "raw-data/sales_data.csv")["state"] == "succeeded"
    listed = terminal.run("Validation 1")
    assert "processed-data/daily_sales/order_date=2024-01-15/" in listed
    assert "processed-data/customer_metrics/" in listed
    [result] = answers(terminal.run("Validation 2"))
    header, *rows = result["ResultSet"]["Rows"]
    assert [cell["VarCharValue"] for cell in header["Data"]] == [
        "region", "daily_revenue", "daily_orders", "unique_customers", "order_date",
    ]  # fmt: skip
    assert len(rows) == 10


def test_an_invalid_file_is_quarantined(platform: Platform, terminal: Terminal) -> None:
    terminal.run("Validation 3")
    assert ended(platform, "raw-data/invalid_data.csv")["state"] == "succeeded"
    sources = [str(row["source"]) for row in quarantined()]
    assert [source for source in sources if "/raw-data/invalid_data.csv?versionId=" in source]


def test_the_raw_crawler_catalogues_the_recipes_files(terminal: Terminal, samples: None) -> None:
    crawlers, crawl, found = answers(terminal.run("Step 4"))
    assert set(crawlers["CrawlerNames"]) >= {"raw-data-crawler-local", "processed-data-crawler-local"}
    assert crawl["Status"] == "SUCCEEDED"
    assert {"raw_data_sales_data_csv", "raw_data_customer_data_csv"} <= set(found["tables"])


def test_job_workflow_trigger_and_notifications_are_as_the_recipe_makes_them(terminal: Terminal) -> None:
    [job] = answers(terminal.run("Step 6"))
    assert job["Job"]["Command"]["Name"] == "glueetl"
    workflow, trigger = answers(terminal.run("Step 8"))
    assert workflow["Workflow"]["Name"] == "etl-nightly-local"
    assert trigger["Trigger"]["State"] == "ACTIVATED"
    assert trigger["Trigger"]["Schedule"] == "cron(0 2 * * ? *)"
    [told] = answers(terminal.run("Step 9"))
    [topic] = told["TopicConfigurations"]
    assert topic["TopicArn"].endswith(":raw-data-arrivals-local")


def test_the_orchestrator_starts_the_job_of_the_recipes_payload_and_tells_its_status(
    platform: Platform, terminal: Terminal
) -> None:
    _, started, run, _, status = answers(terminal.run("Step 10"))
    body = json.loads(started["body"])
    assert (started["statusCode"], body["job_name"]) == (200, JOB)
    assert run["JobRun"]["Id"] == body["job_run_id"]
    assert run["JobRun"]["Arguments"]["--table_prefix"] == "raw_data"
    assert status["status"] in ("STARTING", "RUNNING")
    stop(platform, body["job_run_id"])


def test_a_job_started_by_hand_is_stopped_by_hand(platform: Platform, terminal: Terminal) -> None:
    [stopped] = answers(terminal.run("Step 12"))
    [one] = stopped["SuccessfulSubmissions"]
    assert one["JobName"] == JOB
    stop(platform, one["JobRunId"])


@pytest.mark.slow
@pytest.mark.spark
def test_the_job_that_reads_the_crawled_tables_ends_well_and_its_log_says_what_it_did(
    platform: Platform, terminal: Terminal, samples: None
) -> None:
    terminal.run("Step 4")
    terminal.run("Step 10")
    printed = terminal.run("Step 11")
    assert re.search(r"^Job Status: SUCCEEDED$", printed, re.MULTILINE), printed
    groups, logs = answers(printed)
    assert f"/aws-glue/jobs/{JOB}/output" in {group["logGroupName"] for group in groups["logGroups"]}
    assert "on spark: succeeded" in json.dumps(logs)
    idle(platform)


def stop(platform: Platform, run_id: str) -> None:
    glue = platform.client("glue")
    glue.batch_stop_job_run(JobName=JOB, JobRunIds=[run_id])
    wait_until(
        lambda: glue.get_job_run(JobName=JOB, RunId=run_id)["JobRun"]["JobRunState"],
        lambda state: state == "STOPPED",
        "the end of the job",
    )
