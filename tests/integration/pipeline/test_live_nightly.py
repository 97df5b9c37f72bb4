"""The nightly way: the raw zone is crawled, and the job reads its input from the catalog."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from chalicelib import names
from scripts.local_run.environment import ROOT
from scripts.local_run.lake_story import SAMPLES, query
from scripts.local_run.outside import wait_until
from scripts.local_run.stack import STAGE
from tests.integration.pipeline.deployed import LAKE, alerted, ended, idle, number, sales, unannounced, upload
from tests.live import Platform

pytestmark = pytest.mark.e2e
NIGHT_CUSTOMER = (
    b"customer_id,name,email,registration_date,status\nCN1,Night Owl,owl@example.com,2023-01-01,active\n"
)
REVENUE = "select order_date, region, daily_revenue, daily_orders from daily_sales order by 1, 2"


@pytest.fixture
def samples(platform: Platform) -> None:
    """The seed's two files are in the tables, and nothing is going on."""
    for name in ("customer_data.csv", "sales_data.csv"):
        upload(platform, f"raw-data/{name}", (SAMPLES / name).read_bytes())
    assert ended(platform, "raw-data/sales_data.csv")["state"] == "succeeded"
    idle(platform)


@pytest.fixture
def night_rubbish(platform: Platform) -> Iterator[str]:
    """The key of a file that no event told of, and that no other test shall find."""
    lines = [f"76{n:03},C001,P1,none,5.00,2024-04-02,North" for n in range(120)]
    with unannounced(platform):
        key = upload(platform, "raw-data/night_rubbish.csv", sales(*lines))
    yield key
    platform.client("s3").delete_object(Bucket=LAKE, Key=key)


def test_the_nightly_trigger_is_active_at_two_o_clock(platform: Platform) -> None:
    trigger = platform.client("glue").get_trigger(Name=names.resource("start-etl-trigger", STAGE))["Trigger"]
    assert (trigger["State"], trigger["Schedule"]) == ("ACTIVATED", "cron(0 2 * * ? *)")
    assert trigger["WorkflowName"] == names.resource("etl-nightly", STAGE)
    assert [one["JobName"] for one in trigger["Actions"]] == [names.resource("etl-job", STAGE)]


def test_a_job_that_reads_the_crawled_raw_tables_leaves_the_same_tables(
    platform: Platform, samples: None, night_rubbish: str
) -> None:
    """A file that is too bad is left out and told of: it must not stop every nightly run to come."""
    crawl(platform)
    columns = {name: set(found) for name, found in tables(platform).items()}
    assert {"customer_id", "name", "email", "status"} <= columns["raw_data_customer_data_csv"]
    assert {"order_id", "price"} <= columns["raw_data_sales_data_csv"]
    before = query(REVENUE)
    job = [sys.executable, "-m", "etl.job", "--engine", "duckdb", "--run_id", "nightly-by-hand"]
    job += ["--database_name", names.glue_database(STAGE), "--table_prefix", "raw_data", "--currency", "USD"]
    done = subprocess.run(
        [*job, "--output_path", f"s3://{LAKE}/processed-data"],
        cwd=ROOT,
        env=platform.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert query(REVENUE) == before
    adopted = (
        "select state, reason from pipeline_runs where run_id = 'nightly-by-hand' and ended_at is not null"
    )
    [(state, reason)] = wait_until(lambda: platform.rows(adopted), bool, "the checks of the nightly run", 200)
    assert (state, reason) == ("succeeded", "started outside of the starter")
    subject, alert = alerted(platform, "nightly-by-hand")
    assert subject == "Files were left out of an ETL run"
    assert f"{night_rubbish}: 120 of 120 rows would be quarantined" in "".join(alert["files"])


def test_the_orchestrator_starts_the_job_of_the_seeds_own_payload(platform: Platform, samples: None) -> None:
    """The job is stopped at once: Spark takes minutes, and that it reads the catalog is said above."""
    job = names.resource("etl-job", STAGE)
    payload = {"job_name": job, "database_name": names.glue_database(STAGE)}
    answer = platform.invoke("etl-orchestrator", payload | {"output_path": f"s3://{LAKE}/processed-data"})
    run_id = json.loads(answer["body"])["job_run_id"]
    glue = platform.client("glue")
    started = glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]["Arguments"]
    assert started["--table_prefix"] == "raw_data"
    glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
    asked = {"job_name": job, "job_run_id": run_id}
    told = wait_until(
        lambda: platform.invoke("etl-orchestrator", asked),
        lambda told: told["status"] in ("STOPPED", "SUCCEEDED", "FAILED"),
        "the end of the job",
    )
    assert told["status"] == "STOPPED"
    assert number("select count(*) from daily_sales") != "0"


@pytest.mark.slow
@pytest.mark.spark
def test_the_nightly_workflow_has_spark_read_the_crawled_tables(platform: Platform, samples: None) -> None:
    """Two files that no event told of: only the catalog can have led the job to them."""
    with unannounced(platform):
        upload(platform, "raw-data/night_sales.csv", sales("7701,CN1,P1,2,5.25,2024-04-01,North"))
        upload(platform, "raw-data/night_customers.csv", NIGHT_CUSTOMER)
    crawl(platform)
    glue, workflow = platform.client("glue"), names.resource("etl-nightly", STAGE)
    run_id = glue.start_workflow_run(Name=workflow)["RunId"]
    run = wait_until(
        lambda: glue.get_workflow_run(Name=workflow, RunId=run_id)["Run"],
        lambda run: run["Status"] in ("COMPLETED", "STOPPED", "ERROR"),
        "the nightly workflow",
        600,
    )
    assert (run["Status"], run["Statistics"]["SucceededActions"]) == ("COMPLETED", 1), run
    assert number("select sum(daily_revenue) from daily_sales where order_date = '2024-04-01'") == "10.50"
    assert query("select name, total_spent from customer_metrics where customer_id = 'CN1'") == [
        {"name": "Night Owl", "total_spent": "10.50"}
    ]
    adopted = (
        "select state, engine, reason from pipeline_runs where run_id like 'catalog-%%'"
        " and ended_at is not null order by started_at desc limit 1"
    )
    [found] = wait_until(lambda: platform.rows(adopted), bool, "the checks of the nightly run", 200)
    assert found == ("succeeded", "spark", "started outside of the starter")


def crawl(platform: Platform) -> None:
    glue, name = platform.client("glue"), names.resource("raw-data-crawler", STAGE)
    glue.start_crawler(Name=name)
    wait_until(
        lambda: glue.get_crawler(Name=name)["Crawler"],
        lambda crawler: crawler["State"] == "READY" and "LastCrawl" in crawler,
        "the crawl of the raw zone",
        120,
    )


def tables(platform: Platform) -> dict[str, list[str]]:
    found = platform.client("glue").get_tables(DatabaseName=names.glue_database(STAGE))["TableList"]
    return {
        table["Name"]: [column["Name"] for column in table["StorageDescriptor"]["Columns"]] for table in found
    }
