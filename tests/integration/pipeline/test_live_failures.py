"""Every failure arrow of the deployed data path, by causing the failure."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from chalicelib import names
from scripts.local_run.environment import ROOT
from scripts.local_run.lake_story import quarantined
from scripts.local_run.outside import wait_until
from scripts.local_run.stack import STAGE
from tests.integration.pipeline.deployed import (
    LAKE,
    STARTERS,
    alerted,
    ended,
    idle,
    mailed,
    number,
    run_of,
    sales,
    settings,
    unannounced,
    upload,
)
from tests.live import Platform
from tests.unit.pipeline.builders import s3_body, s3_record

pytestmark = pytest.mark.e2e
JOB_SCRIPT = "scripts/job.py"


@pytest.fixture(autouse=True)
def _idle(platform: Platform) -> Iterator[None]:
    """Each failure has the data path for itself."""
    idle(platform)
    yield
    idle(platform)


@contextmanager
def burning(platform: Platform, **changes: str) -> Iterator[None]:
    """Meanwhile the Glue job fails."""
    s3 = platform.client("s3")
    script = s3.get_object(Bucket=LAKE, Key=JOB_SCRIPT)["Body"].read()
    s3.put_object(Bucket=LAKE, Key=JOB_SCRIPT, Body=b"raise RuntimeError('the disk is on fire')\n")
    try:
        with settings(platform, STARTERS, **changes):
            yield
    finally:
        s3.put_object(Bucket=LAKE, Key=JOB_SCRIPT, Body=script)


def announce(platform: Platform, files: Mapping[str, bytes], gone: bool = False) -> None:
    """Uploads that one message tells of, so that one run takes them; the last may be deleted before."""
    s3, records = platform.client("s3"), []
    with unannounced(platform):
        for key, body in files.items():
            put = s3.put_object(Bucket=LAKE, Key=key, Body=body)
            told = {"versionId": put["VersionId"], "eTag": put["ETag"].strip('"'), "size": len(body)}
            records.append(s3_record(key, **told))
        if gone:
            s3.delete_object(Bucket=LAKE, Key=key, VersionId=put["VersionId"])
    queue = platform.client("sqs").get_queue_url(QueueName=names.resource("raw-data-queue", STAGE))
    platform.client("sqs").send_message(QueueUrl=queue["QueueUrl"], MessageBody=s3_body(*records))


@pytest.fixture
def burning_job(platform: Platform) -> Iterator[None]:
    """Every run goes to Glue, whose job fails; two attempts, without a wait between them."""
    changes = {"ETL_ENGINE": "spark", "ETL_MAX_ATTEMPTS": "2", "ETL_RETRY_DELAY_SECONDS": "0"}
    with burning(platform, **changes):
        yield


def test_a_failed_glue_job_is_retried_by_its_event_and_mailed_when_it_fails_again(
    platform: Platform, burning_job: None
) -> None:
    key = upload(platform, "raw-data/burning.csv", sales("7001,C001,P1,1,5.00,2024-03-01,North"))
    run = ended(platform, key)
    assert (run["state"], run["engine"], run["attempt"]) == ("failed", "spark", 2)
    letter = mailed(platform, run["run_id"])
    assert "the disk is on fire" in letter
    assert key in letter
    subject, alert = alerted(platform, run["run_id"])
    assert subject == f"ETL run {run['run_id']} failed"
    assert (alert["run_id"], alert["attempts"]) == (run["run_id"], 2)
    assert "the disk is on fire" in alert["cause"]
    jobs = platform.client("glue").get_job_runs(JobName=names.resource("etl-job", STAGE))["JobRuns"]
    mine = [job for job in jobs if run["run_id"] in job["Arguments"].get("--manifest", "")]
    assert [job["JobRunState"] for job in mine] == ["FAILED", "FAILED"]


def test_a_small_batch_goes_to_glue_where_it_would_be_merged_with_more_than_the_lambda_may_hold(
    platform: Platform,
) -> None:
    before = upload(platform, "raw-data/auto-1.csv", sales("7005,C001,P1,1,5.00,2024-03-20,North"))
    assert ended(platform, before)["state"] == "succeeded"
    at = platform.client("s3").get_object(Bucket=LAKE, Key="processed-data/_published.json")
    marker = at["Body"].read()
    silver = json.loads(marker)["silver_bytes"]
    body = sales("7006,C001,P1,1,5.00,2024-03-20,North")
    limit = str(silver + len(body) - 1)
    with burning(platform, ETL_ENGINE="auto", ETL_SPARK_THRESHOLD_BYTES=limit, ETL_MAX_ATTEMPTS="1"):
        run = ended(platform, upload(platform, "raw-data/auto-2.csv", body))
    assert (run["engine"], run["state"]) == ("spark", "failed")
    size = f"{silver + len(body)} bytes (batch {len(body)}, silver {silver})"
    assert run["reason"] == f"{size} are above the threshold of {limit}"


def test_a_nightly_job_that_fails_is_started_once_more_and_both_failures_are_told(
    platform: Platform, burning_job: None
) -> None:
    glue, job = platform.client("glue"), names.resource("etl-job", STAGE)
    before = {run["Id"] for run in glue.get_job_runs(JobName=job)["JobRuns"]}
    glue.start_workflow_run(Name=names.resource("etl-nightly", STAGE))

    def failed() -> list[str]:
        runs = [run for run in glue.get_job_runs(JobName=job)["JobRuns"] if run["Id"] not in before]
        return [run["Id"] for run in reversed(runs) if run["JobRunState"] == "FAILED"]

    first, second = wait_until(failed, lambda ids: len(ids) == 2, "both failures of the nightly job")
    assert f"started again as {second}" in mailed(platform, first)
    letter = mailed(platform, f"Job run {second}")
    assert "not started again: it failed 2 times" in letter
    assert "the disk is on fire" in letter
    alerts = wait_until(
        lambda: [post["text"] for post in platform.operators_mail() if f'"{second}"' in post["text"]],
        bool,
        "the alert",
    )
    assert "ETL job etl-job-local failed" in alerts[0]
    subject, alert = alerted(platform, second)
    assert subject == "ETL job etl-job-local failed"
    assert "the disk is on fire" in json.dumps(alert)


def test_a_crawler_that_fails_closes_the_run_and_tells_people(platform: Platform) -> None:
    glue, name = platform.client("glue"), names.resource("processed-data-crawler", STAGE)
    targets = glue.get_crawler(Name=name)["Crawler"]["Targets"]
    glue.update_crawler(Name=name, Targets={"S3Targets": [{"Path": "s3://no-such-bucket/daily_sales/"}]})
    try:
        key = upload(platform, "raw-data/uncrawled.csv", sales("7002,C001,P1,1,5.00,2024-03-02,North"))
        run = ended(platform, key)
    finally:
        glue.update_crawler(Name=name, Targets={"S3Targets": targets["S3Targets"]})
    assert run["state"] == "checks_failed"
    assert "the crawler failed" in run["error"]
    assert number("select sum(daily_revenue) from daily_sales where order_date = '2024-03-02'") == "5.00"


def test_tables_that_somebody_tampered_with_fail_their_checks(platform: Platform) -> None:
    s3 = platform.client("s3")
    first = upload(platform, "raw-data/before.csv", sales("7003,C001,P1,1,5.00,2024-03-03,North"))
    assert ended(platform, first)["state"] == "succeeded"
    folder = "processed-data/daily_sales/order_date=2024-03-03"
    s3.copy_object(Bucket=LAKE, Key=f"{folder}/copy.parquet", CopySource=f"{LAKE}/{folder}/data.parquet")
    try:
        key = upload(platform, "raw-data/after.csv", sales("7004,C001,P1,1,5.00,2024-03-04,North"))
        run = ended(platform, key)
        assert run["state"] == "checks_failed"
        assert "duplicate daily_sales" in run["error"]
        subject, alert = alerted(platform, run["run_id"])
        assert (subject, alert["run_id"]) == ("Checks of the lake failed", run["run_id"])
        assert "duplicate daily_sales" in json.dumps(alert["findings"])
        said = command(platform, "scripts.check_lake")
        assert said.returncode == 1, said.stdout + said.stderr
        assert "duplicate daily_sales" in said.stdout
    finally:
        s3.delete_object(Bucket=LAKE, Key=f"{folder}/copy.parquet")
    assert command(platform, "scripts.check_lake").returncode == 0


def test_too_many_rejects_stop_the_run_before_anything_is_published(platform: Platform) -> None:
    before = number("select sum(daily_revenue) from daily_sales")
    lines = [f"71{n:03},C001,P1,{'none' if n % 2 else 1},5.00,2024-03-05,North" for n in range(120)]
    run = ended(platform, upload(platform, "raw-data/rubbish.csv", sales(*lines)))
    assert (run["state"], run["attempt"]) == ("failed", 1)
    assert "QualityThresholdError: 60 of 120 rows are quarantined" in run["error"]
    assert "does not pass by itself" in mailed(platform, run["run_id"])
    subject, alert = alerted(platform, run["run_id"])
    assert (subject, alert["run_id"]) == (f"ETL run {run['run_id']} failed", run["run_id"])
    assert "60 of 120 rows are quarantined" in alert["cause"]
    assert number("select sum(daily_revenue) from daily_sales") == before
    assert len([row for row in quarantined() if "/raw-data/rubbish.csv?" in str(row["source"])]) == 60


def test_an_object_that_is_gone_is_left_out_of_its_run_and_told_of(platform: Platform) -> None:
    files = {f"raw-data/kept-{n}.csv": sales(f"708{n},C001,P1,1,1.00,2024-03-15,North") for n in range(5)}
    announce(
        platform, files | {"raw-data/gone.csv": sales("7089,C001,P1,1,9.00,2024-03-15,North")}, gone=True
    )
    run = ended(platform, "raw-data/gone.csv")
    assert (run["state"], run["attempt"]) == ("succeeded", 1)
    assert {ended(platform, key)["run_id"] for key in files} == {run["run_id"]}
    assert number("select sum(daily_revenue) from daily_sales where order_date = '2024-03-15'") == "5.00"
    subject, alert = alerted(platform, run["run_id"])
    assert (subject, alert["count"]) == ("Files were left out of an ETL run", 1)
    assert "raw-data/gone.csv?versionId=" in alert["files"][0]
    [row] = [row for row in quarantined() if "/raw-data/gone.csv?" in str(row["source"])]
    assert (row["reasons"], row["raw"]) == ("object_gone", row["source"])


def test_a_failed_run_is_taken_in_again_without_the_file_that_fails_it(platform: Platform) -> None:
    lines = [f"709{n:03},C001,P1,none,5.00,2024-03-16,North" for n in range(120)]
    good = sales("7099999,C001,P1,1,2.00,2024-03-16,North")
    announce(platform, {"raw-data/fails.csv": sales(*lines), "raw-data/passes.csv": good})
    failed = ended(platform, "raw-data/passes.csv")
    assert (failed["state"], failed["run_id"]) == ("failed", ended(platform, "raw-data/fails.csv")["run_id"])
    said = command(platform, "scripts.reingest", "--run", failed["run_id"], "--without", "raw-data/fails.csv")
    assert (said.returncode, said.stdout[:9]) == (0, "1 file(s)"), said.stderr
    idle(platform)
    assert ended(platform, "raw-data/passes.csv")["state"] == "succeeded"
    assert number("select sum(daily_revenue) from daily_sales where order_date = '2024-03-16'") == "2.00"
    assert ended(platform, "raw-data/fails.csv")["run_id"] == failed["run_id"]
    unknown = command(platform, "scripts.reingest", "--run", failed["run_id"], "--without", "raw-data/x.csv")
    assert (unknown.returncode, "is no key of a file" in unknown.stderr) == (1, True)


def test_many_arrivals_make_few_runs_and_none_is_lost_while_a_run_is_on(platform: Platform) -> None:
    keys = [
        upload(platform, f"raw-data/many/{n}.csv", sales(f"72{n:03},C001,P1,1,1.00,2024-03-06,North"))
        for n in range(40)
    ]
    states = {ended(platform, key)["state"] for key in keys}
    assert states == {"succeeded"}
    [(runs,)] = platform.rows(
        "select count(distinct run_id) from pipeline_files where key like 'raw-data/many/%%'"
    )
    print(f"{len(keys)} files, {runs} runs")
    assert runs <= len(keys) / 2
    assert number("select sum(daily_revenue) from daily_sales where order_date = '2024-03-06'") == "40.00"


def test_files_that_nobody_announced_are_found_by_a_scan(platform: Platform) -> None:
    with unannounced(platform):
        key = upload(platform, "raw-data/silent.csv", sales("7301,C001,P1,1,5.00,2024-03-07,North"))
    assert run_of(platform, key) is None
    said = command(platform, "scripts.reingest", "--scan")
    assert said.returncode == 0, said.stderr
    assert ended(platform, key)["state"] == "succeeded"
    again = command(platform, "scripts.reingest", "--scan")
    assert again.stdout.startswith("0 file(s)")


def test_corrected_rejects_come_back_to_their_places(platform: Platform, tmp_path: Path) -> None:
    good, bad = "7401,C001,P1,1,5.00,2024-03-08,North", "7402,C001,P1,none,7.00,2024-03-08,North"
    assert ended(platform, upload(platform, "raw-data/half.csv", sales(good, bad)))["state"] == "succeeded"
    [row] = [row for row in quarantined() if "/raw-data/half.csv?" in str(row["source"])]
    file = tmp_path / "corrected.jsonl"
    file.write_text(json.dumps(row | {"quantity": "2"}) + "\n")
    said = command(platform, "scripts.reingest", "--corrected", str(file))
    assert said.returncode == 0, said.stderr
    key = "raw-data/" + said.stdout.split("raw-data/")[1].strip()
    assert ended(platform, key)["state"] == "succeeded"
    assert number("select sum(daily_revenue) from daily_sales where order_date = '2024-03-08'") == "19.00"


def test_a_worker_killed_in_mid_run_is_followed_by_a_second_attempt_with_the_same_tables(
    platform: Platform,
) -> None:
    lines = [f"75{n:06},C001,P1,1,1.00,2024-03-09,North" for n in range(60_000)]
    with settings(platform, STARTERS, ETL_RETRY_DELAY_SECONDS="0"):
        key = upload(platform, "raw-data/killed.csv", sales(*lines))
        wait_until(lambda: killed_in_its_first_attempt(platform, key), bool, "a second attempt", 120)
        run = ended(platform, key)
    assert run["state"] == "succeeded"
    found = number("select sum(daily_revenue) from daily_sales where order_date = '2024-03-09'")
    assert found == "60000.00"


def killed_in_its_first_attempt(platform: Platform, key: str) -> bool:
    """Kills whatever works at the first attempt; True once the failure was counted."""
    run = run_of(platform, key)
    if run is not None and run["attempt"] > 1:
        return True
    if pid := busy_worker(platform, key):
        os.kill(pid, signal.SIGKILL)
    return False


def busy_worker(platform: Platform, key: str) -> int:
    """The process of the small-batch Lambda that has this run's file before it, else 0."""
    run = run_of(platform, key)
    if run is None or run["state"] != "running":
        return 0
    wanted = f"AWS_LAMBDA_FUNCTION_NAME={names.function('etl-small-batch', STAGE)}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in environment and platform.endpoint.encode() in b"\0".join(environment):
            return int(folder.name)
    return 0


def command(platform: Platform, module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command as an operator types it."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=platform.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
