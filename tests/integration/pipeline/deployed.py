"""What the live tests of the data path do: files in, runs out, settings changed for a while."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chalicelib import names
from scripts.local_run.lake_story import QueryError, query
from scripts.local_run.outside import delivered, wait_until
from scripts.local_run.stack import STAGE
from tests.live import Platform

LAKE = names.bucket("order-lake", STAGE, names.LOCAL_ACCOUNT)
HEADER = "order_id,customer_id,product_id,quantity,price,order_date,region\n"
STARTERS = ("record-arrivals", "start-etl-run", "handle-job-failure", "run-athena-checks", "start-crawler")


def sales(*lines: str) -> bytes:
    return (HEADER + "".join(f"{line}\n" for line in lines)).encode()


def upload(platform: Platform, key: str, body: bytes) -> str:
    platform.client("s3").put_object(Bucket=LAKE, Key=key, Body=body)
    return key


def run_of(platform: Platform, key: str) -> dict[str, Any] | None:
    """The latest run with this file."""
    columns = ("run_id", "state", "engine", "reason", "attempt", "error", "ended_at")
    found = platform.rows(
        f"select {', '.join(f'r.{name}' for name in columns)} from pipeline_runs r"
        " join pipeline_files f using (run_id) where f.key = %s order by r.started_at desc limit 1",
        key,
    )
    return dict(zip(columns, found[0], strict=True)) if found else None


def ended(platform: Platform, key: str, seconds: float = 300) -> dict[str, Any]:
    """That run, once it has ended."""

    def tended() -> dict[str, Any] | None:
        run = run_of(platform, key)
        if run is None or run["state"] == "retrying":
            platform.invoke("start-etl-run")  # the schedule, without the wait for the next full minute
        return run

    found = wait_until(tended, lambda run: bool(run and run["ended_at"]), f"the run with {key}", seconds)
    assert found is not None
    return found


def idle(platform: Platform, seconds: float = 300) -> None:
    """Wait until no run is on and no file waits for one."""
    busy = (
        "select (select count(*) from pipeline_runs where ended_at is null)"
        " + (select count(*) from pipeline_files where state in ('pending', 'claimed'))"
    )
    wait_until(lambda: platform.rows(busy), lambda rows: rows == [(0,)], "an idle data path", seconds)


def mailed(platform: Platform, words: str, seconds: float = 120) -> str:
    """The mail with these words."""
    found = wait_until(
        lambda: [post.text for post in delivered(platform.endpoint) if words in post.text],
        bool,
        f"a mail about {words!r}",
        seconds,
    )
    return found[0]


def alerted(platform: Platform, words: str, seconds: float = 120) -> tuple[str, dict[str, Any]]:
    """Subject and body of the critical alert with these words, as it is stored for operators to list."""
    query = "select subject, body from messages.critical_alerts where body like %s order by published_at"
    found = wait_until(
        lambda: platform.rows(query, f"%{words}%"), bool, f"a stored alert about {words!r}", seconds
    )
    subject, body = found[-1]
    return subject, json.loads(body)


def number(sql: str) -> str:
    """The one value of a query, '0' where the table is not there yet."""
    try:
        [row] = query(sql)
    except QueryError:
        return "0"
    return next(iter(row.values())) or "0"


@contextmanager
def unannounced(platform: Platform) -> Iterator[None]:
    """Meanwhile the bucket tells nobody of what is put there."""
    s3 = platform.client("s3")
    told = s3.get_bucket_notification_configuration(Bucket=LAKE)
    told.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=LAKE, NotificationConfiguration={})
    try:
        yield
    finally:
        s3.put_bucket_notification_configuration(Bucket=LAKE, NotificationConfiguration=told)


@contextmanager
def settings(platform: Platform, functions: tuple[str, ...], **changes: str) -> Iterator[None]:
    """Further environment for these functions while this lasts."""
    client = platform.client("lambda")
    before = {}
    for function in functions:
        name = names.function(function, STAGE)
        config = client.get_function_configuration(FunctionName=name)
        before[name] = dict(config.get("Environment", {}).get("Variables", {}))
        _environment(client, name, before[name] | changes)
    try:
        yield
    finally:
        for name, variables in before.items():
            _environment(client, name, variables)


def _environment(client: Any, name: str, variables: Mapping[str, str]) -> None:
    client.update_function_configuration(FunctionName=name, Environment={"Variables": dict(variables)})
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
