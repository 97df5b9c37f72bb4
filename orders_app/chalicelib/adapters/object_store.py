"""Objects of one S3 bucket."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.adapters.clients import client, code_of, translated


@dataclass(frozen=True)
class ListedObject:
    """One object as a listing shows it."""

    key: str
    version_id: str  # "" where the bucket keeps no versions
    etag: str
    size: int
    modified: datetime


class S3ObjectStore:
    """The bucket by its name."""

    def __init__(self, bucket: str, s3: Any = None) -> None:
        self._bucket = bucket
        self._s3 = s3

    def put(self, key: str, body: bytes, content_type: str) -> None:
        with translated("PutObject"):
            self._client().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def get(self, key: str, version_id: str | None = None) -> bytes | None:
        """The object's bytes, or None where there is none."""
        from botocore.exceptions import ClientError

        version = {"VersionId": version_id} if version_id else {}
        try:
            with translated("GetObject"):
                answer = self._client().get_object(Bucket=self._bucket, Key=key, **version)
        except ClientError as fault:
            if code_of(fault) in ("NoSuchKey", "NoSuchVersion", "404"):
                return None
            raise
        body: bytes = answer["Body"].read()
        return body

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """The latest version of every object below a prefix."""
        pages = self._client().get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            for item in page.get("Versions", []):
                if item["IsLatest"]:
                    version = "" if item["VersionId"] == "null" else item["VersionId"]
                    etag = item["ETag"].strip('"')
                    yield ListedObject(item["Key"], version, etag, item["Size"], item["LastModified"])

    def _client(self) -> Any:
        return self._s3 or client("s3")
