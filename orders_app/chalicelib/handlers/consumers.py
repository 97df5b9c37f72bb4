"""Consumers of order events: the read model, the lake's raw zone, outcome metrics, the rule's processor."""

from collections.abc import Mapping
from typing import Any

from chalice import Blueprint
from chalice.app import SNSEvent, SQSEvent

from chalicelib import names
from chalicelib.handlers import batches, envelopes, stage
from chalicelib.handlers.doors import services, traced

consumers = Blueprint(__name__)
_STAGE = stage.current()


# A list may be a second behind its orders; in exchange a busy queue costs a call for 100 events, not for one.
@consumers.on_sqs_message(queue=names.resource("order-processing-queue", _STAGE), batch_size=100,
                          maximum_batching_window_in_seconds=1, name="update-read-model")  # fmt: skip
@traced
def update_read_model(event: SQSEvent) -> dict[str, Any]:
    work = services().apply_event_to_read_model
    return batches.consume(
        event.to_dict(), work, "update-read-model", services().settings.partial_batch_responses
    )


@consumers.on_sqs_message(queue=names.resource("lake-export-queue", _STAGE), batch_size=100,
                          maximum_batching_window_in_seconds=5, name="export-to-lake")  # fmt: skip
@traced
def export_to_lake(event: SQSEvent) -> dict[str, Any]:
    work = services().export_to_lake
    return batches.consume(
        event.to_dict(), work, "export-to-lake", services().settings.partial_batch_responses
    )


@consumers.on_sns_message(topic=names.resource("order-events", _STAGE), name="on-order-event")
@traced
def on_order_event(event: SNSEvent) -> None:
    for order_event in envelopes.notifications(event.to_dict()):
        services().count_outcome(order_event)


@consumers.lambda_function(name="order-event-processor")
@traced
def order_event_processor(event: Mapping[str, Any], context: object) -> Mapping[str, Any]:
    return services().process_order_event(event.get("detail", event))
