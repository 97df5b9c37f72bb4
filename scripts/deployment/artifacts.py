"""The bucket that carries templates too large for a request; made only when one is."""

from __future__ import annotations

import json

from chalicelib import names
from scripts.deployment.calls import Session
from scripts.deployment.fragments import Template
from scripts.deployment.settings import StageSettings
from scripts.deployment.stacks import INLINE_LIMIT


def bucket_for(stage: StageSettings, session: Session, template: Template) -> str | None:
    """The artifacts bucket, made where it is missing; None when the template fits into the request."""
    if len(json.dumps(template, separators=(",", ":")).encode()) <= INLINE_LIMIT:
        return None
    name = names.bucket("orders-artifacts", stage.stage, stage.account)
    s3 = session.client("s3")
    if name not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        where = {} if stage.region == "us-east-1" else {"LocationConstraint": stage.region}
        s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if where else {}))
    return name
