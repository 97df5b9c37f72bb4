"""The engine's own S3 objects, read and written in process, with a copy on disk by content for DuckDB."""

import bisect
import contextlib
import gzip
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CACHE_BYTES = 2 << 30
_lock = threading.Lock()
_root: Path | None = None


class StoreError(Exception):
    """The store refused a read or a write, as S3 would; `code` is S3's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class StoredObject:
    bucket: str
    key: str
    size: int
    etag: str
    modified: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/key` as (bucket, key); s3a and s3n mean the same."""
    scheme, found, rest = uri.partition("://")
    if not found or scheme not in {"s3", "s3a", "s3n"}:
        raise StoreError("InvalidArgument", f"not an S3 location: {uri!r}")
    bucket, _, key = rest.partition("/")
    return bucket, key


def bucket_exists(bucket: str) -> bool:
    from ministack.services import s3

    return bucket in s3._buckets


def list_objects(bucket: str, prefix: str = "") -> list[StoredObject]:
    """Every object below `prefix`, in key order."""
    from ministack.services import s3

    record = s3._buckets.get(bucket)
    if record is None:
        raise StoreError("NoSuchBucket", "The specified bucket does not exist")
    return [
        StoredObject(bucket, key, item["size"], item["etag"].strip('"'), str(item.get("last_modified", "")))
        for key, item in sorted(dict(record["objects"]).items())
        if key.startswith(prefix)
    ]


def is_hidden(key: str, below: str = "") -> bool:
    """Whether Hive, Athena and the crawler skip the object: any part begins with `_` or `.`."""
    return any(part.startswith(("_", ".")) for part in key[len(below) :].split("/"))


class DataFiles:
    """The data files below many locations; a bucket is listed once, so a thousand partitions stay cheap."""

    def __init__(self) -> None:
        self._listed: dict[str, tuple[list[str], list[StoredObject]]] = {}

    def at(self, location: str) -> list[StoredObject]:
        """What a table or partition at `location` consists of; the location may be a single file."""
        bucket, key = split_uri(location)
        prefix = key.rstrip("/") + "/" if key.strip("/") else ""
        found = [
            item for item in self._below(bucket, prefix) if item.size and not is_hidden(item.key, prefix)
        ]
        if not found and key and not key.endswith("/"):
            found = [item for item in self._below(bucket, key) if item.key == key and item.size]
        return found

    def _below(self, bucket: str, prefix: str) -> list[StoredObject]:
        if bucket not in self._listed:
            items = list_objects(bucket)
            self._listed[bucket] = ([item.key for item in items], items)
        keys, items = self._listed[bucket]
        first = bisect.bisect_left(keys, prefix)
        last = first
        while last < len(keys) and keys[last].startswith(prefix):
            last += 1
        return items[first:last]


def read(bucket: str, key: str) -> bytes:
    from ministack.services import s3

    data = s3._get_object_data(bucket, key)
    if data is None:
        raise StoreError("NoSuchKey", f"The specified key does not exist: s3://{bucket}/{key}")
    return bytes(data)


def write(uri: str, data: bytes, content_type: str = "application/octet-stream") -> None:
    from ministack.services import s3

    bucket, key = split_uri(uri)
    status, _, body = s3._put_object(
        bucket, key, data, {"content-type": content_type, "content-length": str(len(data))}
    )
    if status >= 300:
        text = body.decode("utf-8", "replace")
        raise StoreError(_tag(text, "Code") or "InternalError", _tag(text, "Message") or text)


def _tag(text: str, name: str) -> str:
    return text.partition(f"<{name}>")[2].partition(f"</{name}>")[0]


def local_copy(item: StoredObject) -> Path:
    """The object as a file of its own, kept for the next query; gzip is opened, as no name tells of it."""
    place = hashlib.sha1(item.uri.encode(), usedforsecurity=False).hexdigest()
    path = _cache_dir() / f"{place}-{item.etag}-{item.size}"
    if path.exists():
        return path
    data = read(item.bucket, item.key)
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    draft = path.with_name(f"{path.name}.{threading.get_ident()}")
    draft.write_bytes(data)
    draft.replace(path)
    return path


@contextlib.contextmanager
def scratch_dir() -> Iterator[Path]:
    """A folder for one query or one crawl, removed afterwards; the cache is trimmed on the way out."""
    path = Path(tempfile.mkdtemp(prefix="scratch-", dir=_cache_dir()))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        _trim()


def use_cache_dir(path: Path) -> None:
    """Start with an empty cache at `path`."""
    global _root
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    _root = path


def _cache_dir() -> Path:
    with _lock:
        if _root is None:
            local = os.environ.get("ORDERS_LOCAL_DIR")
            use_cache_dir(
                Path(local, "lake-cache") if local else Path(tempfile.mkdtemp(prefix="lake-cache-"))
            )
        assert _root is not None
        return _root


def _trim() -> None:
    files = sorted((p for p in _cache_dir().iterdir() if p.is_file()), key=lambda p: p.stat().st_mtime)
    excess = sum(p.stat().st_size for p in files) - _CACHE_BYTES
    for path in files:
        if excess <= 0:
            return
        excess -= path.stat().st_size
        path.unlink(missing_ok=True)
