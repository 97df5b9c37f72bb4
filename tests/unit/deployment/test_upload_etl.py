"""The ETL's packages are built, run and layered for one version of Python."""

import pytest

from scripts import package_etl, upload_etl
from scripts.deployment import settings
from tests.unit.deployment.stages import stage


@pytest.mark.parametrize("python", package_etl.LAYER_VERSIONS)
def test_packages_run_on_the_python_that_they_were_built_for(python: str) -> None:
    chosen = upload_etl.runtime(stage(), python)
    layer = f"336392948345:layer:AWSSDKPandas-Python{python.replace('.', '')}:"
    assert chosen["EtlRuntime"] == f"python{python}"
    assert chosen["AwsWranglerLayerArn"].startswith(f"arn:aws:lambda:{stage().region}:{layer}")


def test_own_layer_replaces_that_of_aws() -> None:
    assert upload_etl.runtime(stage(), "3.13", "arn:own")["AwsWranglerLayerArn"] == "arn:own"


def test_local_takes_what_is_installed_here() -> None:
    assert upload_etl.runtime(settings.local(), "3.12").keys() == {"LocalPackages"}
