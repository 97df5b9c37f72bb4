"""An engine for each way of deployment; sessions find it by AWS_ENDPOINT_URL, as an operator's do."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from scripts import package
from scripts.local_cloud.launcher import Engine
from tests.integration.deployment import cloud

Start = Callable[[str], Any]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a fresh engine by name and answers a session on it; the last one started is the one in use."""
    engines: list[Engine] = []

    def begin(name: str) -> Any:
        for engine in engines:
            engine.stop()
        engines.append(Engine(tmp_path / name).start())
        monkeypatch.setenv("AWS_ENDPOINT_URL", engines[-1].endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        return boto3.Session("test", "test", region_name="us-east-1")

    yield begin
    for engine in engines:
        engine.stop()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the app in which Chalice has built its package once."""
    folder = tmp_path_factory.mktemp("built")
    project = cloud.copy_app(folder)
    package.chalice_package(project, "local", folder / "out")
    return project


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A test's own copy of that."""
    return Path(shutil.copytree(built, tmp_path / "app"))
