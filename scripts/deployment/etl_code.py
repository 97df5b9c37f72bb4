"""Where the ETL's code lies: each package under the hash of its content, so that a change is deployed.

A stage deployed by the scripts has it in the lake's bucket below `scripts/`; `register` gives the keys to the
bindings stack. A packaged template brings it in `out/etl/`, and its parameters name these keys already.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from chalicelib import names
from scripts.deployment.calls import Call, Session
from scripts.deployment.errors import DeploymentError
from scripts.deployment.settings import StageSettings

INDEX = "scripts/code.json"
BUCKET = "EtlCodeBucket"
# What Glue reads anew at each run keeps its key in the lake's bucket.
FIXED = {"job.py": "EtlJobCodeKey", "etl.zip": "EtlPackageCodeKey"}
HASHED = {"etl-small-batch.zip": "EtlSmallBatchCodeKey", "etl-checks.zip": "EtlAthenaChecksCodeKey"}
KEYS = {**FIXED, **HASHED}
FOLDER = "etl"  # of a package, and below the prefix of a published version


def plan(
    stage: StageSettings, session: Session, files: Iterable[Path], others: Mapping[str, str]
) -> tuple[list[Call], dict[str, str]]:
    """The uploads of what the bucket has not got yet, and the bindings' parameters, `others` among them."""
    chosen = dict(others)
    bodies: dict[str, bytes] = {}
    for file in files:
        body = file.read_bytes()
        key = "scripts/" + (file.name if file.name in FIXED else hashed(file, body))
        bodies[key] = body
        if file.name in HASHED:
            chosen[HASHED[file.name]] = key
    bodies[INDEX] = json.dumps(chosen, sort_keys=True).encode()
    bucket, there = _bucket(stage), _there(stage, session)
    calls = [
        Call(f"upload {key} ({len(body) / 1e6:.1f} MB)", "s3", "put_object",
             {"Bucket": bucket, "Key": key, "Body": body})
        for key, body in bodies.items()
        if there.get(key) != hashlib.md5(body, usedforsecurity=False).hexdigest()
    ]  # fmt: skip
    return calls, chosen


def _there(stage: StageSettings, session: Session) -> dict[str, str]:
    """Keys below `scripts/` with S3's ETag, which is the MD5 of what was put whole."""
    s3 = session.client("s3")
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=_bucket(stage), Prefix="scripts/")
        return {one["Key"]: one["ETag"].strip('"') for page in pages for one in page.get("Contents", [])}
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
        raise DeploymentError(
            f"stage {stage.stage!r} is not provisioned: python -m scripts.provision --stage {stage.stage}"
        ) from error


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


def packaged(files: Iterable[Path], out: Path) -> dict[str, str]:
    """Move the packages into `out/etl/`, which then holds nothing else; answers the template's parameters."""
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    keys = {}
    for file in files:
        name = hashed(file, file.read_bytes())
        shutil.move(file, folder / name)
        keys[KEYS[file.name]] = f"{FOLDER}/{name}"
    for old in folder.iterdir():
        if f"{FOLDER}/{old.name}" not in keys.values():
            old.unlink()
    return keys


def hashed(file: Path, body: bytes) -> str:
    return f"{file.stem}-{hashlib.sha256(body).hexdigest()[:12]}{file.suffix}"


def _bucket(stage: StageSettings) -> str:
    return names.bucket("order-lake", stage.stage, stage.account)
