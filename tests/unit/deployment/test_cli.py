"""Commands on stage `local` find the engine of the local run wherever it listens, and never AWS."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from scripts.deployment import settings
from scripts.deployment.cli import DEFAULT_ENDPOINT, connect, environment, reported


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORDERS_LOCAL_DIR", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")  # so that it is put back afterwards
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    return tmp_path


def endpoint() -> str:
    return str(connect(settings.local()).client("sqs").meta.endpoint_url)


def test_the_local_run_says_where_its_engine_is(folder: Path) -> None:
    (folder / "run.json").write_text(json.dumps({"endpoint": "http://127.0.0.1:4577"}))
    assert environment(settings.local())["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4577"
    assert endpoint() == "http://127.0.0.1:4577"


def test_without_a_local_run_the_usual_address_is_asked(folder: Path) -> None:
    assert endpoint() == DEFAULT_ENDPOINT


def test_an_endpoint_of_the_environment_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "run.json").write_text(json.dumps({"endpoint": "http://127.0.0.1:4577"}))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4588")
    assert endpoint() == "http://127.0.0.1:4588"


def test_a_command_without_a_local_run_says_what_to_start(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> int:
        raise EndpointConnectionError(endpoint_url=endpoint())

    assert reported(refused) == 1
    assert "is `make run` up?" in capsys.readouterr().err
