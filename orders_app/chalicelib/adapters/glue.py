"""What runs the job and reads its tables: the small-batch and checks Lambdas, Glue jobs and crawlers."""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.clients import client, code_of, once_client, translated
from chalicelib.services.pipeline.model import BadPayloadError, EngineBusyError, PipelineError

_BUSY = ("ConcurrentRunsExceededException", "ResourceNumberLimitExceededException")
_UNKNOWN = ("EntityNotFoundException", "InvalidInputException")


class LambdaCallError(PipelineError):
    """A Lambda that was called and failed; the message is its own."""


class AwsEngines:
    """`start_small_batch` is asynchronous: its failure comes back by the function's failure destination."""

    def __init__(self, small_batch: str, glue: Any = None, functions: Any = None) -> None:
        self._small_batch = small_batch
        self._glue = glue
        self._functions = functions

    def start_small_batch(self, payload: Mapping[str, Any]) -> str:
        functions = self._functions or once_client("lambda")
        with translated("Invoke"):
            answer = functions.invoke(
                FunctionName=self._small_batch, InvocationType="Event", Payload=json.dumps(payload).encode()
            )
        request_id: str = answer["ResponseMetadata"].get("RequestId", "")
        return request_id

    def start_job(self, name: str, arguments: Mapping[str, str]) -> str:
        from botocore.exceptions import ClientError

        glue = self._glue or once_client("glue")
        try:
            with translated("StartJobRun"):
                answer = glue.start_job_run(JobName=name, Arguments=dict(arguments))
        except ClientError as fault:
            raise _refusal(fault) from fault
        run_id: str = answer["JobRunId"]
        return run_id

    def job_run(self, name: str, run_id: str) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        glue = self._glue or client("glue")
        try:
            with translated("GetJobRun"):
                run = glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
        except ClientError as fault:
            raise _refusal(fault) from fault
        return {
            "status": run["JobRunState"],
            "started_on": _text(run.get("StartedOn")),
            "completed_on": _text(run.get("CompletedOn")),
            "execution_time": run.get("ExecutionTime"),
            "error_message": run.get("ErrorMessage"),
            "arguments": dict(run.get("Arguments") or {}),
        }


class GlueCrawler:
    """One crawler by its name."""

    def __init__(self, name: str, glue: Any = None) -> None:
        self._name = name
        self._glue = glue

    def start(self) -> bool:
        from botocore.exceptions import ClientError

        glue = self._glue or client("glue")
        try:
            with translated("StartCrawler"):
                glue.start_crawler(Name=self._name)
        except ClientError as fault:
            if code_of(fault) == "CrawlerRunningException":
                return False
            raise
        return True


class LambdaChecker:
    """The checks Lambda, called and waited for."""

    def __init__(self, name: str, functions: Any = None) -> None:
        self._name = name
        self._functions = functions

    def check(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        functions = self._functions or _patient_lambda()
        with translated("Invoke"):
            answer = functions.invoke(FunctionName=self._name, Payload=json.dumps(facts).encode())
        result = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise LambdaCallError(f"{self._name}: {result.get('errorType')}: {result.get('errorMessage')}")
        if not isinstance(result, dict):
            raise LambdaCallError(f"{self._name} answered {result!r}")
        return result


def _patient_lambda() -> Any:
    """Waits as long as the checks may take, and never calls twice by itself."""
    import boto3
    from botocore.config import Config

    patience = Config(connect_timeout=2, read_timeout=290, retries={"total_max_attempts": 1})
    return boto3.client("lambda", config=patience)


def _refusal(fault: Any) -> Exception:
    code, message = code_of(fault), fault.response["Error"].get("Message", "")
    if code in _BUSY:
        return EngineBusyError(f"{code}: {message}")
    if code in _UNKNOWN:
        return BadPayloadError(f"{code}: {message}")
    return PipelineError(f"{code}: {message}")


def _text(moment: Any) -> str | None:
    return moment.isoformat() if moment is not None else None
