"""What is to happen every minute does so by itself, though other tests call it by hand not to wait for it."""

import pytest

from chalicelib import names
from scripts.local_cloud.iam_check import Call, read_calls
from scripts.local_run.outside import wait_until
from scripts.local_run.stack import STAGE
from tests.live import Platform

pytestmark = [pytest.mark.e2e, pytest.mark.closing]


@pytest.mark.parametrize("schedule", ["relay-outbox", "sweep-orders", "expire-reservations", "start-etl-run"])
def test_every_minute_the_bus_calls(platform: Platform, schedule: str) -> None:
    function = names.function(schedule, STAGE)
    arn = f"arn:aws:lambda:{names.LOCAL_REGION}:{names.LOCAL_ACCOUNT}:function:{function}"
    call = Call("events.amazonaws.com", "lambda:InvokeFunction", arn, True)
    book = platform.engine.iam_calls
    wait_until(lambda: read_calls(book), lambda calls: call in calls, f"a call of {schedule}", 90)
