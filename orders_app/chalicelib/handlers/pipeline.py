"""Doors of the data path: arrivals, runs, the crawler, the checks, and what happens when one fails."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate, SQSEvent

from chalicelib import names
from chalicelib.handlers import pipeline_messages, stage
from chalicelib.handlers.doors import traced
from chalicelib.pipeline_bootstrap import pipeline

pipeline_doors = Blueprint(__name__)
_STAGE = stage.current()


@pipeline_doors.on_sqs_message(queue=names.resource("raw-data-queue", _STAGE), batch_size=10, name="record-arrivals")
@traced
def record_arrivals(event: SQSEvent) -> dict[str, Any]:
    refused = pipeline().record_arrivals(pipeline_messages.messages(event.to_dict()))
    return pipeline_messages.answer(refused, pipeline().settings.partial_batch_responses)


@pipeline_doors.schedule(Rate(1, unit=Rate.MINUTES), name="start-etl-run")
@traced
def start_etl_run(event: CloudWatchEvent) -> None:
    pipeline().start_run()
