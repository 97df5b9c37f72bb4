"""Where results go: a local directory or an S3 prefix, behind one protocol. A PUT replaces an object whole.

Every write of the job passes through `put` with the name of its point: the kill tests enumerate them.
"""

import os
import shutil
import uuid
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlparse

from etl.errors import InputError

# Each kind of write that the job makes, in its order; a new one needs a kill test.
POINTS = (
    "quarantine",
    "silver sales",
    "silver customers",
    "commit",
    "daily_sales",
    "customer_metrics",
    "catalog",
    "settle",
    "report",
    "published",
)


class Storage(Protocol):
    """A root of objects. `put` is atomic for readers; `fetch` copies an object to a local path."""

    def url(self, key: str) -> str: ...
    def read(self, key: str) -> bytes | None: ...
    def fetch(self, key: str, directory: Path) -> Path: ...
    def put(self, key: str, content: bytes | Path, point: str) -> None: ...


@dataclass(frozen=True)
class LocalStorage:
    root: Path

    def url(self, key: str) -> str:
        return str(self.root / key)

    def read(self, key: str) -> bytes | None:
        path = self.root / key
        return path.read_bytes() if path.is_file() else None

    def fetch(self, key: str, directory: Path) -> Path:
        return self.root / key

    def put(self, key: str, content: bytes | Path, point: str) -> None:
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            try:
                os.replace(content, target)
                return
            except OSError:  # another file system: copy beside the target, then rename
                pass
        # Readers glob *.parquet and *.json: a half-written file must match neither.
        partial = target.with_name(f"_{target.name}.{uuid.uuid4().hex}.part")
        if isinstance(content, Path):
            shutil.copyfile(content, partial)
        else:
            partial.write_bytes(content)
        os.replace(partial, target)


@dataclass(frozen=True)
class S3Storage:
    bucket: str
    prefix: str

    def url(self, key: str) -> str:
        return f"s3://{self.bucket}/{self._key(key)}"

    def read(self, key: str) -> bytes | None:
        client = s3_client()
        try:
            body: bytes = client.get_object(Bucket=self.bucket, Key=self._key(key))["Body"].read()
        except client.exceptions.NoSuchKey:
            return None
        return body

    def fetch(self, key: str, directory: Path) -> Path:
        """Download once: only immutable objects (of a run's own prefix) are fetched, so a copy stays true."""
        target = directory / self.bucket / self._key(key)
        if not target.is_file():
            download(self.bucket, self._key(key), None, target)
        return target

    def put(self, key: str, content: bytes | Path, point: str) -> None:
        client = s3_client()
        if isinstance(content, Path):
            with content.open("rb") as body:
                client.put_object(Bucket=self.bucket, Key=self._key(key), Body=body)
        else:
            client.put_object(Bucket=self.bucket, Key=self._key(key), Body=content)

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key


def storage_for(url: str) -> Storage:
    """`s3://bucket/prefix` or a local directory."""
    if not url.startswith("s3://"):
        return LocalStorage(Path(url).resolve())
    parts = urlparse(url)
    return S3Storage(parts.netloc, parts.path.strip("/"))


@lru_cache(maxsize=1)
def s3_client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(max_pool_connections=32, retries={"mode": "standard"}))


def download(bucket: str, key: str, version_id: str | None, target: Path) -> Path:
    """One exact version of an object to a local path, complete or not there."""
    from botocore.exceptions import ClientError

    extra = {"VersionId": version_id} if version_id else {}
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
    try:
        body = s3_client().get_object(Bucket=bucket, Key=key, **extra)["Body"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("NoSuchKey", "NoSuchVersion", "404"):
            raise InputError(f"no such object: s3://{bucket}/{key} version {version_id!r}") from error
        raise
    with partial.open("wb") as out:
        for chunk in body.iter_chunks(1 << 20):
            out.write(chunk)
    os.replace(partial, target)
    return target


def read_url(url: str) -> bytes:
    """A small file by its local path or s3:// address."""
    folder, _, name = url.rpartition("/")
    body = storage_for(folder or ".").read(name)
    if body is None:
        raise InputError(f"no such file: {url!r}")
    return body
