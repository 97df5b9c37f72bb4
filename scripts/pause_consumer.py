"""Stop a queue's consumer while somebody looks into the queue, and let it go on again.

python -m scripts.pause_consumer order-processing-queue --stage local [--resume] [--dry-run]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib import names
from scripts.deployment import settings
from scripts.deployment.cli import connect, reported
from scripts.deployment.errors import DeploymentError

_SECONDS = 90.0  # AWS takes up to a minute to change a mapping


def plan(session: Any, stage: str, queue: str, enabled: bool) -> list[Mapping[str, Any]]:
    """The queue's event source mappings that are not yet as wanted. DeploymentError: nobody consumes it."""
    sqs, client = session.client("sqs"), session.client("lambda")
    try:
        url = sqs.get_queue_url(QueueName=names.resource(queue, stage))["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist as error:
        raise DeploymentError(f"stage {stage!r} has no queue {queue!r}") from error
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    found = client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    if not found:
        raise DeploymentError(f"queue {queue!r} has no consumer")
    states = ("Enabled", "Enabling") if enabled else ("Disabled", "Disabling")
    return [mapping for mapping in found if mapping["State"] not in states]


def apply(session: Any, changes: Sequence[Mapping[str, Any]], enabled: bool) -> None:
    """Switch the mappings and wait until each has arrived. Raises TimeoutError."""
    client, wanted = session.client("lambda"), "Enabled" if enabled else "Disabled"
    for mapping in changes:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)
    deadline = time.monotonic() + _SECONDS
    for mapping in changes:
        while client.get_event_source_mapping(UUID=mapping["UUID"])["State"] != wanted:
            if time.monotonic() > deadline:
                raise DeploymentError(f"{_function(mapping)} is not {wanted.lower()} after {_SECONDS:.0f} s")
            time.sleep(0.2)


def _function(mapping: Mapping[str, Any]) -> str:
    return str(mapping["FunctionArn"]).rsplit(":function:", 1)[-1]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.pause_consumer", description=__doc__)
    parser.add_argument("queue", help="its name without the stage, such as order-processing-queue")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--resume", action="store_true", help="let the consumer go on")
    parser.add_argument("--dry-run", action="store_true", help="show what would be changed")
    options = parser.parse_args(argv)

    def run() -> int:
        stage = settings.load(options.stage)
        session = connect(stage)
        changes = plan(session, stage.stage, options.queue, options.resume)
        word = "resume" if options.resume else "pause"
        print("\n".join(f"{word} {_function(one)}" for one in changes) or f"nothing to {word}")
        if not options.dry_run:
            apply(session, changes, options.resume)
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
