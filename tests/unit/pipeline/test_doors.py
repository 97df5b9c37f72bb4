"""Each door of the data path decodes what AWS sends it and calls one service, under its declared trigger."""

import ast
from pathlib import Path
from typing import Any

import pytest

from chalicelib.handlers import pipeline_messages
from chalicelib.handlers.doors import traced
from chalicelib.handlers.pipeline_messages import MessagesRefusedError
from chalicelib.services.pipeline.model import BadPayloadError
from chalicelib.services.pipeline.orchestrate_job import orchestrate_job
from tests.unit.pipeline.builders import s3_record
from tests.unit.pipeline.fakes import FakeClock, FakeEngines

DOORS = Path(pipeline_messages.__file__).with_name("pipeline.py")


def functions() -> list[ast.FunctionDef]:
    return [node for node in ast.parse(DOORS.read_text()).body if isinstance(node, ast.FunctionDef)]


def test_no_door_is_longer_than_eight_lines() -> None:
    lengths = {node.name: len(node.body) for node in functions() if not node.name.startswith("_")}
    assert max(lengths.values()) <= 8, lengths


def test_every_arrow_has_its_door() -> None:
    names = {node.name.replace("_", "-") for node in functions()}
    assert names >= {
        "record-arrivals",
        "start-etl-run",
        "start-crawler",
        "run-athena-checks",
        "handle-job-failure",
        "mail-dead-letters",
        "remind-dead-letters",
        "export-customers",
        "etl-orchestrator",
        "prepare-etl-run",
        "check-etl-run",
        "fail-etl-run",
        "reingest-files",
    }


def test_a_batch_answers_with_the_messages_that_were_refused() -> None:
    assert pipeline_messages.answer(["m1"], partial=True) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert pipeline_messages.answer([], partial=True) == {"batchItemFailures": []}


def test_without_the_flag_a_refused_message_brings_the_batch_back() -> None:
    with pytest.raises(MessagesRefusedError, match="m1"):
        pipeline_messages.answer(["m1"], partial=False)
    assert pipeline_messages.answer([], partial=False) == {"batchItemFailures": []}


@pytest.mark.parametrize("payload", [[1], None, "text"])
def test_a_door_that_is_invoked_with_any_json_value_refuses_it_by_itself(payload: object) -> None:
    @traced
    def door(event: object, context: object) -> object:
        return orchestrate_job(event, engines=FakeEngines(), clock=FakeClock())

    with pytest.raises(BadPayloadError, match="not a JSON object"):
        door(payload, None)


class ChaliceEvent:
    def __init__(self, payload: dict[str, Any]) -> None:
        self._payload = payload

    def to_dict(self) -> dict[str, Any]:
        return self._payload


@pytest.mark.parametrize("wrap", [ChaliceEvent, dict])
def test_the_key_is_read_from_chalices_event_and_from_lambdas_own(wrap: Any) -> None:
    event = {"Records": [s3_record("processed-data/a%2Bb/_published.json")]}
    assert pipeline_messages.object_of(wrap(event)) == ("processed-data/a+b/_published.json", "v1")


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ({"state": "Succeeded", "message": "Crawler Succeeded"}, (True, "Crawler Succeeded")),
        ({"state": "Failed", "errorMessage": "access denied", "message": "x"}, (False, "access denied")),
        ({"state": "Failed"}, (False, "")),
    ],
)
def test_a_crawlers_event_tells_whether_it_succeeded_and_why_not(
    detail: dict[str, str], told: tuple[bool, str]
) -> None:
    assert pipeline_messages.crawl_of(detail) == told
