"""Make the bucket that published code lies in: `python -m scripts.setup_bucket --stage prod --bucket B`.

Private, versioned, encrypted, over TLS only; the Serverless Application Repository may read it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from scripts.deployment import calls, settings
from scripts.deployment.calls import Call, Session
from scripts.deployment.cli import connect, reported
from scripts.deployment.errors import DeploymentError
from scripts.deployment.policies import partition
from scripts.deployment.settings import StageSettings

LOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)


def plan(stage: StageSettings, bucket: str, session: Session) -> list[Call]:
    """What the bucket still lacks; DeploymentError where it is somebody else's."""
    import botocore.exceptions

    s3 = session.client("s3")
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=stage.account)
        exists = True
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise DeploymentError(f"bucket {bucket!r} is not ours: {error}") from error
        exists = False
    where = {} if stage.region == "us-east-1" else {"LocationConstraint": stage.region}
    create = {"Bucket": bucket, **({"CreateBucketConfiguration": where} if where else {})}
    versioned = {"Status": "Enabled"}
    made = [] if exists else [Call(f"create bucket {bucket}", "s3", "create_bucket", create)]
    return [
        *made,
        Call(
            "keep it private",
            "s3",
            "put_public_access_block",
            {"Bucket": bucket, "PublicAccessBlockConfiguration": LOCKED},
        ),
        Call(
            "keep its versions",
            "s3",
            "put_bucket_versioning",
            {"Bucket": bucket, "VersioningConfiguration": versioned},
        ),
        Call(
            "let the Serverless Application Repository read it",
            "s3",
            "put_bucket_policy",
            {"Bucket": bucket, "Policy": json.dumps(policy(stage, bucket))},
        ),
    ]


def policy(stage: StageSettings, bucket: str) -> dict[str, Any]:
    """Read access for the repository on behalf of this account, and TLS for everybody."""
    arn = f"arn:{partition(stage.region)}:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "RepositoryReads",
                "Effect": "Allow",
                "Principal": {"Service": "serverlessrepo.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": f"{arn}/*",
                "Condition": {"StringEquals": {"aws:SourceAccount": stage.account}},
            },
            {
                "Sid": "OnlyOverTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.setup_bucket", description=__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--dry-run", action="store_true", help="show the plan and change nothing")
    options = parser.parse_args(argv)

    def run() -> int:
        stage = settings.load(options.stage)
        session = connect(stage)
        planned = plan(stage, options.bucket, session)
        print("\n".join(map(str, planned)))
        if not options.dry_run:
            calls.apply(planned, session)
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
