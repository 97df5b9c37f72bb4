"""What a bucket of ours still lacks: private, encrypted, over TLS only, with an end to what is superseded.

A bucket that exists keeps what others have set: statements of its policy are merged by their Sid, rules of
its lifecycle by their ID. https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scripts.deployment.calls import Call, Session
from scripts.deployment.errors import DeploymentError
from scripts.deployment.policies import partition
from scripts.deployment.settings import StageSettings

LOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
Items = Sequence[Mapping[str, Any]]


def expiring(prefix: str, days: int) -> dict[str, Any]:
    """A lifecycle rule: what lies below the prefix goes after so many days."""
    return {
        "ID": f"{prefix.strip('/')}-expire",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": days},
    }


def superseded(days: int) -> dict[str, Any]:
    """A lifecycle rule: versions that were replaced, and uploads that broke off."""
    return {
        "ID": "superseded-expire",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": days},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3},
    }


def plan(
    stage: StageSettings, name: str, session: Session, rules: Items, statements: Items = ()
) -> list[Call]:
    """The calls that are missing, in order; DeploymentError where the bucket is somebody else's.

    `statements` are Sids of its policy beside that of TLS, `rules` those of its lifecycle.
    """
    s3 = session.client("s3")
    if not _exists(s3, name, stage.account):
        where = {} if stage.region == "us-east-1" else {"LocationConstraint": stage.region}
        made = {"CreateBucketConfiguration": where} if where else {}
        return [Call(f"create bucket {name}", "s3", "create_bucket", {"Bucket": name, **made}),
                *_settings(stage, name, {}, rules, statements)]  # fmt: skip
    return list(_settings(stage, name, _read(s3, name), rules, statements))


def _settings(
    stage: StageSettings, name: str, actual: Mapping[str, Any], rules: Items, statements: Items
) -> Iterator[Call]:
    def call(says: str, operation: str, **arguments: Any) -> Call:
        return Call(f"{says} ({name})", "s3", operation, {"Bucket": name, **arguments})

    if actual.get("block") != LOCKED:
        yield call("keep it private", "put_public_access_block", PublicAccessBlockConfiguration=LOCKED)
    if not actual.get("encryption"):
        yield call("encrypt it", "put_bucket_encryption", ServerSideEncryptionConfiguration=ENCRYPTION)
    if actual.get("versioning") != "Enabled":
        enabled = {"Status": "Enabled"}
        yield call("keep its versions", "put_bucket_versioning", VersioningConfiguration=enabled)
    lifecycle = merged(actual.get("rules", []), rules, "ID")
    if lifecycle is not None:
        configuration = {"Rules": lifecycle}
        yield call(
            "let old things go", "put_bucket_lifecycle_configuration", LifecycleConfiguration=configuration
        )
    policy = actual.get("policy") or {"Version": "2012-10-17", "Statement": []}
    wanted = [*statements, *([] if stage.is_local else [over_tls(stage, name)])]  # the engine has no TLS
    joined = merged(policy["Statement"], wanted, "Sid")
    if joined is not None:
        says = f"add {', '.join(str(one['Sid']) for one in wanted)} to its policy"
        yield call(says, "put_bucket_policy", Policy=json.dumps({**policy, "Statement": joined}))


def merged(actual: Items, wanted: Items, key: str) -> list[Mapping[str, Any]] | None:
    """What others have set and what we want, by its key; None where nothing is missing."""
    known = {one.get(key): one for one in actual}
    if all(known.get(one[key]) == one for one in wanted):
        return None
    ours = {one[key] for one in wanted}
    return [*(one for one in actual if one.get(key) not in ours), *wanted]


def over_tls(stage: StageSettings, name: str) -> dict[str, Any]:
    arn = f"arn:{partition(stage.region)}:s3:::{name}"
    return {
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _exists(s3: Any, name: str, account: str) -> bool:
    try:
        s3.head_bucket(Bucket=name, ExpectedBucketOwner=account)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise DeploymentError(f"bucket {name!r} is not ours: {error}") from error
        return False
    return True


def _read(s3: Any, name: str) -> dict[str, Any]:
    def answer(operation: str, missing: str) -> Mapping[str, Any]:
        try:
            found: Mapping[str, Any] = getattr(s3, operation)(Bucket=name)
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != missing:
                raise
            return {}
        return found

    policy = answer("get_bucket_policy", "NoSuchBucketPolicy").get("Policy")
    encryption = answer("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError")
    block = answer("get_public_access_block", "NoSuchPublicAccessBlockConfiguration")
    return {
        "block": block.get("PublicAccessBlockConfiguration"),
        "encryption": encryption.get("ServerSideEncryptionConfiguration"),
        "versioning": s3.get_bucket_versioning(Bucket=name).get("Status"),
        "rules": answer("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration").get(
            "Rules", []
        ),
        "policy": json.loads(policy) if policy else None,
    }
