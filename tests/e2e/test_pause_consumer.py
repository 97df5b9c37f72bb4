"""`python -m scripts.pause_consumer` says what it does, does it once, and refuses what it cannot do."""

import pytest

from scripts import pause_consumer
from tests.live import Platform

pytestmark = pytest.mark.e2e
LOCAL = ["--stage", "local"]
QUEUE = "lake-export-queue"


def state(platform: Platform) -> str:
    arn = f"arn:aws:sqs:us-east-1:000000000000:{QUEUE}-local"
    [found] = platform.client("lambda").list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    return str(found["State"])


def test_pausing_twice_changes_nothing_and_resuming_undoes_it(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    for options, said, left in (
        (["--dry-run"], "pause orders-local-export-to-lake", "Enabled"),
        ([], "pause orders-local-export-to-lake", "Disabled"),
        ([], "nothing to pause", "Disabled"),
        (["--resume"], "resume orders-local-export-to-lake", "Enabled"),
    ):
        assert pause_consumer.main([QUEUE, *LOCAL, *options]) == 0
        assert capsys.readouterr().out.strip() == said
        assert state(platform) == left


@pytest.mark.parametrize(
    ("queue", "words"),
    [("order-processing-dlq", "has no consumer"), ("no-such-queue", "has no queue 'no-such-queue'")],
)
def test_a_queue_without_consumer_is_refused(
    platform: Platform, capsys: pytest.CaptureFixture[str], queue: str, words: str
) -> None:
    assert pause_consumer.main([queue, *LOCAL]) == 1
    assert words in capsys.readouterr().err
