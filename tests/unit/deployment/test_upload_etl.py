"""The ETL's packages are built, run and layered for one version of Python."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from scripts import deploy, package_etl, upload_etl
from scripts.deployment import calls, etl_code, settings
from scripts.deployment.errors import DeploymentError
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


def test_what_is_rehearsed_here_is_packed_of_the_same_modules_as_for_aws(tmp_path: Path) -> None:
    folders = (tmp_path / "here", tmp_path / "aws")
    for folder in folders:
        folder.mkdir()
    upload_etl.built(settings.local(), folders[0], "")
    next(package_etl.build(folders[1], package_etl.RUNNING))
    here, aws = (set(zipfile.ZipFile(folder / "etl.zip").namelist()) for folder in folders)
    assert here == aws
    assert not [name for name in here if "airflow" in name]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.Session("test", "test", region_name="us-east-1")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = [tmp_path / name for name in etl_code.KEYS]
    for file in found:
        file.write_bytes(file.name.encode())
    return found


def test_only_what_has_changed_is_uploaded(session: Any, files: list[Path]) -> None:
    local = settings.local()
    session.client("s3").create_bucket(Bucket="order-lake-local-000000000000")
    planned, chosen = etl_code.plan(local, session, files, {"EtlRuntime": "python3.12"})
    assert len(planned) == len(files) + 1
    calls.apply(planned, session)
    assert etl_code.parameters(local, session) == chosen
    assert etl_code.plan(local, session, files, {"EtlRuntime": "python3.12"})[0] == []

    files[0].write_bytes(b"job, changed")
    (again,) = etl_code.plan(local, session, files, {"EtlRuntime": "python3.12"})[0]
    assert again.arguments["Key"] == "scripts/job.py"


def test_stage_without_its_bucket_is_sent_to_provision(session: Any, files: list[Path]) -> None:
    with pytest.raises(DeploymentError, match="not provisioned"):
        etl_code.plan(settings.local(), session, files, {})


def test_dry_run_of_a_deployment_names_what_it_would_write_and_writes_nothing(
    session: Any, tmp_path: Path
) -> None:
    own = stage(region="us-east-1", reserve_concurrency=False)  # of moto, which knows no quotas
    planned = deploy.plan(own, session, tmp_path)
    assert "write  .chalice/config.json" in planned
    assert planned[-1] == "run    chalice deploy --stage prod"
    assert list(tmp_path.iterdir()) == []
