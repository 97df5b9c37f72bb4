"""The Lambda `etl-small-batch`: one manifest through the DuckDB engine, in one process."""

import os
from collections.abc import Mapping
from typing import Any

from etl.catalog import GlueCatalog, NoCatalog
from etl.engines import open_engine
from etl.manifest import parse_manifest
from etl.pipeline import run
from etl.storage import read_url

# DuckDB leaves room for Python, the reader and the page cache of /tmp.
_SHARE_OF_MEMORY = 0.6


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """`{"manifest": "s3://…"}` -> the run's report in short; errors are raised: Lambda counts them."""
    manifest = parse_manifest(read_url(event["manifest"]))
    catalog = GlueCatalog(manifest.database) if manifest.database else NoCatalog()
    with open_engine("duckdb", memory_limit=_memory_limit()) as engine:
        report = run(manifest, engine=engine, catalog=catalog)
    return report.summary()


def _memory_limit() -> str | None:
    megabytes = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    return f"{int(int(megabytes) * _SHARE_OF_MEMORY)}MB" if megabytes else None
