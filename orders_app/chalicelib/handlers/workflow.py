"""Tasks of the two state machines: each gets ids, calls one service and answers an outcome with ids."""

from collections.abc import Mapping
from typing import Any

from chalice import Blueprint

from chalicelib.domain.commands import ClaimOrder, OrderTask
from chalicelib.handlers.doors import services, traced

workflow_tasks = Blueprint(__name__)

Input = Mapping[str, Any]


@workflow_tasks.lambda_function(name="claim-order")
@traced
def claim_order(task: Input, context: object) -> Mapping[str, Any]:
    return services().claim_order(ClaimOrder.from_input(task))


@workflow_tasks.lambda_function(name="validate-payment")
@traced
def validate_payment(task: Input, context: object) -> Mapping[str, Any]:
    return services().validate_payment(OrderTask.from_input(task))


@workflow_tasks.lambda_function(name="check-inventory")
@traced
def check_inventory(task: Input, context: object) -> Mapping[str, Any]:
    return services().check_inventory(OrderTask.from_input(task))


@workflow_tasks.lambda_function(name="process-order")
@traced
def process_order(task: Input, context: object) -> Mapping[str, Any]:
    return services().process_order(OrderTask.from_input(task))


@workflow_tasks.lambda_function(name="send-notification")
@traced
def send_notification(task: Input, context: object) -> Mapping[str, Any]:
    return services().send_notification(OrderTask.from_input(task))


@workflow_tasks.lambda_function(name="compensate-order")
@traced
def compensate_order(task: Input, context: object) -> Mapping[str, Any]:
    return services().compensate_order(OrderTask.from_input(task))


@workflow_tasks.lambda_function(name="record-compensation-failure")
@traced
def record_compensation_failure(task: Input, context: object) -> Mapping[str, Any]:
    return services().record_compensation_failure(OrderTask.from_input(task))


@workflow_tasks.lambda_function(name="begin-cancellation")
@traced
def begin_cancellation(task: Input, context: object) -> Mapping[str, Any]:
    return services().begin_cancellation(ClaimOrder.from_input(task))


@workflow_tasks.lambda_function(name="settle-cancellation")
@traced
def settle_cancellation(task: Input, context: object) -> Mapping[str, Any]:
    return services().settle_cancellation(OrderTask.from_input(task))
