"""Operators that say what the Amazon provider's own cannot: nothing to do, locked, a check that failed."""

import json
from typing import Any

from airflow.providers.amazon.aws.operators.athena import AthenaOperator
from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException


class PrepareRunOperator(LambdaInvokeFunctionOperator):  # type: ignore[misc]  # Airflow is not installed here
    """Claims the waiting files; its XCom is {"runId", "manifest"}.

    Another run's lock fails the attempt, so that the task's retries wait for it; no files skip the rest.
    """

    def execute(self, context: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(super().execute(context))
        if answer["outcome"] == "busy":
            raise AirflowException(f"run {answer['runId']!r} holds the lock")
        if answer["outcome"] != "prepared":
            raise AirflowSkipException("no file waits")
        return answer


class AthenaCheckOperator(AthenaOperator):  # type: ignore[misc]  # Airflow is not installed here
    """A query with one row of truths, each column a check; a false one fails the task for good."""

    def execute(self, context: Any) -> dict[str, str]:
        query_id = super().execute(context)
        header, row = self.hook.get_query_results(query_id)["ResultSet"]["Rows"]
        names = [cell["VarCharValue"] for cell in header["Data"]]
        found = dict(zip(names, (cell.get("VarCharValue", "null") for cell in row["Data"]), strict=True))
        failed = [name for name, value in found.items() if value != "true"]
        if failed:
            raise AirflowFailException(f"checks failed: {', '.join(failed)}")
        return found


class CheckRunOperator(LambdaInvokeFunctionOperator):  # type: ignore[misc]  # Airflow is not installed here
    """Has all checks run and the run closed; its XCom is {"outcome", "runId", "failedChecks", "error"}."""

    def execute(self, context: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(super().execute(context))
        return answer
