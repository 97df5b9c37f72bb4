"""Make the bucket that published code lies in: `python -m scripts.setup_bucket --stage prod --bucket B`.

Private, versioned, encrypted, over TLS only; the Serverless Application Repository may read it. A bucket that
exists keeps what others have set.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from scripts.deployment import calls, private_bucket, settings
from scripts.deployment.calls import Call, Session
from scripts.deployment.cli import connect, reported
from scripts.deployment.policies import partition
from scripts.deployment.settings import StageSettings

RULES = [private_bucket.superseded(90)]  # what was published stays


def plan(stage: StageSettings, bucket: str, session: Session) -> list[Call]:
    """What the bucket still lacks; DeploymentError where it is somebody else's."""
    return private_bucket.plan(stage, bucket, session, RULES, [reader(stage, bucket)])


def reader(stage: StageSettings, bucket: str) -> dict[str, Any]:
    """Read access for the repository on behalf of this account."""
    return {
        "Sid": "RepositoryReads",
        "Effect": "Allow",
        "Principal": {"Service": "serverlessrepo.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:{partition(stage.region)}:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": stage.account}},
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
        print("\n".join(map(str, planned)) or "nothing to change")
        if not options.dry_run:
            calls.apply(planned, session)
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
