"""Doors of the data path: arrivals, runs, the crawler, the checks, and what happens when one fails."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Cron, Rate, SNSEvent, SQSEvent

from chalicelib import names
from chalicelib.handlers import pipeline_messages, stage
from chalicelib.handlers.doors import traced
from chalicelib.pipeline_bootstrap import pipeline

Door = Callable[..., Any]
Decorator = Callable[[Door], Door]
pipeline_doors = Blueprint(__name__)
_STAGE = stage.current()
_CRAWLED = {
    "source": ["aws.glue"],
    "detail-type": ["Glue Crawler State Change"],
    "detail": {
        "crawlerName": [names.resource("processed-data-crawler", _STAGE)],
        "state": ["Succeeded", "Failed"],
    },
}


def _on_published(door: Door) -> Door:
    """`on_s3_event`, or for `chalice package`, which cannot do that, a plain function.

    There, and where no bucket is named, the notification and its permission are the template's affair.
    """
    lake = os.environ.get("LAKE_BUCKET")
    if stage.is_packaging() or not lake:
        plain: Decorator = pipeline_doors.lambda_function(name="start-crawler")
        return plain(door)
    events = ["s3:ObjectCreated:*"]
    published = {"prefix": "processed-data/", "suffix": "_published.json"}
    on_event: Decorator = pipeline_doors.on_s3_event(
        bucket=lake, events=events, **published, name="start-crawler"
    )
    return on_event(door)


@pipeline_doors.on_sqs_message(
    queue=names.resource("raw-data-queue", _STAGE),
    batch_size=100,
    maximum_batching_window_in_seconds=1,  # files that come together make one run
    name="record-arrivals",
)
@traced
def record_arrivals(event: SQSEvent) -> dict[str, Any]:
    refused = pipeline().record_arrivals(pipeline_messages.messages(event.to_dict()))
    return pipeline_messages.answer(refused, pipeline().settings.partial_batch_responses)


@pipeline_doors.schedule(Rate(1, unit=Rate.MINUTES), name="start-etl-run")
@traced
def start_etl_run(event: CloudWatchEvent) -> None:
    pipeline().tend_runs()


@_on_published
@traced
def start_crawler(event: Any, context: object = None) -> None:
    pipeline().on_published(*pipeline_messages.object_of(event))


@pipeline_doors.on_cw_event(_CRAWLED, name="run-athena-checks")
@traced
def run_athena_checks(event: CloudWatchEvent) -> None:
    pipeline().on_crawled(*pipeline_messages.crawl_of(event.detail))


@pipeline_doors.on_sqs_message(
    queue=names.resource("job-failures-queue", _STAGE), batch_size=1, name="handle-job-failure"
)
@traced
def handle_job_failure(event: SQSEvent) -> None:
    for record in event:
        pipeline().handle_failure(record.body)


@pipeline_doors.on_sns_message(topic=names.resource("operational-alerts", _STAGE), name="mail-dead-letters")
@traced
def mail_dead_letters(event: SNSEvent) -> None:
    pipeline().mail_alarmed(pipeline_messages.notifications(event.to_dict()))


@pipeline_doors.schedule(Rate(1, unit=Rate.HOURS), name="remind-dead-letters")
@traced
def remind_dead_letters(event: CloudWatchEvent) -> None:
    pipeline().mail_remaining()


@pipeline_doors.schedule(Cron(30, 1, "*", "*", "?", "*"), name="export-customers")
@traced
def export_customers(event: CloudWatchEvent) -> dict[str, int]:
    return pipeline().export_customers()


@pipeline_doors.lambda_function(name="etl-orchestrator")
@traced
def etl_orchestrator(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return pipeline().orchestrate_job(event)


@pipeline_doors.lambda_function(name="prepare-etl-run")
@traced
def prepare_etl_run(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return pipeline().prepare_run(event)


@pipeline_doors.lambda_function(name="check-etl-run")
@traced
def check_etl_run(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return pipeline().check_run(event)


@pipeline_doors.lambda_function(name="fail-etl-run")
@traced
def fail_etl_run(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return pipeline().fail_run(event)


@pipeline_doors.lambda_function(name="reingest-files")
@traced
def reingest_files(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return pipeline().reingest(event)
