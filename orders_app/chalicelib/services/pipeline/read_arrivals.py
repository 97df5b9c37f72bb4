"""Reads the messages of raw-data-queue: S3 events, plain or inside an SNS envelope, into raw files."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from chalicelib.domain.json_values import parsed
from chalicelib.services.pipeline.model import BadMessageError, Kind, RawFile

RAW_PREFIX = "raw-data/"
_NAMES_SALES = re.compile(r"(?<![a-z])(orders?|sales?)(?![a-z])")  # customer_orders.csv holds orders


def read_arrivals(body: str, lake_bucket: str) -> list[RawFile]:
    """The files of one message that belong to the raw zone; raises BadMessageError for anything else.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    event = _object(body)
    if event.get("Type") == "Notification":  # SNS, where raw message delivery is off
        event = _object(event.get("Message"))
    if event.get("Event") == "s3:TestEvent":  # sent once when a notification is set up
        return []
    records = event.get("Records")
    if not isinstance(records, list):
        raise BadMessageError(f"neither an S3 event nor a test event: {sorted(event)!r}")
    return list(_files(records, lake_bucket))


def kind_of(key: str) -> Kind:
    """What a raw file holds, by its folder, else by its name; sales where neither says."""
    folder, _, rest = key.removeprefix(RAW_PREFIX).partition("/")
    if rest and folder in set(Kind):
        return Kind(folder)
    name = key.rsplit("/", 1)[-1].lower()
    return Kind.CUSTOMERS if "customer" in name and not _NAMES_SALES.search(name) else Kind.SALES


def is_raw_data(key: str) -> bool:
    """False for folder markers, for hidden files (a writer's _SUCCESS), and outside of raw-data/."""
    name = key.rsplit("/", 1)[-1]
    return (
        key.startswith(RAW_PREFIX)
        and name != ""
        and not name.startswith(("_", "."))
        and "$folder$" not in name
    )


def _files(records: list[Any], lake_bucket: str) -> Iterator[RawFile]:
    for record in records:
        try:
            file = _file(record)
        except (KeyError, TypeError, ValueError) as error:
            raise BadMessageError(f"an S3 event record lacks or garbles {error}") from error
        created = str(record.get("eventName", "")).removeprefix("s3:").startswith("ObjectCreated:")
        if created and file.bucket == lake_bucket and is_raw_data(file.key):
            yield file


def _file(record: Mapping[str, Any]) -> RawFile:
    bucket, thing = record["s3"]["bucket"]["name"], record["s3"]["object"]
    key = unquote_plus(thing["key"])
    return RawFile(
        bucket=bucket,
        key=key,
        version_id=_version(thing.get("versionId")),
        etag=str(thing.get("eTag", "")).strip('"'),
        size=int(thing.get("size", 0)),
        sequencer=str(thing.get("sequencer", "")),
        kind=kind_of(key),
        object_time=datetime.fromisoformat(record["eventTime"]),
    )


def _version(value: object) -> str:
    return "" if value in (None, "null") else str(value)


def _object(text: object) -> dict[str, Any]:
    try:
        value = parsed(text) if isinstance(text, str) else None
    except ValueError as error:
        raise BadMessageError("the message is not JSON") from error
    if not isinstance(value, dict):
        raise BadMessageError("the message is not a JSON object")
    return value
