"""The functions of the data path: who starts runs, who moves them on, who tells people."""

from collections.abc import Mapping

from scripts.deployment.functions.model import (
    ARN,
    Function,
    Grant,
    consumes,
    objects,
    publishes,
    queue,
    reports_failures,
    whole_bucket,
)

_MAIL = Grant(
    ("ses:SendEmail",),
    ("arn:{partition}:ses:{region}:{account}:identity/*",),
    condition={"StringEquals": {"ses:FromAddress": "{mail_from}"}},
)
_ASYNC = (reports_failures(),)
_JOB = ARN % ("glue", "job/etl-job-{stage}")
_CRAWLER = ARN % ("glue", "crawler/processed-data-crawler-{stage}")
_SMALL_BATCH = ARN % ("lambda", "function:orders-{stage}-etl-small-batch")
_CHECKS = ARN % ("lambda", "function:orders-{stage}-etl-athena-checks")

_MARKER = objects("order-lake", "processed-data/_published.json")
_READS_MARKER = (
    Grant(("s3:GetObject",), (_MARKER,)),
    Grant(("s3:ListBucket",), (whole_bucket("order-lake"),)),  # tells a missing object from a forbidden one
)
_STARTS_RUNS = (
    Grant(("s3:PutObject",), (objects("order-lake", "temp/manifests/"),)),
    Grant(("lambda:InvokeFunction",), (_SMALL_BATCH,)),
    Grant(("glue:StartJobRun",), (_JOB,)),
    *_READS_MARKER,  # says how large silver is
)
_READS_REPORTS = (Grant(("s3:GetObject",), (objects("order-lake", "processed-data/_reports/"),)),)
_ASKS_JOB = (Grant(("glue:GetJobRun",), (_JOB,)),)
_STARTS_CRAWLER = (Grant(("glue:StartCrawler",), (_CRAWLER,)),)
_STARTS_CHECKS = (Grant(("lambda:InvokeFunction",), (_CHECKS,)),)
_ALERTS = (publishes("operational-alerts"),)

_DEAD_LETTERS = (
    Grant(
        (
            "sqs:GetQueueUrl",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            "sqs:ChangeMessageVisibility",
        ),
        tuple(
            queue(name)
            for name in (
                "order-processing-dlq",
                "lake-export-dlq",
                "bus-delivery-dlq",
                "function-failure-dlq",
                "notifications-dlq",
                "critical-alerts-dlq",
                "unrouted-messages-dlq",
                "untyped-messages-dlq",
                "raw-data-dlq",
                "job-failures-dlq",
            )
        ),
    ),
    _MAIL,
)

FUNCTIONS: Mapping[str, Function] = {
    "record-arrivals": Function(
        (consumes("raw-data-queue"), *_STARTS_RUNS), timeout=60, database=True, concurrency=2
    ),
    "start-etl-run": Function(
        (
            *_STARTS_RUNS, *_READS_REPORTS, *_ASKS_JOB, *_STARTS_CRAWLER, *_STARTS_CHECKS, *_ALERTS, _MAIL,
            *_ASYNC,
        ),
        timeout=300, database=True, concurrency=1,
    ),
    "start-crawler": Function(
        (
            *_READS_MARKER[1:], Grant(("s3:GetObjectVersion",), (_MARKER,)), *_READS_REPORTS,
            *_STARTS_CRAWLER, *_ALERTS, *_ASYNC,
        ),
        timeout=60, database=True, concurrency=2,
    ),
    "run-athena-checks": Function(
        (*_STARTS_CHECKS, *_STARTS_CRAWLER, *_STARTS_RUNS, *_ALERTS, *_ASYNC),
        timeout=300, database=True, concurrency=1,
    ),
    "handle-job-failure": Function(
        (consumes("job-failures-queue"), *_STARTS_RUNS, *_ASKS_JOB, *_ALERTS, _MAIL),
        timeout=60, database=True, concurrency=2,
    ),
    "mail-dead-letters": Function((*_DEAD_LETTERS, *_ASYNC), timeout=60, concurrency=2),
    "remind-dead-letters": Function((*_DEAD_LETTERS, *_ASYNC), timeout=60, concurrency=1),
    "export-customers": Function(
        (Grant(("s3:PutObject",), (objects("order-lake", "raw-data/customers/"),)), *_ASYNC),
        timeout=300, memory=512, database=True, concurrency=1,
    ),
    "etl-orchestrator": Function(
        (Grant(("glue:StartJobRun", "glue:GetJobRun"), (_JOB,)), *_ASYNC), concurrency=2
    ),
    "prepare-etl-run": Function(_STARTS_RUNS[:1], timeout=60, database=True, concurrency=2),
    "check-etl-run": Function(
        (*_READS_REPORTS, *_STARTS_CHECKS, *_STARTS_RUNS, *_ALERTS), timeout=300, database=True, concurrency=2
    ),
    "fail-etl-run": Function((*_STARTS_RUNS, *_ALERTS, _MAIL), timeout=60, database=True, concurrency=2),
    "reingest-files": Function(
        (*_STARTS_RUNS, Grant(("s3:ListBucketVersions",), (whole_bucket("order-lake"),))),
        timeout=300, database=True, concurrency=1,
    ),
}  # fmt: skip
