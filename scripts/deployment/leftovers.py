"""What a deleted base stack leaves: buckets and secret, found by name so that a teardown can go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib import names
from scripts.deployment.calls import Session
from scripts.deployment.errors import DeploymentError
from scripts.deployment.settings import StageSettings

BUCKETS = ("order-lake", "order-reports", "orders-artifacts")


def keeps(stage: StageSettings) -> bool:
    """Whether the stage's data outlives its teardown."""
    return stage.stage == "prod"


def refuse(stage: StageSettings, session: Session) -> None:
    """DeploymentError where a new stack would make what an earlier one left."""
    left = [name for name in _buckets(stage, session) if not name.startswith("orders-artifacts")]
    left += [name for name in [_secret(stage, session)] if name]
    if left:
        way_out = (
            "delete them, or import them into the stack"
            if keeps(stage)
            else f"finish its removal: python -m scripts.teardown --stage {stage.stage}"
        )
        raise DeploymentError(f"{', '.join(left)} of an earlier stack are there: {way_out}")


def plan(stage: StageSettings, session: Session) -> list[str]:
    """What is there, a line each."""
    secret = _secret(stage, session)
    return [
        *(f"empty  AWS::S3::Bucket {name}" for name in _buckets(stage, session)),
        *([f"delete AWS::SecretsManager::Secret {secret}"] if secret else []),
    ]


def remove(stage: StageSettings, session: Session) -> None:
    """Delete what is there; DeploymentError where an object cannot be deleted."""
    for name in _buckets(stage, session):
        _delete_bucket(name, session)
    if secret := _secret(stage, session):
        secrets = session.client("secretsmanager")
        secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)


def _buckets(stage: StageSettings, session: Session) -> list[str]:
    ours = {names.bucket(name, stage.stage, stage.account) for name in BUCKETS}
    return [one["Name"] for one in session.client("s3").list_buckets()["Buckets"] if one["Name"] in ours]


def _secret(stage: StageSettings, session: Session) -> str | None:
    """The name of the secret that provision made, if it is there; one that the stage brought is not ours."""
    secrets = session.client("secretsmanager")
    if stage.database_secret:
        return None
    try:
        secrets.describe_secret(SecretId=stage.secret_name)
    except secrets.exceptions.ResourceNotFoundException:
        return None
    return stage.secret_name


def _delete_bucket(name: str, session: Session) -> None:
    s3 = session.client("s3")
    for keys in _objects(name, s3):
        answer = s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
        if errors := answer.get("Errors"):
            first = f"{errors[0].get('Key')!r}: {errors[0].get('Code')}: {errors[0].get('Message')}"
            raise DeploymentError(
                f"{len(errors)} objects of bucket {name!r} cannot be deleted, the first {first}; "
                "when that is mended, run the teardown again"
            )
    s3.delete_bucket(Bucket=name)


def _objects(bucket: str, s3: Any) -> Iterator[list[dict[str, str]]]:
    """All versions and delete markers, as many as a request takes."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            yield [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
