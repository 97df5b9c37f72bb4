"""`make smoke` says 0 of a platform that works, and 1 and why of one that does not."""

import pytest

from scripts import smoke
from scripts.local_run.outside import wait_until
from tests.live import Platform, crashing

pytestmark = pytest.mark.e2e


def run(platform: Platform) -> int:
    return smoke.main(["--stage", "local", "--project-dir", str(platform.folder / "app")])


def test_platform_that_works_passes_with_an_order_that_completes(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(platform)
    said = capsys.readouterr()
    assert code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0] == "ok: every resource is as declared"
    assert lines[1] == "ok: health: ok"
    assert lines[-1].endswith("ended completed")
    order = lines[-1].split()[2]
    assert platform.status(order) == "completed"


def test_platform_whose_api_crashes_fails_and_says_so(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    with crashing(platform):
        wait_until(lambda: platform.api.get("/health").status, lambda status: status == 502, "the crash", 30)
        assert run(platform) == 1
    assert "GET /health answered 502" in capsys.readouterr().err
    wait_until(lambda: platform.api.get("/health").status, lambda status: status == 200, "well again", 30)


def test_platform_that_lacks_something_fails_and_names_it(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    s3, bucket = platform.client("s3"), "order-lake-local-000000000000"
    before = s3.get_bucket_notification_configuration(Bucket=bucket)
    del before["ResponseMetadata"]
    topics = {"TopicConfigurations": before["TopicConfigurations"]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=topics)
    try:
        assert run(platform) == 1
    finally:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=before)
    said = capsys.readouterr()
    assert "not deployed as declared: have order-lake-local-000000000000 notify" in said.err
    assert "ok:" not in said.out
