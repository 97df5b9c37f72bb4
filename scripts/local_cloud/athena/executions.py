"""Athena's query executions: started, watched, stopped, and their results read page by page."""

import contextvars
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

import duckdb

from scripts.local_cloud.athena import results, statements, workgroups
from scripts.local_cloud.athena.engine import Outcome, open_session
from scripts.local_cloud.athena.errors import QueryError
from scripts.local_cloud.glue_protocol import Response, ServiceError, refusal, reply

# A caller that looks at once finds a short query done, and need not wait out its polling interval.
_INLINE_SECONDS = 1.5
_STATE = "_local"


class Execution:
    """The engine's record of one query, with what we need to run and to stop it."""

    def __init__(self, record: dict[str, Any], statement: statements.Statement) -> None:
        self.record = record
        self.statement = statement
        self.outcome = Outcome()
        self.connection: duckdb.DuckDBPyConnection | None = None
        self.lock = threading.Lock()
        self.done = threading.Event()

    @property
    def state(self) -> str:
        return str(self.record["Status"]["State"])

    def enter(self, state: str, error: QueryError | None = None) -> bool:
        """Move on unless the query has ended."""
        with self.lock:
            if self.state in {"SUCCEEDED", "FAILED", "CANCELLED"}:
                return False
            status = self.record["Status"]
            status["State"] = state
            if error is not None:
                status["StateChangeReason"] = error.reason
                status["AthenaError"] = {
                    "ErrorCategory": error.category,
                    "ErrorType": error.type,
                    "Retryable": False,
                    "ErrorMessage": error.reason,
                }
            if state not in {"QUEUED", "RUNNING"}:
                status["CompletionDateTime"] = round(time.time(), 3)
            return True


def start(request: Mapping[str, Any]) -> Response:
    """StartQueryExecution."""
    from ministack.services import athena

    workgroup = _workgroup(request.get("WorkGroup") or "primary")
    if (known := _same_token(request)) is not None:
        return reply({"QueryExecutionId": known})
    output = _output_location(request, workgroup)
    try:
        statement = statements.understand(
            request.get("QueryString") or "", request.get("ExecutionParameters") or [], workgroup["Name"]
        )
    except QueryError as error:
        return refusal(
            ServiceError("InvalidRequestException", error.detail), AthenaErrorCode="MALFORMED_QUERY"
        )
    execution = Execution(_record(request, workgroup, output, statement), statement)
    athena._executions[execution.record["QueryExecutionId"]] = execution.record
    execution.record[_STATE] = execution
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_run, execution), name="athena-query", daemon=True).start()
    execution.done.wait(_INLINE_SECONDS)
    return reply({"QueryExecutionId": execution.record["QueryExecutionId"]})


def _workgroup(name: str) -> dict[str, Any]:
    found = workgroups.find(name)
    if found.get("State") == "DISABLED":
        raise ServiceError("InvalidRequestException", f"WorkGroup {name} is disabled.")
    return found


def _same_token(request: Mapping[str, Any]) -> str | None:
    from ministack.services import athena

    token = request.get("ClientRequestToken")
    found = [key for key, item in athena._executions.items() if token and item.get("_token") == token]
    return found[0] if found else None


def _output_location(request: Mapping[str, Any], workgroup: Mapping[str, Any]) -> str:
    """The caller's location, unless the workgroup enforces its own."""
    configuration = workgroups.configuration(workgroup)
    ours = configuration["ResultConfiguration"].get("OutputLocation")
    theirs = (request.get("ResultConfiguration") or {}).get("OutputLocation")
    location = (ours or theirs) if configuration["EnforceWorkGroupConfiguration"] else (theirs or ours)
    if not location:
        raise ServiceError(
            "InvalidRequestException",
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input.",
        )
    return str(location).rstrip("/") + "/"


def _record(
    request: Mapping[str, Any], workgroup: Mapping[str, Any], output: str, statement: statements.Statement
) -> dict[str, Any]:
    from ministack.core.responses import new_uuid

    query_id = new_uuid()
    context = request.get("QueryExecutionContext") or {}
    return {
        "QueryExecutionId": query_id,
        "Query": request["QueryString"],
        "StatementType": statement.kind,
        "SubstatementType": statement.verb,
        "ResultConfiguration": {"OutputLocation": f"{output}{statement.result_name(query_id)}"},
        "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
        "QueryExecutionContext": {
            "Database": (context.get("Database") or "default").strip("`"),  # as awswrangler quotes it
            "Catalog": (context.get("Catalog") or "awsdatacatalog").lower(),
        },
        "Status": {"State": "QUEUED", "SubmissionDateTime": round(time.time(), 3)},
        "Statistics": {"DataScannedInBytes": 0},
        "WorkGroup": workgroup["Name"],
        "EngineVersion": {
            "SelectedEngineVersion": "AUTO",
            "EffectiveEngineVersion": "Athena engine version 3",
        },
        **(
            {"ExecutionParameters": request["ExecutionParameters"]}
            if request.get("ExecutionParameters")
            else {}
        ),
        "_token": request.get("ClientRequestToken"),
        "_output": output,
    }


def _run(execution: Execution) -> None:
    began = time.perf_counter()
    try:
        if execution.enter("RUNNING"):
            _execute(execution)
            _statistics(execution, began)
            execution.enter("SUCCEEDED")
    except QueryError as error:
        _statistics(execution, began)
        execution.enter("FAILED", error)
    except Exception as error:
        _statistics(execution, began)
        execution.enter("FAILED", QueryError("GENERIC_INTERNAL_ERROR", f"{type(error).__name__}: {error}"))
    finally:
        execution.done.set()


def _execute(execution: Execution) -> None:
    record, statement = execution.record, execution.statement

    def remember(connection: duckdb.DuckDBPyConnection) -> None:
        execution.connection = connection

    with open_session(record["QueryExecutionContext"]["Database"], remember) as session:
        place = statements.Place(record["QueryExecutionId"], record["_output"])
        execution.outcome = statement.run(session, place)
        execution.outcome.scanned_bytes = session.scanned_bytes
        execution.outcome.partitions_read = session.partitions_read
        execution.connection = None
    location = record["ResultConfiguration"]["OutputLocation"]
    if execution.outcome.files is not None:
        manifest = f"{record['_output']}{statement.manifest_name(record['QueryExecutionId'])}"
        results.write_manifest(manifest, execution.outcome.files)
        record["Statistics"]["DataManifestLocation"] = manifest
    elif statement.kind == "DML":
        results.write_rows(location, execution.outcome)
    else:
        results.write_text(location, execution.outcome)


def _statistics(execution: Execution, began: float) -> None:
    spent = int((time.perf_counter() - began) * 1000)
    execution.record["Statistics"].update(
        EngineExecutionTimeInMillis=spent,
        DataScannedInBytes=execution.outcome.scanned_bytes,
        TotalExecutionTimeInMillis=spent,
        QueryQueueTimeInMillis=0,
        ServiceProcessingTimeInMillis=0,
        ResultReuseInformation={"ReusedPreviousResult": False},
    )


def stop(request: Mapping[str, Any]) -> Response:
    """StopQueryExecution: a finished query stays what it is."""
    execution = _find(request)
    if execution.enter("CANCELLED", QueryError("GENERIC_USER_ERROR", "Query cancelled by user")):
        execution.record["Status"].pop("AthenaError", None)
        execution.record["Status"]["StateChangeReason"] = "Query cancelled by user"
        connection = execution.connection
        if connection is not None:
            connection.interrupt()
    return reply({})


def _find(request: Mapping[str, Any]) -> Execution:
    from ministack.services import athena

    query_id = request.get("QueryExecutionId")
    record = athena._executions.get(query_id)
    if record is None or _STATE not in record:
        raise ServiceError("InvalidRequestException", f"QueryExecution {query_id} was not found")
    found: Execution = record[_STATE]
    return found


def get_results(request: Mapping[str, Any]) -> Response:
    """GetQueryResults: the first row of a DML result is its header."""
    execution = _find(request)
    status = execution.record["Status"]
    if execution.state != "SUCCEEDED":
        final = execution.state in {"FAILED", "CANCELLED"}
        reason = f"Query did not finish successfully. Final query state: {execution.state}"
        message = reason if final else f"Query has not yet finished. Current state: {status['State']}"
        raise ServiceError("InvalidRequestException", message)
    outcome, dml = execution.outcome, execution.statement.kind == "DML"
    rows = (
        [tuple(name for name, _ in outcome.columns), *outcome.rows]
        if dml and outcome.columns
        else outcome.rows
    )
    limit = int(request.get("MaxResults") or 1000)
    if not 1 <= limit <= 1000:
        raise ServiceError("InvalidRequestException", "MaxResults is more than maximum allowed length 1000.")
    first = _offset(request.get("NextToken"))
    answer = {
        "UpdateCount": outcome.update_count,
        "ResultSet": {
            "Rows": [_datum_row(row) for row in rows[first : first + limit]],
            "ResultSetMetadata": {"ColumnInfo": results.column_info(outcome.columns, dml)},
        },
    }
    return reply(answer | ({"NextToken": str(first + limit)} if first + limit < len(rows) else {}))


def _offset(token: Any) -> int:
    if token and not re.fullmatch(r"\d+", str(token)):
        raise ServiceError("InvalidRequestException", "Failed to parse nextToken")
    return int(token or 0)


def _datum_row(row: tuple[str | None, ...]) -> dict[str, Any]:
    return {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]}
