"""A function is called once and waited for as long as it may run."""

import io
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ReadTimeoutError

from scripts.deployment import invocation
from scripts.deployment.errors import DeploymentError
from scripts.deployment.functions import FUNCTIONS
from tests.unit.deployment.stages import stage

ROOT = Path(__file__).resolve().parents[3]


class Recording:
    """A boto3 session whose requests end here; `answers` are raised or answered in turn."""

    def __init__(self, *answers: Any) -> None:
        self.asked: list[Any] = []
        self.config: Any = None
        self._answers = list(answers)

    def client(self, service_name: str, config: Any) -> Any:
        session = botocore.session.Session()
        session.set_credentials("testing", "testing")
        client = session.create_client(service_name, "eu-central-1", config=config)
        client.meta.events.register("before-send.lambda", self._send)
        self.config = client.meta.config
        return client

    def _send(self, request: Any, **_: Any) -> Any:
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_call_waits_longer_than_any_function_may_run() -> None:
    session = Recording(ReadTimeoutError(endpoint_url="lambda"))
    with pytest.raises(ReadTimeoutError):
        invocation.call(session, stage(), "migrate", {})
    assert session.config.read_timeout > max(one.timeout for one in FUNCTIONS.values())


def test_call_that_is_not_answered_is_not_made_again() -> None:
    session = Recording(*[ReadTimeoutError(endpoint_url="lambda")] * 5)
    with pytest.raises(ReadTimeoutError):
        invocation.call(session, stage(), "migrate", {})
    assert len(session.asked) == 1


def test_error_of_the_function_is_said() -> None:
    body = b'{"errorType": "ConfigurationError", "errorMessage": "no such secret"}'
    session = Recording(Answer(200, {"X-Amz-Function-Error": "Unhandled"}, body))
    with pytest.raises(DeploymentError, match="orders-prod-migrate: ConfigurationError: no such secret"):
        invocation.call(session, stage(), "migrate", {})


def test_every_command_that_waits_for_a_function_calls_it_in_this_way() -> None:
    elsewhere = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "scripts").rglob("*.py")
        if ".invoke(" in path.read_text() and path != Path(invocation.__file__)
    ]
    assert sorted(elsewhere) == [
        "scripts/benchmarks/engine.py",  # measures the engine
        "scripts/dead_letters/routes.py",  # asynchronously
        "scripts/local_run/lake_story.py",  # a function of 60 seconds, on the laptop
    ]


class Answer:
    """As much of an HTTP response as botocore reads."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status_code, self.headers, self.content = status, headers, body
        self.raw = io.BytesIO(body)
        self.raw.stream = lambda *_, **__: iter([body])  # type: ignore[attr-defined]
