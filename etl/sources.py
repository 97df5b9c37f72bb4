"""Input files brought within reach of the readers: a local path stays, an S3 version is downloaded."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from etl.errors import InputError
from etl.manifest import SourceFile
from etl.storage import download

_THREADS = 8


def fetch(file: SourceFile, directory: Path) -> Path:
    """A local path of exactly this version of the file."""
    if file.bucket is None:
        path = Path(file.key)
        if not path.is_file():
            raise InputError(f"no such file: {file.key!r}")
        return path
    identity = f"{file.bucket}/{file.key}@{file.version_id}"
    target = directory / hashlib.sha256(identity.encode()).hexdigest()[:24]
    return target if target.is_file() else download(file.bucket, file.key, file.version_id, target)


def fetch_all(files: Sequence[SourceFile], directory: Path) -> list[Path]:
    if len(files) < 2:
        return [fetch(file, directory) for file in files]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda file: fetch(file, directory), files))
