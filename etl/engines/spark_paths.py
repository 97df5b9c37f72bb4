"""Paths by which Spark finds one object and no other, whatever it is called and whoever writes meanwhile."""

import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlparse

from etl.storage import s3_client

_PATTERN = re.compile(r"[][{}*?\\]")


def literal(path: str) -> str:
    """The path for Hadoop, which takes these characters for a pattern unless a backslash is before them.

    https://hadoop.apache.org/docs/r3.3.4/api/org/apache/hadoop/fs/FileSystem.html
    """
    return _PATTERN.sub(r"\\\g<0>", path)


def put_copy(path: Path, bucket: str) -> str:
    """A copy of a local file under a key that no one else writes; its address."""
    key = f"temp/native/{uuid.uuid4().hex}.csv"
    s3_client().upload_file(str(path), bucket, key)
    return f"s3://{bucket}/{key}"


def delete_copies(urls: Sequence[str]) -> None:
    """One that stays is no reason to fail: the bucket lets temp/ expire."""
    for parts in map(urlparse, urls):
        from botocore.exceptions import BotoCoreError, ClientError

        with suppress(BotoCoreError, ClientError):
            s3_client().delete_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))
