"""The ETL's code in the lake's bucket: `scripts/` holds each package under the hash of its content.

`register` gives the keys to the bindings stack, so that a changed package changes its Lambda.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from chalicelib import names
from scripts.deployment.calls import Session
from scripts.deployment.settings import StageSettings

INDEX = "scripts/code.json"
# What Glue reads anew at each run keeps its key.
FIXED = ("job.py", "etl.zip")
PARAMETERS = {"etl-small-batch.zip": "EtlSmallBatchCodeKey", "etl-checks.zip": "EtlAthenaChecksCodeKey"}


def upload(
    stage: StageSettings, session: Session, files: Iterable[Path], others: Mapping[str, str]
) -> dict[str, str]:
    """Put the packages into the bucket; answers the bindings' parameters, `others` among them."""
    s3, bucket = session.client("s3"), _bucket(stage)
    chosen = dict(others)
    for file in files:
        body = file.read_bytes()
        key = f"scripts/{file.name}" if file.name in FIXED else _hashed(file, body)
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        if file.name in PARAMETERS:
            chosen[PARAMETERS[file.name]] = key
    s3.put_object(Bucket=bucket, Key=INDEX, Body=json.dumps(chosen).encode())
    return chosen


def parameters(stage: StageSettings, session: Session) -> dict[str, str]:
    """The keys of the packages that were uploaded last; empty where none were, or the bucket is not there."""
    s3 = session.client("s3")
    try:
        body = s3.get_object(Bucket=_bucket(stage), Key=INDEX)["Body"].read()
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket"):
            return {}
        raise
    return dict(json.loads(body))


def _hashed(file: Path, body: bytes) -> str:
    return f"scripts/{file.stem}-{hashlib.sha256(body).hexdigest()[:12]}{file.suffix}"


def _bucket(stage: StageSettings) -> str:
    return names.bucket("order-lake", stage.stage, stage.account)
