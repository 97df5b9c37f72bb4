"""Where results go: a local directory or an S3 prefix, behind one protocol. A PUT replaces an object whole.

Every write of the job passes through `put` with the name of its point: the kill tests enumerate them.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlparse

from etl.errors import EtlError, InputError, LakeBusyError, ObjectGoneError

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
    "sweep",
    "report",
    "published",
)


class Storage(Protocol):
    """A root of objects. `put` is atomic for readers; `fetch` copies an object to a local path.

    A tag names what an object holds. `swap` is a put that succeeds only where the object still has the
    expected tag (None: is not there), answers the new one, and raises LakeBusyError elsewhere. `at_once` is
    how many small objects are best put at a time.
    """

    @property
    def at_once(self) -> int: ...
    def url(self, key: str) -> str: ...
    def read(self, key: str) -> bytes | None: ...
    def read_tagged(self, key: str) -> tuple[bytes | None, str | None]: ...
    def tags(self, prefix: str) -> dict[str, str]: ...
    def sizes(self, prefix: str) -> dict[str, int]: ...
    def fetch(self, key: str, directory: Path) -> Path: ...
    def put(self, key: str, content: bytes | Path, point: str) -> None: ...
    def swap(self, key: str, content: bytes | Path, point: str, expected: str | None) -> str: ...
    def modified(self, prefix: str) -> dict[str, datetime]: ...
    def delete(self, keys: Sequence[str], point: str) -> None: ...


@dataclass(frozen=True)
class Guarded:
    """A storage whose every put is a swap against the tags that were listed before the state was read.

    So what was computed of an older state never replaces what a faster run computed of a newer one.
    """

    inner: Storage
    expected: dict[str, str]

    @property
    def at_once(self) -> int:
        return self.inner.at_once

    def url(self, key: str) -> str:
        return self.inner.url(key)

    def read(self, key: str) -> bytes | None:
        return self.inner.read(key)

    def read_tagged(self, key: str) -> tuple[bytes | None, str | None]:
        return self.inner.read_tagged(key)

    def tags(self, prefix: str) -> dict[str, str]:
        return self.inner.tags(prefix)

    def sizes(self, prefix: str) -> dict[str, int]:
        return self.inner.sizes(prefix)

    def fetch(self, key: str, directory: Path) -> Path:
        return self.inner.fetch(key, directory)

    def put(self, key: str, content: bytes | Path, point: str) -> None:
        self.inner.swap(key, content, point, self.expected.get(key))

    def swap(self, key: str, content: bytes | Path, point: str, expected: str | None) -> str:
        return self.inner.swap(key, content, point, expected)

    def modified(self, prefix: str) -> dict[str, datetime]:
        return self.inner.modified(prefix)

    def delete(self, keys: Sequence[str], point: str) -> None:
        self.inner.delete(keys, point)


@dataclass(frozen=True)
class LocalStorage:
    root: Path
    at_once: int = 1  # threads would only pass Python's lock to and fro at each of the kernel's short calls

    def url(self, key: str) -> str:
        return str(self.root / key)

    def read(self, key: str) -> bytes | None:
        path = self.root / key
        return path.read_bytes() if path.is_file() else None

    def read_tagged(self, key: str) -> tuple[bytes | None, str | None]:
        """The tag is taken first: a content newer than its tag only makes a later swap fail."""
        tag = _tag(self.root / key)
        return self.read(key), tag

    def tags(self, prefix: str) -> dict[str, str]:
        files = (path for path in (self.root / prefix).rglob("*") if path.is_file())
        found = {path.relative_to(self.root).as_posix(): _tag(path) for path in files}
        return {key: tag for key, tag in found.items() if tag is not None}

    def modified(self, prefix: str) -> dict[str, datetime]:
        files = [path for path in (self.root / prefix).rglob("*.parquet") if path.is_file()]
        times = (datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in files)
        return dict(zip((path.relative_to(self.root).as_posix() for path in files), times, strict=True))

    def delete(self, keys: Sequence[str], point: str) -> None:
        """With the folders that are empty then."""
        for path in (self.root / key for key in keys):
            path.unlink(missing_ok=True)
            with suppress(OSError):
                for folder in path.parents[:2]:
                    folder.rmdir()

    def sizes(self, prefix: str) -> dict[str, int]:
        files = (path for path in (self.root / prefix).rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.stat().st_size for path in files}

    def fetch(self, key: str, directory: Path) -> Path:
        return self.root / key

    def swap(self, key: str, content: bytes | Path, point: str, expected: str | None) -> str:
        target = f"{self.root}/{key}"
        with _locked(f"{self.root}/_state/.lock"):
            if _tag(target) != expected:
                raise _changed(self.url(key))
            self.put(key, content, point)
            return _tag(target) or ""

    def put(self, key: str, content: bytes | Path, point: str) -> None:
        """Gold is hundreds of small files: one is renamed into its place without a look at its folder."""
        target = f"{self.root}/{key}"
        if isinstance(content, Path):
            with suppress(OSError):
                os.replace(content, target)
                return
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with suppress(OSError):  # another file system: copy beside the target, then rename
                os.replace(content, target)
                return
        folder, _, name = target.rpartition("/")
        # Readers glob *.parquet and *.json: a half-written file must match neither.
        partial = f"{folder}/_{name}.{os.urandom(16).hex()}.part"
        if isinstance(content, Path):
            shutil.copyfile(content, partial)
        else:
            _write(partial, content)
        os.replace(partial, target)


@dataclass(frozen=True)
class S3Storage:
    bucket: str
    prefix: str
    at_once: int = 8

    def url(self, key: str) -> str:
        return f"s3://{self.bucket}/{self._key(key)}"

    def read(self, key: str) -> bytes | None:
        client = s3_client()
        try:
            body: bytes = client.get_object(Bucket=self.bucket, Key=self._key(key))["Body"].read()
        except client.exceptions.NoSuchKey:
            return None
        return body

    def read_tagged(self, key: str) -> tuple[bytes | None, str | None]:
        client = s3_client()
        try:
            found = client.get_object(Bucket=self.bucket, Key=self._key(key))
        except client.exceptions.NoSuchKey:
            return None, None
        return found["Body"].read(), found["ETag"]

    def tags(self, prefix: str) -> dict[str, str]:
        return {key: found["ETag"] for key, found in self._listed(prefix)}

    def _listed(self, prefix: str) -> Iterator[tuple[str, Any]]:
        pages = s3_client().get_paginator("list_objects_v2")
        start = len(self._key(""))
        for page in pages.paginate(Bucket=self.bucket, Prefix=self._key(prefix)):
            for found in page.get("Contents", ()):
                yield found["Key"][start:], found

    def modified(self, prefix: str) -> dict[str, datetime]:
        return {key: found["LastModified"] for key, found in self._listed(prefix)}

    def delete(self, keys: Sequence[str], point: str) -> None:
        """In one request, so of at most 1,000 keys. Raises EtlError for what S3 did not delete.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        """
        objects = [{"Key": self._key(key)} for key in keys]
        answer = s3_client().delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
        if errors := answer.get("Errors"):
            first = f"{errors[0].get('Code')} {errors[0].get('Key')}"
            raise EtlError(f"{len(errors)} of {len(keys)} objects not deleted, such as {first}")

    def sizes(self, prefix: str) -> dict[str, int]:
        return {key: found["Size"] for key, found in self._listed(prefix)}

    def fetch(self, key: str, directory: Path) -> Path:
        """Download once: only immutable objects (of a run's own prefix) are fetched, so a copy stays true."""
        target = directory / self.bucket / self._key(key)
        if not target.is_file():
            download(self.bucket, self._key(key), None, target)
        return target

    def put(self, key: str, content: bytes | Path, point: str) -> None:
        self._put(key, content)

    def swap(self, key: str, content: bytes | Path, point: str, expected: str | None) -> str:
        """A conditional write; an answer that was lost counts as a conflict, and doing it again is harmless.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        from botocore.exceptions import ClientError

        condition = {"IfMatch": expected} if expected else {"IfNoneMatch": "*"}
        try:
            return self._put(key, content, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _CONFLICTS:
                raise _changed(self.url(key)) from error
            raise

    def _put(self, key: str, content: bytes | Path, **condition: str) -> str:
        where = {"Bucket": self.bucket, "Key": self._key(key), **condition}
        if isinstance(content, Path):
            with content.open("rb") as body:
                return str(s3_client().put_object(**where, Body=body)["ETag"])
        return str(s3_client().put_object(**where, Body=content)["ETag"])

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key


# 412, 409 for a write at the same time, 404 where the expected object is gone.
_CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409", "404")


def _changed(url: str) -> LakeBusyError:
    return LakeBusyError(f"another run changed {url} meanwhile")


def _tag(path: Path | str) -> str | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"


def _write(path: str, content: bytes) -> None:
    """A new file; its folder is made only where it turns out to be missing."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """The kernel lets go of the lock of a process that dies."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


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
    """One exact version of an object to a local path, complete or not there. Raises ObjectGoneError."""
    from botocore.exceptions import ClientError

    extra = {"VersionId": version_id} if version_id else {}
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.urandom(16).hex()}.part")
    try:
        body = s3_client().get_object(Bucket=bucket, Key=key, **extra)["Body"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("NoSuchKey", "NoSuchVersion", "404"):
            raise ObjectGoneError(f"no such object: s3://{bucket}/{key} version {version_id!r}") from error
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
