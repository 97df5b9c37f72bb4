"""Step Functions' own integrations with Glue jobs and Athena queries, with and without waiting for the end.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from scripts.local_cloud import seams
from scripts.local_cloud.glue_protocol import Response

Call = Callable[[dict[str, Any]], Response]

_POLL_SECONDS = 0.05
_JOB_ENDED = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR"}
_QUERY_ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}


def install(athena: Mapping[str, Call]) -> None:
    """Add to the engine's table of optimized integrations; `athena` are our query actions by name."""
    from ministack.services import stepfunctions

    table = seams.value_at(stepfunctions, "_SERVICE_DISPATCH", dict)
    seams.value_at(stepfunctions, "_ExecutionError", type)
    table["arn:aws:states:::glue:startJobRun"] = _start_job_run
    table["arn:aws:states:::athena:startQueryExecution"] = lambda resource, given: _start_query(
        athena, resource, given
    )
    for action in ("StopQueryExecution", "GetQueryResults"):
        name = action[0].lower() + action[1:]
        table[f"arn:aws:states:::athena:{name}"] = _passing(athena[action])
    table["arn:aws:states:::athena:getQueryExecution"] = _passing(_get_query)


def _passing(action: Call) -> Callable[[str, dict[str, Any]], Any]:
    return lambda _, given: _ask("Athena", action, given)


def _ask(service: str, action: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    """The action's answer; its error under the name that Retry and Catch match."""
    from ministack.services.stepfunctions import _ExecutionError

    from scripts.local_cloud.glue_protocol import ServiceError

    try:
        status, _, body = action(dict(given))
    except ServiceError as error:
        raise _ExecutionError(f"{service}.{error.code}", str(error)) from error
    answer: dict[str, Any] = json.loads(body or b"{}")
    if status >= 300:
        code = str(answer.get("__type", "InternalServiceException")).rpartition("#")[2]
        raise _ExecutionError(f"{service}.{code}", answer.get("message") or answer.get("Message") or "")
    return answer


def _start_job_run(resource: str, given: dict[str, Any]) -> dict[str, Any]:
    from ministack.services import glue
    from ministack.services.stepfunctions import _ExecutionError

    run_id = _ask("Glue", glue._start_job_run, given)["JobRunId"]
    if ".sync" not in resource:
        return {"JobName": given["JobName"], "JobRunId": run_id}
    while True:
        run = _ask("Glue", glue._get_job_run, {"JobName": given["JobName"], "RunId": run_id})["JobRun"]
        if run["JobRunState"] in _JOB_ENDED and not _tried_again(given["JobName"], run):
            break
        if run["JobRunState"] == "FAILED":
            run_id = f"{run_id.partition('_attempt_')[0]}_attempt_{run['Attempt'] + 1}"
        time.sleep(_POLL_SECONDS)
    shown: dict[str, Any] = _in_milliseconds(run)
    if run["JobRunState"] != "SUCCEEDED":
        raise _ExecutionError("States.TaskFailed", json.dumps(shown))
    return shown


def _tried_again(job_name: str, run: Mapping[str, Any]) -> bool:
    from ministack.services import glue

    retries = int((glue._jobs.get(job_name) or {}).get("MaxRetries") or 0)
    return run["JobRunState"] == "FAILED" and int(run["Attempt"]) < retries


def _start_query(athena: Mapping[str, Call], resource: str, given: dict[str, Any]) -> dict[str, Any]:
    from ministack.services.stepfunctions import _ExecutionError

    started = _ask("Athena", athena["StartQueryExecution"], given)
    if ".sync" not in resource:
        return started
    while True:
        execution = _ask("Athena", _get_query, started)["QueryExecution"]
        if execution["Status"]["State"] in _QUERY_ENDED:
            break
        time.sleep(_POLL_SECONDS)
    shown = {"QueryExecution": _in_milliseconds(execution)}
    if execution["Status"]["State"] != "SUCCEEDED":
        raise _ExecutionError("States.TaskFailed", json.dumps(shown["QueryExecution"]))
    return shown


def _get_query(given: dict[str, Any]) -> Response:
    from ministack.services import athena

    answer: Response = athena._get_query_execution(given)
    return answer


def _in_milliseconds(value: Any) -> Any:
    """Times as Step Functions shows them: whole milliseconds."""
    if isinstance(value, dict):
        return {
            key: round(item * 1000) if key.endswith(("On", "DateTime")) and isinstance(item, int | float) else
            _in_milliseconds(item)
            for key, item in value.items()
        }  # fmt: skip
    return value
