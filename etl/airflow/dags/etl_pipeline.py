"""The ETL as an Airflow DAG: the same lock, job, crawler, checks and messages as `etl-workflow` has.

Stage and account are configuration options of the environment (`orders.stage`, `orders.account`).
"""

import json
import os
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.amazon.aws.notifications.sns import SnsNotifier
from airflow.providers.amazon.aws.operators.glue import GlueJobOperator
from airflow.providers.amazon.aws.operators.glue_crawler import GlueCrawlerOperator
from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.providers.amazon.aws.operators.sns import SnsPublishOperator
from airflow.sdk import DAG, TriggerRule, chain, task
from airflow.sdk.exceptions import AirflowFailException
from etl_operators import AthenaCheckOperator, CheckRunOperator, PrepareRunOperator

from chalicelib import names

STAGE = os.environ.get("AIRFLOW__ORDERS__STAGE", "local")
ACCOUNT = os.environ.get("AIRFLOW__ORDERS__ACCOUNT", names.LOCAL_ACCOUNT)
REGION = os.environ.get("AWS_DEFAULT_REGION", names.LOCAL_REGION)
POLL = int(os.environ.get("AIRFLOW__ORDERS__POLL_SECONDS", "30"))


def topic(name: str) -> str:
    return f"arn:aws:sns:{REGION}:{ACCOUNT}:{names.resource(name, STAGE)}"


alert = SnsNotifier(
    target_arn=topic("operational-alerts"),
    subject="Airflow: {{ ti.task_id }} failed",
    message=json.dumps(
        {
            "subject": "Airflow: {{ ti.task_id }} failed",
            "dag": "{{ dag.dag_id }}",
            "dagRun": "{{ run_id }}",
            "attempts": "{{ ti.try_number }}",
        }
    ),
    message_attributes={"type": "critical_alert"},
)

with DAG(
    "etl_pipeline",
    description="Waiting files to tables: Glue job, crawler, checks through Athena, notification",
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),  # noqa: UP017  # MWAA's image may be older
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    dagrun_timeout=timedelta(hours=3),
    tags=["orders", "etl"],
    default_args={
        "retries": 3,
        "retry_delay": timedelta(seconds=5),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=1),
        "execution_timeout": timedelta(minutes=6),
        "on_failure_callback": alert,
    },
) as dag:
    prepare_run = PrepareRunOperator(
        task_id="prepare_run",
        function_name=names.function("prepare-etl-run", STAGE),
        payload='{"execution": "airflow:{{ run_id }}"}',  # a second try gets its own run back
        retries=60,  # half an hour for the run that holds the lock
        retry_delay=timedelta(seconds=30),
        retry_exponential_backoff=False,
    )
    run_job = GlueJobOperator(
        task_id="run_job",
        job_name=names.resource("etl-job", STAGE),
        script_args={"--manifest": "{{ ti.xcom_pull(task_ids='prepare_run')['manifest'] }}"},
        job_poll_interval=POLL,
        resume_glue_job_on_retry=True,  # a worker that died comes back to the job that it started
        stop_job_run_on_kill=True,
        execution_timeout=timedelta(minutes=75),
        retries=1,
        retry_delay=timedelta(minutes=1),
    )
    crawl_tables = GlueCrawlerOperator(
        task_id="crawl_tables",
        config={"Name": names.resource("processed-data-crawler", STAGE)},  # no more: it would be updated
        poll_interval=POLL,
        fail_on_already_running=False,
        execution_timeout=timedelta(minutes=30),
    )
    query_tables = AthenaCheckOperator(
        task_id="query_tables",
        query=(
            "select count(*) > 0 as has_rows, min(daily_orders) > 0 as orders_counted,"
            " count(*) = count(daily_revenue) as revenue_known from daily_sales"
        ),
        database=names.glue_database(STAGE),
        workgroup=names.resource("order-analytics", STAGE),
        sleep_time=min(POLL, 5),
        max_polling_attempts=60,
    )
    check_run = CheckRunOperator(
        task_id="check_run",
        function_name=names.function("check-etl-run", STAGE),
        payload="""{"runId": "{{ ti.xcom_pull(task_ids='prepare_run')['runId'] }}"}""",
    )
    notify = SnsPublishOperator(
        task_id="notify",
        target_arn=topic("order-notifications"),
        subject="ETL workflow ended",
        message="{{ ti.xcom_pull(task_ids='check_run') | tojson }}",
        message_attributes={"type": "notification"},
    )
    fail_run = LambdaInvokeFunctionOperator(
        task_id="fail_run",
        function_name=names.function("fail-etl-run", STAGE),
        payload=(
            """{"runId": "{{ ti.xcom_pull(task_ids='prepare_run')['runId'] }}","""
            """ "cause": "DAG run {{ run_id }}: see its failed task"}"""
        ),
        trigger_rule=TriggerRule.ONE_FAILED,
    )

    @task(retries=0, on_failure_callback=[])  # type: ignore[untyped-decorator]  # the checks alert by themselves
    def are_passed(checks: dict[str, Any]) -> None:
        """Ends the DAG run as the checks did."""
        if checks["outcome"] != "succeeded":
            raise AirflowFailException(f"the tables are published, their checks failed: {checks}")

    chain(prepare_run, run_job, crawl_tables, query_tables, check_run, notify)
    chain([run_job, crawl_tables, query_tables, check_run], fail_run)
    are_passed(check_run.output)
