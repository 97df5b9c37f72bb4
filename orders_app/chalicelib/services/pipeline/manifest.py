"""The manifest of a run: exactly which versions of which objects the job reads, and where it writes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.services.pipeline.model import RawFile, Run

PUBLISHED_KEY = "processed-data/_published.json"  # the summary of the latest run


@dataclass(frozen=True)
class Lake:
    """Where the lake is."""

    bucket: str
    database: str

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"


def manifest_key(run_id: str) -> str:
    return f"temp/manifests/{run_id}.json"


def write_manifest(
    run: Run, files: Sequence[RawFile], lake: Lake, options: Mapping[str, Any] | None = None
) -> bytes:
    """JSON, the files in the order of their keys and times, so that a repeated write is the same text."""
    listed = [
        {
            "bucket": file.bucket,
            "key": file.key,
            "version_id": file.version_id or None,
            "etag": file.etag,
            "size": file.size,
            "kind": file.kind.value,
            "object_time": file.object_time.isoformat(),
        }
        for file in sorted(files, key=lambda file: (file.key, file.object_time, file.version_id))
    ]
    document: dict[str, Any] = {
        "run_id": run.run_id,
        "as_of": run.started_at.date().isoformat(),
        "files": listed,
        "output": lake.uri("processed-data"),
        "quarantine": lake.uri("quarantine"),
        "database": lake.database,
    }
    if options:
        document["options"] = dict(options)
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
