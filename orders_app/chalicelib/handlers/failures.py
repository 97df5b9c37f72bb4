"""What happens when something stopped: a workflow that failed, timed out or was aborted; and migrations."""

from collections.abc import Mapping
from typing import Any

from chalice import Blueprint
from chalice.app import CloudWatchEvent

from chalicelib import logs, names
from chalicelib.handlers import stage
from chalicelib.handlers.doors import services, traced

failures = Blueprint(__name__)

_MACHINES = ("order-processing-workflow", "order-cancellation-workflow")
_STOPPED = {
    "source": ["aws.states"],
    "detail-type": ["Step Functions Execution Status Change"],
    "detail": {
        "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        "stateMachineArn": [
            {"suffix": f":stateMachine:{names.resource(machine, stage.current())}"} for machine in _MACHINES
        ],
    },
}


@failures.on_cw_event(_STOPPED, name="on-workflow-stopped")
@traced
def on_workflow_stopped(event: CloudWatchEvent) -> None:
    logs.info("stopped workflow looked after", status=event.detail["status"],
              remedies=services().resume_or_compensate(event.detail))  # fmt: skip


@failures.lambda_function(name="migrate")
@traced
def migrate(event: Mapping[str, Any], context: object) -> Any:
    """Inside the database's network: migrate, or `rebuildReadModel`, or bring in a `catalogue`."""
    if "catalogue" in event:
        return services().manage_catalogue(event["catalogue"])
    return services().rebuild_read_model() if event.get("rebuildReadModel") else services().migrate()
