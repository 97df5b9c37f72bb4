"""The functions of the sales report and of the data sets. Only those that read orders join the network."""

from collections.abc import Mapping

from scripts.deployment.functions.model import (
    Function,
    Grant,
    objects,
    publishes,
    reports_failures,
    state_machine,
    whole_bucket,
)

BUCKET = "order-reports"
_MAIL = Grant(
    ("ses:SendEmail",),
    ("arn:{partition}:ses:{region}:{account}:identity/*",),
    condition={"StringEquals": {"ses:FromAddress": "{mail_from}"}},
)
_LISTS = Grant(("s3:ListBucket",), (whole_bucket(BUCKET),))  # tells a missing object from a forbidden one
_ALERTS = publishes("operational-alerts")


def _reads(*prefixes: str) -> Grant:
    return Grant(("s3:GetObject",), tuple(objects(BUCKET, one) for one in prefixes))


def _writes(*prefixes: str) -> Grant:
    return Grant(("s3:PutObject",), tuple(objects(BUCKET, one) for one in prefixes))


FUNCTIONS: Mapping[str, Function] = {
    "clean-orders": Function(
        (
            _reads("work/"), _writes("work/"), _LISTS,
            Grant(("s3:GetObject",), (objects("order-lake", "raw-data/"),)),
            Grant(("s3:ListBucket",), (whole_bucket("order-lake"),)),
        ),
        timeout=300, memory=1024, database=True, concurrency=5,
    ),
    "summarize-report": Function(
        (_reads("work/"), _writes("reports/", "datasets/"), _LISTS), timeout=300, memory=1024, concurrency=5
    ),
    "mail-report": Function(
        (_reads("work/mails/", "reports/"), _writes("work/mails/"), _LISTS, _MAIL), timeout=60, concurrency=2
    ),
    "generate-datasets": Function(
        (_writes("work/"), Grant(("s3:ListBucketVersions",), (whole_bucket("order-lake"),))),
        timeout=300, memory=1024, database=True, concurrency=2,
    ),
    "emit-execution-summary": Function((_writes("executions/"), _ALERTS), timeout=60, concurrency=2),
    "record-report-failure": Function((_writes("executions/"), _ALERTS), timeout=60, concurrency=2),
    "start-daily-report": Function(
        (Grant(("states:StartExecution",), (state_machine("report-workflow"),)), reports_failures()),
        concurrency=1,
    ),
}  # fmt: skip
