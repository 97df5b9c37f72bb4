"""What happens when something stopped: a workflow that failed, timed out or was aborted; and migrations."""

from collections.abc import Mapping
from typing import Any

from chalice import Blueprint
from chalice.app import CloudWatchEvent

from chalicelib.handlers.doors import services, traced

failures = Blueprint(__name__)

# EventBridge cannot match an ARN's end in every partition: the service skips other machines' executions.
_STOPPED = {
    "source": ["aws.states"],
    "detail-type": ["Step Functions Execution Status Change"],
    "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"]},
}


@failures.on_cw_event(_STOPPED, name="on-workflow-stopped")
@traced
def on_workflow_stopped(event: CloudWatchEvent) -> None:
    services().resume_or_compensate(event.detail)


@failures.lambda_function(name="migrate")
@traced
def migrate(event: Mapping[str, Any], context: object) -> Any:
    return services().migrate()
