"""Asks Step Functions whether the execution that owns an order is still alive."""

from typing import Any

from chalicelib.adapters.clients import client, code_of, translated

_ALIVE = frozenset({"RUNNING", "PENDING_REDRIVE"})
_UNKNOWN = frozenset({"ExecutionDoesNotExist", "InvalidArn"})


class Executions:
    """Executions of the order workflows, by ARN."""

    def __init__(self, stepfunctions: Any = None) -> None:
        self._stepfunctions = stepfunctions

    def is_running(self, execution: str) -> bool:
        """Whether the execution is still at work; one that Step Functions does not know is not."""
        from botocore.exceptions import ClientError

        stepfunctions = self._stepfunctions or client("stepfunctions")
        try:
            with translated("DescribeExecution"):
                return stepfunctions.describe_execution(executionArn=execution)["status"] in _ALIVE
        except ClientError as fault:
            if code_of(fault) in _UNKNOWN:
                return False
            raise
