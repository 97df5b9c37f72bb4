"""Notifications of the lake's bucket: the stack owns one list, Chalice adds to it, others may, too.

An update of the stack that touches the list writes all of it anew, without what Chalice added; `register`
merges ours in again and leaves alone what somebody else's function, queue or topic asked for.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.deployment.calls import Call

FUNCTIONS, TOPICS, QUEUES = (
    "LambdaFunctionConfigurations",
    "TopicConfigurations",
    "QueueConfigurations",
)
_TARGET = {FUNCTIONS: "LambdaFunctionArn", TOPICS: "TopicArn", QUEUES: "QueueArn"}
CREATED = ("s3:ObjectCreated:*",)
ARRIVED = {"prefix": "raw-data/"}
PUBLISHED = {"prefix": "processed-data/", "suffix": "_published.json"}

Configuration = Mapping[str, Any]


def wanted(crawler_function: str, arrivals_topic: str) -> dict[str, list[Configuration]]:
    """What the platform itself asks of the lake's bucket, by the kind of its target."""
    return {
        FUNCTIONS: [entry(FUNCTIONS, crawler_function, PUBLISHED)],
        TOPICS: [entry(TOPICS, arrivals_topic, ARRIVED)],
    }


def entry(kind: str, target: str, filters: Mapping[str, str]) -> Configuration:
    """One notification of created objects, as S3 takes it."""
    rules = [{"Name": name, "Value": value} for name, value in sorted(filters.items())]
    return {_TARGET[kind]: target, "Events": list(CREATED), "Filter": {"Key": {"FilterRules": rules}}}


def calls(bucket: str, actual: Configuration, wanted: Mapping[str, Sequence[Configuration]]) -> list[Call]:
    """The one call that mends the bucket's notifications; none where ours are there as they should be.

    `actual` is S3's answer. Entries of other targets, and EventBridge, go back as they came.
    """
    merged = {name: body for name, body in actual.items() if name != "ResponseMetadata"}
    mended = []
    for kind, ours in wanted.items():
        target = _TARGET[kind]
        present = list(merged.get(kind, ()))
        for arn in dict.fromkeys(one[target] for one in ours):
            asked = [one for one in ours if one[target] == arn]
            found = [one for one in present if one[target] == arn]
            if sorted(map(_meaning, found)) != sorted(map(_meaning, asked)):
                present = [one for one in present if one[target] != arn] + asked
                mended.append(arn.rsplit(":", 1)[-1])
        if present:
            merged[kind] = present
    if not mended:
        return []
    says = f"have {bucket} notify {', '.join(mended)}, others kept"
    arguments = {"Bucket": bucket, "NotificationConfiguration": merged}
    return [Call(says, "s3", "put_bucket_notification_configuration", arguments)]


def _meaning(one: Configuration) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Events and filters without what varies: ids, order, and S3's spelling of `Prefix`."""
    rules = one.get("Filter", {}).get("Key", {}).get("FilterRules", ())
    return tuple(sorted(one["Events"])), tuple(
        sorted((rule["Name"].lower(), rule["Value"]) for rule in rules)
    )
