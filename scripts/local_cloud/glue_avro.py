"""Avro objects as Parquet files, since DuckDB's own Avro reader would have to be downloaded."""

import io
from pathlib import Path
from typing import Any

from scripts.local_cloud import glue_store
from scripts.local_cloud.glue_store import StoredObject


def as_parquet(item: StoredObject) -> Path:
    """The object's records as a Parquet file beside its cached copy."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    copy = glue_store.local_copy(item)
    path = copy.with_name(f"{copy.name}.parquet")
    if not path.exists():
        pq.write_table(pa.Table.from_pylist(records(copy.read_bytes())[1]), path)
    return path


def records(data: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The writer's schema and every record of an Avro object file."""
    import fastavro

    reader = fastavro.reader(io.BytesIO(data))
    rows = [row for row in reader if isinstance(row, dict)]
    schema = reader.writer_schema
    return schema if isinstance(schema, dict) else {}, rows
