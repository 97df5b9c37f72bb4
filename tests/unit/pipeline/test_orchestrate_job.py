"""The orchestrator takes the seed's payload, and refuses others aloud."""

import json
from typing import Any

import pytest

from chalicelib.services.pipeline.model import BadPayloadError
from chalicelib.services.pipeline.orchestrate_job import orchestrate_job
from tests.unit.pipeline.builders import s3_record
from tests.unit.pipeline.fakes import FakeClock, FakeEngines

PAYLOAD = {
    "job_name": "etl-job-local",
    "database_name": "order_lake_local",
    "output_path": "s3://lake/processed-data",
}


def ask(payload: object, engines: FakeEngines | None = None) -> dict[str, Any]:
    return orchestrate_job(payload, engines=engines or FakeEngines(), clock=FakeClock())


def test_the_seeds_payload_starts_the_job_and_is_answered_as_the_seed_does() -> None:
    engines = FakeEngines()
    answer = ask(PAYLOAD, engines)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {
        "message": "ETL pipeline initiated successfully",
        "job_name": "etl-job-local",
        "job_run_id": "jr_1",
        "timestamp": "2026-11-20T12:00:00+00:00",
    }
    assert engines.jobs == [
        (
            "etl-job-local",
            {
                "--database_name": "order_lake_local",
                "--table_prefix": "raw_data",
                "--output_path": "s3://lake/processed-data",
            },
        )
    ]


def test_the_status_of_a_job_run_is_told_as_the_seeds_check_job_status_tells_it() -> None:
    engines = FakeEngines()
    told = {
        "status": "SUCCEEDED",
        "started_on": "2026-11-20T12:00:00+00:00",
        "completed_on": "2026-11-20T12:01:00+00:00",
        "execution_time": 60,
        "error_message": None,
    }
    engines.states["jr_1"] = told | {"arguments": {}}
    assert ask({"job_name": "etl-job-local", "job_run_id": "jr_1"}, engines) == told


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({}, "job_name"),
        ({**PAYLOAD, "job_name": " "}, "job_name"),
        ({**PAYLOAD, "database_name": None}, "database_name"),
        ({**PAYLOAD, "output_path": "/tmp/out"}, "output_path"),
        ({"job_name": "etl-job-local", "job_run_id": 7}, "job_run_id"),
        ({"Records": [s3_record()]}, "job_name"),
        ([PAYLOAD], "not a JSON object"),
        (None, "not a JSON object"),
        ("etl-job-local", "not a JSON object but 'etl-job-local'"),
    ],
)
def test_a_payload_that_cannot_be_carried_out_is_an_error_and_starts_nothing(
    payload: object, says: str
) -> None:
    engines = FakeEngines()
    with pytest.raises(BadPayloadError, match=says):
        ask(payload, engines)
    assert engines.jobs == []
