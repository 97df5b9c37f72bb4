"""A bucket and a database of its own for each lake test; awswrangler finds the engine by its environment."""

from collections.abc import Iterator

import pytest

from tests.contract.cloud import Cloud
from tests.contract.lake.lake import Lake


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """awswrangler 3.17 calls pandas in a way that pandas 3.1 deprecates; that is not ours to fix."""
    for item in items:
        if "contract/lake" in str(item.path):
            item.add_marker(pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"))


@pytest.fixture(scope="session", autouse=True)
def _environment(endpoint: str | None) -> Iterator[None]:
    """Plain clients, those of awswrangler too, talk to the engine; with a real account nothing is set."""
    with pytest.MonkeyPatch.context() as patch:
        if endpoint:
            patch.setenv("AWS_ENDPOINT_URL", endpoint)
            patch.setenv("AWS_ACCESS_KEY_ID", "test")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
            patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


@pytest.fixture
def lake(cloud: Cloud) -> Lake:
    return Lake(cloud)


@pytest.fixture(scope="module")
def shared_lake(endpoint: str | None) -> Iterator[Lake]:
    """One lake for all tests of a module that only read."""
    cloud = Cloud(endpoint)
    yield Lake(cloud)
    cloud.clean()
