"""S3 and the Glue catalog of a test, by moto in its process."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from etl import glue, storage
from tests.etl.builders import BUCKET, DATABASE


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of it; the bucket keeps versions, and the database has no table."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        storage.s3_client.cache_clear()
        glue.glue_client.cache_clear()
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        boto3.client("glue").create_database(DatabaseInput={"Name": DATABASE})
        yield client
    storage.s3_client.cache_clear()
    glue.glue_client.cache_clear()


@pytest.fixture
def bucket(s3: Any) -> str:
    return BUCKET
