"""Doors of the messages: publish, store and drain, alarms made typed messages, and the operator's list."""

from collections.abc import Mapping
from typing import Any

from chalice import Blueprint, Response
from chalice.app import SNSEvent

from chalicelib import names
from chalicelib.handlers import message_requests, pipeline_messages, stage
from chalicelib.handlers.authorizer import protected
from chalicelib.handlers.doors import traced
from chalicelib.handlers.http import OPS, Call, door, ok
from chalicelib.messages_bootstrap import messages

messages_doors = Blueprint(__name__)
_STAGE = stage.current()


@messages_doors.route("/messages", methods=["GET"], authorizer=protected)
@door(OPS)
def list_messages(call: Call) -> Response:
    return ok(call.services.list_messages(message_requests.list_messages(call)))


@messages_doors.lambda_function(name="publish-messages")
@traced
def publish_messages(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return messages().publish(event)


@messages_doors.lambda_function(name="process-messages")
@traced
def process_messages(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """A batch of the event source mappings, which the bindings stack makes, or a task of the workflow."""
    if "Records" not in event:
        return messages().drain(message_requests.drain_task(event))
    failed = messages().process(message_requests.received(event))
    return pipeline_messages.answer(failed, messages().settings.partial_batch_responses)


@messages_doors.on_sns_message(topic=names.resource("operational-alerts", _STAGE), name="route-alarms")
@traced
def route_alarms(event: SNSEvent) -> None:
    messages().route_alarms(message_requests.notices(event.to_dict()))
