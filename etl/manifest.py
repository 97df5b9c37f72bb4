"""What one run reads: exact versions of files, each with its kind and its time."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from etl.errors import InputError
from etl.options import usable_options

_NAMES_SALES = re.compile(r"(?<![a-z])(orders?|sales?)(?![a-z])")  # customer_orders.csv holds orders
RAW_PREFIX = "raw-data/"
KIND_NAMES = ("sales", "customers", "orders")


@dataclass(frozen=True)
class SourceFile:
    """One input object, a local path if `bucket` is None; `object_time` versions rows without one."""

    key: str
    kind: str
    object_time: datetime
    bucket: str | None = None
    version_id: str | None = None
    etag: str = ""
    size: int = 0

    @property
    def schema(self) -> str:
        return "customers" if self.kind == "customers" else "sales"

    @property
    def name(self) -> str:
        """What tells its rows from all others: alike in every run, whatever else the run reads."""
        if self.bucket is None:
            return self.key
        version = f"?versionId={self.version_id}" if self.version_id else ""
        return f"s3://{self.bucket}/{self.key}{version}"

    @property
    def version(self) -> int:
        """Milliseconds since 1970: what a record without an explicit version is ordered by."""
        return int(self.object_time.timestamp() * 1000)


@dataclass(frozen=True)
class Manifest:
    run_id: str
    as_of: date
    files: tuple[SourceFile, ...]
    output: str
    quarantine: str
    database: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def currency(self) -> str | None:
        """What all is settled in; rows of another are rejected. None where nobody said: rows of any."""
        found = self.options.get("currency")
        return None if found is None else usable_currency(found)

    def without(self, names: Collection[str]) -> Self:
        """The same run, without the files of these names."""
        return replace(self, files=tuple(file for file in self.files if file.name not in names))

    def of(self, schema: str) -> list[SourceFile]:
        """The files of one schema, each once, in an order that does not depend on how they were listed."""
        listed = sorted((f for f in self.files if f.schema == schema), key=lambda f: (f.version, f.name))
        by_name = {file.name: file for file in listed}
        return sorted(by_name.values(), key=lambda file: (file.version, file.name))

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=lambda value: value.isoformat(), indent=1)


def kind_of(key: str) -> str:
    """By its folder, else by its name, as the starter decides it: a test holds both to the same."""
    folder, _, rest = key.removeprefix(RAW_PREFIX).partition("/")
    if rest and folder in KIND_NAMES:
        return folder
    name = key.rsplit("/", 1)[-1].lower()
    return "customers" if "customer" in name and not _NAMES_SALES.search(name) else "sales"


def is_data(key: str) -> bool:
    """False for folder markers and hidden files, which the starter does not record either."""
    name = key.rsplit("/", 1)[-1]
    return name != "" and not name.startswith(("_", ".")) and "$folder$" not in name


def parse_manifest(body: str | bytes) -> Manifest:
    try:
        found = json.loads(body)
        files = tuple(_file(entry) for entry in found["files"])
        return Manifest(
            run_id=usable_run_id(found["run_id"]),
            as_of=date.fromisoformat(found["as_of"]),
            files=files,
            output=found["output"].rstrip("/"),
            quarantine=found["quarantine"].rstrip("/"),
            database=found.get("database"),
            options=usable_options(found.get("options")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"the manifest is not usable: {type(error).__name__} {error}") from error


def local_manifest(
    sales: Sequence[str], customers: Sequence[str], output: str, as_of: date | None, run_id: str | None = None
) -> Manifest:
    """A manifest of local files; a missing one is named before anything is read."""
    now = datetime.now(UTC)
    files = [*_local(sales, "sales"), *_local(customers, "customers")]
    return Manifest(
        run_id=usable_run_id(run_id or now.strftime("local-%Y%m%dT%H%M%S%fZ")),
        as_of=as_of or now.date(),
        files=tuple(files),
        output=output,
        quarantine=str(Path(output) / "quarantine"),
    )


def existing(name: str) -> Path:
    """The path of a file that is there."""
    path = Path(name)
    if path.is_file():
        return path
    raise InputError(f"{'not a file' if path.exists() else 'no such file'}: {name!r}")


def _local(paths: Sequence[str], kind: str) -> list[SourceFile]:
    found = []
    for path in map(existing, paths):
        stat = path.stat()
        time = datetime.fromtimestamp(stat.st_mtime, UTC)
        found.append(SourceFile(str(path.resolve()), kind, time, size=stat.st_size))
    return found


def _file(entry: Mapping[str, Any]) -> SourceFile:
    kind = entry.get("kind") or kind_of(entry["key"])
    if kind not in KIND_NAMES:
        raise ValueError(f"unknown kind {kind!r}")
    time = datetime.fromisoformat(str(entry["object_time"]).replace("Z", "+00:00"))
    return SourceFile(
        key=entry["key"],
        kind=kind,
        object_time=time if time.tzinfo else time.replace(tzinfo=UTC),
        bucket=entry.get("bucket"),
        version_id=entry.get("version_id"),
        etag=entry.get("etag") or "",
        size=int(entry.get("size") or 0),
    )


def usable_currency(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", value):
        raise InputError(f"currency {value!r} is not a code such as 'EUR'")
    return value


def usable_run_id(value: str) -> str:
    """The id if it can be part of a key."""
    if not re.fullmatch(r"[A-Za-z0-9_.:-]+", value):
        raise InputError(f"run id {value!r} is not made of letters, digits, - _ . :")
    return value
