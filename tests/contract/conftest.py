"""The cloud that the contract tests talk to: our engine, or with CONTRACT_AGAINST_AWS=1 a real account."""

import os
from collections.abc import Iterator

import pytest

from scripts.local_cloud.launcher import Engine
from tests.contract.cloud import Cloud

AGAINST_AWS = os.environ.get("CONTRACT_AGAINST_AWS") == "1"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine | None]:
    """One engine for the whole session; None against a real account."""
    if AGAINST_AWS:
        yield None
        return
    with Engine(tmp_path_factory.mktemp("engine"), enforce_iam=True) as engine:
        yield engine


@pytest.fixture(scope="session")
def endpoint(engine: Engine | None) -> str | None:
    return engine.endpoint if engine else None


@pytest.fixture
def cloud(endpoint: str | None) -> Iterator[Cloud]:
    """Fresh names for one test; what it made is deleted again."""
    cloud = Cloud(endpoint)
    yield cloud
    cloud.clean()
