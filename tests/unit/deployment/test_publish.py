"""Publishing: the metadata are checked, a version that exists is refused, nothing is half done."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from moto import mock_aws

from scripts import publish, setup_bucket
from scripts.deployment import calls, etl_code, repository, settings
from scripts.deployment.errors import DeploymentError
from tests.unit.deployment import stages

BUCKET = "orders-code"
MODEL = botocore.session.get_session().get_service_model("serverlessrepo")


class Repository:
    """The repository in memory; it takes only what the service's own model takes, a page holds one entry."""

    def __init__(self, *versions: str, name: str = "order-platform") -> None:
        self.applications = {"other": ["9.9.9"], **({name: list(versions)} if versions else {})}
        self.made: list[tuple[str, dict[str, Any]]] = []

    def list_applications(self, **arguments: Any) -> dict[str, Any]:
        self._validate("ListApplications", arguments)
        found = [{"Name": name, "ApplicationId": f"arn:{name}"} for name in self.applications]
        return self._page("Applications", found, arguments)

    def list_application_versions(self, **arguments: Any) -> dict[str, Any]:
        self._validate("ListApplicationVersions", arguments)
        versions = self.applications[arguments["ApplicationId"].removeprefix("arn:")]
        return self._page("Versions", [{"SemanticVersion": one} for one in versions], arguments)

    def create_application(self, **arguments: Any) -> None:
        self._make("CreateApplication", arguments)
        self.applications[arguments["Name"]] = [arguments["SemanticVersion"]]

    def create_application_version(self, **arguments: Any) -> None:
        versions = self.applications[arguments["ApplicationId"].removeprefix("arn:")]
        if arguments["SemanticVersion"] in versions:
            raise ClientError({"Error": {"Code": "ConflictException"}}, "CreateApplicationVersion")
        self._make("CreateApplicationVersion", arguments)
        versions.append(arguments["SemanticVersion"])

    def update_application(self, **arguments: Any) -> None:
        self._make("UpdateApplication", arguments)

    def _make(self, operation: str, arguments: dict[str, Any]) -> None:
        self._validate(operation, arguments)
        self.made.append((operation, arguments))

    def _page(self, key: str, found: list[dict[str, str]], arguments: dict[str, Any]) -> dict[str, Any]:
        start = int(arguments.get("NextToken", 0))
        more = {"NextToken": str(start + 1)} if start + 1 < len(found) else {}
        return {key: found[start : start + 1], **more}

    def _validate(self, operation: str, arguments: dict[str, Any]) -> None:
        report = ParamValidator().validate(arguments, MODEL.operation_model(operation).input_shape)
        assert not report.has_errors(), report.generate_report()


class Session:
    """moto's S3, and the repository, which moto does not know."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._session = boto3.Session("test", "test", region_name="us-east-1")

    def client(self, service_name: str, **arguments: Any) -> Any:
        if service_name == "serverlessrepo":
            return self.repository
        return self._session.client(service_name)


@pytest.fixture(autouse=True)
def in_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A package with a layer, as `make package LAYER=1` leaves it."""
    keys = {name: {"Default": "etl/code-1.zip"} for name in etl_code.KEYS.values()}
    template = {
        "Metadata": {repository.METADATA: repository.metadata()},
        "Parameters": {"EtlCodeBucket": {"Type": "String"}, **keys},
        "Resources": {
            "ApiHandler": {"Properties": {"CodeUri": "./deployment.zip"}},
            "ManagedLayer": {"Properties": {"ContentUri": "./layer-deployment.zip"}},
            "Queue": {"Type": "AWS::SQS::Queue"},
        },
    }
    (tmp_path / "sam.json").write_text(json.dumps(template))
    (tmp_path / "deployment.zip").write_bytes(b"app")
    (tmp_path / "layer-deployment.zip").write_bytes(b"packages")
    (tmp_path / "etl").mkdir()
    (tmp_path / "etl" / "code-1.zip").write_bytes(b"etl")
    return tmp_path


def published(session: Session, out: Path, version: str) -> Repository:
    publish.apply(publish.plan(session, out, version, BUCKET), session)
    return session.repository


def keys(session: Session) -> set[str]:
    listed = session.client("s3").list_objects_v2(Bucket=BUCKET)
    return {one["Key"] for one in listed.get("Contents", [])}


def test_first_version_creates_the_application_with_license_and_readme(out: Path) -> None:
    session = Session(Repository())
    [(operation, said)] = published(session, out, "1.0.0").made
    assert operation == "CreateApplication"
    where = f"s3://{BUCKET}/order-platform/1.0.0"
    assert said["LicenseUrl"] == f"{where}/LICENSE"
    assert said["ReadmeUrl"] == f"{where}/README.md"
    assert said["TemplateUrl"] == f"{where}/template.json"
    names = {"template.json", "README.md", "LICENSE", "deployment.zip", "layer-deployment.zip"} | {
        "etl/code-1.zip"
    }
    assert keys(session) == {f"order-platform/1.0.0/{name}" for name in names}


def test_published_template_takes_its_code_from_the_bucket(out: Path) -> None:
    session = Session(Repository())
    published(session, out, "1.0.0")
    stored = session.client("s3").get_object(Bucket=BUCKET, Key="order-platform/1.0.0/template.json")
    template = json.loads(stored["Body"].read())
    where = f"s3://{BUCKET}/order-platform/1.0.0"
    assert template["Resources"]["ApiHandler"]["Properties"]["CodeUri"] == f"{where}/deployment.zip"
    assert (
        template["Resources"]["ManagedLayer"]["Properties"]["ContentUri"] == f"{where}/layer-deployment.zip"
    )
    assert template["Metadata"][repository.METADATA]["SemanticVersion"] == "1.0.0"
    assert template["Parameters"]["EtlCodeBucket"]["Default"] == BUCKET
    assert {template["Parameters"][name]["Default"] for name in etl_code.KEYS.values()} == {
        "order-platform/1.0.0/etl/code-1.zip"
    }


def test_next_version_joins_the_application(out: Path) -> None:
    made = published(Session(Repository("1.0.0")), out, "1.1.0").made
    assert [operation for operation, _ in made] == ["CreateApplicationVersion", "UpdateApplication"]
    assert made[0][1]["ApplicationId"] == "arn:order-platform"


def test_version_that_exists_is_refused_and_nothing_uploaded(out: Path) -> None:
    session = Session(Repository("1.0.0", "1.1.0", "1.2.0"))  # not on the first page
    with pytest.raises(DeploymentError, match=r"1\.2\.0 is published already"):
        publish.plan(session, out, "1.2.0", BUCKET)
    assert session.repository.made == []
    assert keys(session) == set()


def test_of_two_that_publish_at_once_the_second_is_refused(out: Path) -> None:
    session = Session(Repository("1.0.0"))
    first, second = (publish.plan(session, out, "1.1.0", BUCKET) for _ in range(2))
    publish.apply(first, session)
    with pytest.raises(DeploymentError, match="meanwhile"):
        publish.apply(second, session)


@pytest.mark.parametrize(
    "version", ["1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "latest"]
)
def test_version_must_be_semantic(out: Path, version: str) -> None:
    with pytest.raises(DeploymentError, match="not a semantic version"):
        publish.plan(Session(Repository()), out, version, BUCKET)


@pytest.mark.parametrize("version", ["0.0.1", "1.0.0", "1.0.0-rc.1", "1.0.0+build.01", "10.20.30-0a"])
def test_semantic_versions_are_taken(version: str) -> None:
    template = {"Metadata": {repository.METADATA: repository.metadata()}}
    assert repository.problems(template, version, settings.ROOT) == []


def test_everything_that_is_wrong_with_the_metadata_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(" \n")
    wrong = {**repository.metadata(), "Author": "Not Lower", "Description": "", "Labels": ["with space"]}
    found = repository.problems({"Metadata": {repository.METADATA: wrong}}, "1.0.0", tmp_path)
    said = "; ".join(found)
    for part in ("Author", "Description", "Labels", "LICENSE", "README.md"):
        assert part in said


def test_template_without_metadata_is_refused(tmp_path: Path) -> None:
    (found,) = repository.problems({"Resources": {}}, "1.0.0", tmp_path)
    assert "make package" in found


def test_package_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="make package"):
        publish.plan(Session(Repository()), tmp_path, "1.0.0", BUCKET)


def test_archive_that_was_not_packaged_is_missed(out: Path) -> None:
    (out / "layer-deployment.zip").unlink()
    with pytest.raises(DeploymentError, match="ManagedLayer"):
        publish.plan(Session(Repository()), out, "1.0.0", BUCKET)


def test_etl_code_that_was_not_packaged_is_missed(out: Path) -> None:
    (out / "etl" / "code-1.zip").unlink()
    with pytest.raises(DeploymentError, match=r"EtlJobCodeKey is 'etl/code-1\.zip'"):
        publish.plan(Session(Repository()), out, "1.0.0", BUCKET)


def test_bucket_is_private_and_readable_by_the_repository_and_made_once() -> None:
    session, stage = Session(Repository()), stages.stage(region="us-east-1")
    s3 = session.client("s3")
    calls.apply(setup_bucket.plan(stage, "fresh", session), session)
    assert setup_bucket.plan(stage, "fresh", session) == []
    assert all(s3.get_public_access_block(Bucket="fresh")["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket="fresh")["Status"] == "Enabled"
    statements = json.loads(s3.get_bucket_policy(Bucket="fresh")["Policy"])["Statement"]
    reader = next(one for one in statements if one["Sid"] == "RepositoryReads")
    assert reader["Principal"] == {"Service": "serverlessrepo.amazonaws.com"}
    assert reader["Condition"] == {"StringEquals": {"aws:SourceAccount": stage.account}}
    assert any(one["Effect"] == "Deny" for one in statements)
