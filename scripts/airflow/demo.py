"""`make airflow-demo`: the platform up, its own starter still, and Airflow runs the ETL of two files."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import boto3
import psycopg

from chalicelib import names
from scripts.airflow.installed import Airflow, AirflowError
from scripts.deployment.errors import DeploymentError
from scripts.local_cloud.launcher import EngineError
from scripts.local_run.lake_story import DAILY_SALES, LAKE, SAMPLES, STAGE, engines, query, show
from scripts.local_run.progress import complain, say, step
from scripts.local_run.stack import LocalRunError, LocalStack, Running

DAG = "etl_pipeline"
FILES = {"sales_data.csv": "sales", "customer_data.csv": "customers"}
TASKS = ("prepare_run", "run_job", "crawl_tables", "query_tables", "check_run", "notify", "are_passed")
SUCCEEDED = {**dict.fromkeys(TASKS, "success"), "fail_run": "skipped"}
FAILED = {
    **dict.fromkeys(TASKS, "upstream_failed"),
    "prepare_run": "success",
    "run_job": "failed",
    "fail_run": "success",
}
PENDING = (
    "insert into pipeline_files (bucket, key, version_id, etag, size, sequencer, kind, object_time,"
    " recorded_at) values (%s, %s, %s, %s, %s, '', %s, now(), now())"
)


def demonstrate(running: Running, python: Path, failing: bool = False) -> bool:
    """Whether every task of the DAG run ended as it should; `failing` records a file that is not there."""
    airflow = Airflow(python, running.folder / "airflow", running.endpoint)
    with step("Preparing Airflow: MWAA's layout, sqlite"):
        airflow.prepare()
    with step("Uploading two files that wait for Airflow"):
        still_the_starter()
        upload(running, "no-such-version" if failing else None)
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    with step(f"airflow dags test {DAG}"):
        done = airflow.test(DAG, moment)
    states = airflow.states(DAG, moment)
    show("The tasks", [{"task": one["task_id"], "state": one["state"]} for one in states])
    if {one["task_id"]: one["state"] for one in states} != (FAILED if failing else SUCCEEDED):
        complain((done.stdout + done.stderr)[-4000:])
        return False
    if failing:
        show("Mails to the operators", mails(running))
        return True
    show("Daily sales, as Athena gives them", query(DAILY_SALES))
    say(f"\nThe Glue job ran on: {', '.join(engines())}")
    return True


def mails(running: Running) -> list[dict[str, str | None]]:
    """What the topics sent to the operators' address; alarms that are well say OK first of all."""
    lines = (running.folder / "engine" / "sns-mail.jsonl").read_text().splitlines()
    sent = [json.loads(line) for line in lines]
    return [
        {"topic": one["topic"].rsplit(":", 1)[-1], "subject": one["subject"]}
        for one in sent
        if not one["subject"].startswith("OK: ")
    ]


def still_the_starter() -> None:
    """Only one orchestrator at a time: arrivals and the schedule start no runs while Airflow does."""
    client = boto3.client("lambda")
    record = names.function("record-arrivals", STAGE)
    for mapping in client.list_event_source_mappings(FunctionName=record)["EventSourceMappings"]:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    events = boto3.client("events")
    start = boto3.client("lambda").get_function(FunctionName=names.function("start-etl-run", STAGE))
    arn = start["Configuration"]["FunctionArn"]
    for rule in events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]:
        events.disable_rule(Name=rule)


def upload(running: Running, version: str | None = None) -> None:
    """Two files in raw-data/, recorded as `record-arrivals` would."""
    s3 = boto3.client("s3")
    with psycopg.connect(running.database_url) as connection:
        for name, kind in FILES.items():
            key, body = f"raw-data/{name}", (SAMPLES / name).read_bytes()
            put = s3.put_object(Bucket=LAKE, Key=key, Body=body)
            etag = put["ETag"].strip('"')
            connection.execute(
                PENDING, (LAKE, key, version or put.get("VersionId", ""), etag, len(body), kind)
            )


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.airflow.demo", description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="of the environment that has Airflow")
    parser.add_argument("--failing", action="store_true", help="show what a job that fails twice leaves")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        say("The order platform, with Airflow as its orchestrator of the ETL:")
        with LocalStack(etl_engine="spark") as running:
            return 0 if demonstrate(running, options.python.absolute(), options.failing) else 1
    except KeyboardInterrupt:
        return 130
    except (LocalRunError, DeploymentError, EngineError, AirflowError, TimeoutError) as error:
        complain(f"\nerror: {error}")
        return 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
