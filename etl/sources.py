"""Input files brought within reach of the readers: a local path stays, an S3 version is downloaded."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from etl.errors import ObjectGoneError
from etl.manifest import SourceFile, existing
from etl.reader.files import read_file
from etl.reader.records import FileNotes, Record, broken
from etl.schemas import Schema
from etl.storage import download

_THREADS = 8
_PLAIN_PATH = re.compile(r"[\w ./@+=,-]*")


def fetch(file: SourceFile, directory: Path) -> Path:
    """A local path of exactly this version of the file."""
    if file.bucket is None:
        path = existing(file.key)
        return path if _PLAIN_PATH.fullmatch(file.key) else _linked(path.resolve(), directory)
    identity = f"{file.bucket}/{file.key}@{file.version_id}"
    target = directory / hashlib.sha256(identity.encode()).hexdigest()[:24]
    return target if target.is_file() else download(file.bucket, file.key, file.version_id, target)


def _linked(path: Path, directory: Path) -> Path:
    """The file by a plain name: engines take *, ? and [ for patterns, { and \\ for more."""
    target = directory / hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    directory.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        target.symlink_to(path)
    return target


def fetch_if_there(file: SourceFile, directory: Path) -> Path | None:
    """None for an object that is gone: one that somebody deleted must not hold up the files beside it."""
    try:
        return fetch(file, directory)
    except ObjectGoneError:
        return None


def fetch_all(files: Sequence[SourceFile], directory: Path) -> list[Path | None]:
    if len(files) < 2:
        return [fetch_if_there(file, directory) for file in files]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda file: fetch_if_there(file, directory), files))


def records_of(path: Path | None, name: str, schema: Schema, notes: FileNotes) -> Iterator[Record]:
    """The records of a fetched file, by the strict reader; of one that is gone, one that says so."""
    return read_file(path, schema, notes) if path else iter([broken(1, "object_gone", name)])
