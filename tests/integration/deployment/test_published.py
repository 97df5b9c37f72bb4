"""A version is published once, and whoever installs it has nothing to bring but an address."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import publish, setup_bucket
from scripts.deployment import etl_code, stacks
from tests.integration.deployment import cloud, repository_api

BUCKET = "orders-code"
REPOSITORY_URL = "AWS_ENDPOINT_URL_SERVERLESSAPPLICATIONREPOSITORY"
PREFIX = "order-platform/1.0.0/"


@pytest.fixture
def session(start: Any) -> Any:
    session = start("engine")
    assert setup_bucket.main(["--stage", "local", "--bucket", BUCKET]) == 0
    return session


def keys(session: Any) -> list[str]:
    pages = session.client("s3").get_paginator("list_object_versions").paginate(Bucket=BUCKET)
    return sorted(f"{one['Key']} {one['VersionId']}" for page in pages for one in page.get("Versions", []))


@pytest.mark.slow
def test_version_is_published_once_and_installs_by_its_defaults(
    session: Any,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    cloud.make_package(cloud.PROD, project, out)
    command = ["--stage", "local", "--bucket", BUCKET, "--version", "1.0.0"]
    with repository_api.served() as repository:
        monkeypatch.setenv(REPOSITORY_URL, repository.url)
        assert publish.main([*command, "--check"]) == 0
        assert repository.applications == {}

        assert publish.main([*command, str(out)]) == 0
        assert list(repository.applications["order-platform"]) == ["1.0.0"]
        before = keys(session)
        for again in ([*command, str(out)], [*command, "--check"]):
            assert publish.main(again) == 1
            assert "version 1.0.0 is published already" in capsys.readouterr().err
        assert keys(session) == before

        assert publish.main([*command[:-1], "1.1.0", str(out)]) == 0
        assert list(repository.applications["order-platform"]) == ["1.0.0", "1.1.0"]

    s3 = session.client("s3")
    published = json.loads(s3.get_object(Bucket=BUCKET, Key=PREFIX + "template.json")["Body"].read())
    asked = {name for name, body in published["Parameters"].items() if "Default" not in body}
    assert asked == {"MailFrom"}
    stacks.Stack("installed", session).apply(published, {"MailFrom": "orders@shop.example"}, BUCKET)

    for name in ("etl-small-batch", "etl-athena-checks"):
        code = session.client("lambda").get_function(FunctionName=f"orders-prod-{name}")["Configuration"]
        archive = "etl-checks" if name == "etl-athena-checks" else name
        (built,) = out.glob(f"{etl_code.FOLDER}/{archive}-*.zip")
        assert code["CodeSize"] == built.stat().st_size
    job = session.client("glue").get_job(JobName="etl-job-prod")["Job"]
    script, package = job["Command"]["ScriptLocation"], job["DefaultArguments"]["--extra-py-files"]
    for location, file in ((script, "job-*.py"), (package, "etl-*.zip")):
        bucket, _, key = location.removeprefix("s3://").partition("/")
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert body in [one.read_bytes() for one in out.glob(f"{etl_code.FOLDER}/{file}")]


def test_malformed_version_is_refused_before_anything_is_packaged(
    session: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with repository_api.served() as repository:
        monkeypatch.setenv(REPOSITORY_URL, repository.url)
        command = ["--stage", "local", "--bucket", BUCKET, "--version", "1.0", "--check"]
        assert publish.main(command) == 1
    assert "'1.0' is not a semantic version" in capsys.readouterr().err
