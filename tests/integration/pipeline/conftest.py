"""The deployed platform for the live tests of the data path: one for the session."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local_cloud.launcher import free_port
from scripts.local_run.stack import LocalStack, Running


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Everything up on this machine; the environment is as it was afterwards."""
    before = dict(os.environ)
    folder: Path = tmp_path_factory.mktemp("platform")
    with LocalStack(folder, engine_port=free_port(), api_port=free_port()) as running:
        yield running
    os.environ.clear()
    os.environ.update(before)
