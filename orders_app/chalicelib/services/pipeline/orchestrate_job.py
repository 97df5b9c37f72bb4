"""The orchestrator's direct payload: starts a Glue job, or says how a job run is doing."""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.services.pipeline.model import BadPayloadError
from chalicelib.services.pipeline.ports import Clock, Engines

TABLE_PREFIX = "raw_data"  # the raw crawler names its tables raw_data_<file>
_STATUS = ("status", "started_on", "completed_on", "execution_time", "error_message")


def orchestrate_job(payload: object, *, engines: Engines, clock: Clock) -> dict[str, Any]:
    """Answers {"statusCode": 200, "body": JSON} for a start, the run's status for {"job_name", "job_run_id"}.

    Raises BadPayloadError for anything else: an answer, whatever its statusCode, would count as success.
    """
    if not isinstance(payload, Mapping):
        raise BadPayloadError(f"the payload is not a JSON object but {payload!r:.200}")
    job_name = _text(payload, "job_name")
    if "job_run_id" in payload:
        run = engines.job_run(job_name, _text(payload, "job_run_id"))
        return {name: run[name] for name in _STATUS}
    database, output = _text(payload, "database_name"), _text(payload, "output_path")
    if not output.startswith("s3://"):
        raise BadPayloadError(f"output_path must be an s3:// address, not {output!r}")
    arguments = {"--database_name": database, "--table_prefix": TABLE_PREFIX, "--output_path": output}
    body = {
        "message": "ETL pipeline initiated successfully",
        "job_name": job_name,
        "job_run_id": engines.start_job(job_name, arguments),
        "timestamp": clock().isoformat(),
    }
    return {"statusCode": 200, "body": json.dumps(body)}


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadPayloadError(f"{name} is required and must be text; the payload has {sorted(payload)!r}")
    return value
