"""Takes out of Chalice's record what is gone: after a `chalice delete` that died, the next stops at that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.deployment.calls import Session

# By kind: the service, the question whether it is there, the question's argument and its key in the record.
QUESTIONS: Mapping[str, tuple[str, str, str, str]] = {
    "lambda_function": ("lambda", "get_function", "FunctionName", "lambda_arn"),
    "sqs_event": ("lambda", "get_event_source_mapping", "UUID", "event_uuid"),
    "rest_api": ("apigateway", "get_rest_api", "restApiId", "rest_api_id"),
    "iam_role": ("iam", "get_role", "RoleName", "role_name"),
    "cloudwatch_event": ("events", "describe_rule", "Name", "rule_name"),
    "sns_event": ("sns", "get_subscription_attributes", "SubscriptionArn", "subscription_arn"),
    "s3_event": ("s3", "get_bucket_notification_configuration", "Bucket", "bucket"),
    "log_group": ("logs", "describe_log_streams", "logGroupName", "log_group_name"),
}
GONE = {"ResourceNotFoundException", "NotFoundException", "NotFound", "NoSuchEntity", "NoSuchBucket"}


def keep(record: Path, session: Session) -> int:
    """Rewrite the record with what exists; answers how much of it does."""
    content = json.loads(record.read_text())
    found = [one for one in content["resources"] if _exists(one, session)]
    if len(found) < len(content["resources"]):
        record.write_text(json.dumps({**content, "resources": found}, indent=2) + "\n")
    return len(found)


def _exists(resource: Mapping[str, Any], session: Session) -> bool:
    """A kind that is not known here is Chalice's to judge."""
    if resource["resource_type"] not in QUESTIONS:
        return True
    service, operation, argument, key = QUESTIONS[resource["resource_type"]]
    client = session.client(service)
    try:
        getattr(client, operation)(**{argument: resource[key]})
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise
        return False
    return True
