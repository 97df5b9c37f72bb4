"""What touches Glue beyond partitions: its tables as input, and awsglue's job bookkeeping."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlparse

from etl.errors import InputError
from etl.manifest import RAW_PREFIX, Manifest, SourceFile, is_data, kind_of, usable_run_id
from etl.schemas import CUSTOMERS, SALES
from etl.storage import s3_client
from etl.validate import LEAVE_OUT

_OWN_TABLES = ("sales", "daily_sales", "customer_metrics")


@lru_cache(maxsize=1)
def glue_client() -> Any:
    import boto3

    return boto3.client("glue")


@contextmanager
def glue_job(name: str | None, arguments: Sequence[str]) -> Iterator[None]:
    """Tell Glue's runtime of the job's begin and end; on a laptop, without awsglue, there is none to tell."""
    try:
        from awsglue.context import GlueContext
        from awsglue.job import Job
        from pyspark.context import SparkContext
    except ImportError:
        yield
        return
    job = Job(GlueContext(SparkContext.getOrCreate()))
    job.init(name or "etl", {"JOB_NAME": name or "etl"})
    yield
    job.commit()


def catalog_manifest(
    database: str, prefix: str | None, output: str, run_id: str, as_of: date | None
) -> Manifest:
    """The objects behind the raw tables of a database, as the seed's job reads its input from the catalog.

    Without a prefix every table that looks like sales or customers is one; with it, those of that prefix.
    Of all that ever came, a file that is too bad is left out: it must not stop every nightly run.
    """
    bucket = urlparse(output).netloc
    if not bucket:
        raise InputError(f"--database_name needs an --output in S3, not {output!r}")
    files = [file for table in _raw_tables(database, prefix) for file in _objects(table)]
    if not files:
        raise InputError(f"no objects behind the raw tables of Glue database {database!r}")
    return Manifest(
        run_id=usable_run_id(run_id),
        as_of=as_of or datetime.now(UTC).date(),
        files=tuple(files),
        output=output.rstrip("/"),
        quarantine=f"s3://{bucket}/quarantine",
        database=database,
        options={LEAVE_OUT: True},
    )


def _raw_tables(database: str, prefix: str | None) -> list[dict[str, Any]]:
    pages = glue_client().get_paginator("get_tables").paginate(DatabaseName=database)
    tables = [table for page in pages for table in page["TableList"] if table["Name"] not in _OWN_TABLES]
    fitting = [table for table in tables if _kind_of_table(table)]
    named = [table for table in fitting if table["Name"].startswith(prefix or "")]
    if not named:
        others = ", ".join(sorted(table["Name"] for table in fitting)) or "none"
        raise InputError(
            f"no table of sales or customers begins with {prefix or ''!r} in Glue database {database!r}: "
            f"run its crawler or change --table_prefix (such tables there: {others})"
        )
    return named


def _kind_of_table(table: dict[str, Any]) -> str | None:
    names = frozenset(column["Name"].lower() for column in table["StorageDescriptor"]["Columns"])
    if SALES.accepts_header(names):
        return "sales"
    return "customers" if CUSTOMERS.accepts_header(names) else None


def _objects(table: dict[str, Any]) -> Iterator[SourceFile]:
    where = urlparse(table["StorageDescriptor"]["Location"])
    kind = _kind_of_table(table) or "sales"
    pages = s3_client().get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=where.netloc, Prefix=where.path.lstrip("/")):
        for found in page.get("Contents", ()):
            if is_data(found["Key"]):
                by_key = kind_of(found["Key"])
                told = found["Key"].startswith(RAW_PREFIX) or by_key != "sales"
                yield SourceFile(
                    key=found["Key"],
                    kind=by_key if told else kind,
                    object_time=found["LastModified"],
                    bucket=where.netloc,
                    etag=found["ETag"].strip('"'),
                    size=found["Size"],
                )
