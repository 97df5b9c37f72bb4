"""The lesson's own commands, run from docs/lesson-commands.md by the real AWS CLI, and what comes of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.local_run.outside import ledger, wait_until
from tests.e2e.conftest import ROOT
from tests.e2e.terminal import Terminal, answers
from tests.live import Platform

pytestmark = pytest.mark.e2e
PAGE = ROOT / "docs" / "lesson-commands.md"
ARN = r'"(arn:aws:states:[^"]+:execution:[^"]+)"'


@pytest.fixture
def terminal(platform: Platform, tmp_path: Path) -> Terminal:
    made = Terminal(PAGE, platform, tmp_path)
    made.run("Setting up")
    return made


def ended(platform: Platform, execution: str) -> Any:
    states = platform.client("stepfunctions")
    return wait_until(
        lambda: states.describe_execution(executionArn=execution),
        lambda found: found["status"] != "RUNNING",
        execution,
    )


def mail_about(platform: Platform, words: str) -> Any:
    found = wait_until(
        lambda: [mail for mail in platform.operators_mail() if words in mail["text"]], bool, f"mail: {words}"
    )
    assert len(found) == 1
    return found[0]


def captured(platform: Platform, order_id: str) -> list[int]:
    return [one.amount for one in ledger(platform.database_url).get(order_id, []) if one.kind == "capture"]


def test_step_3_a_message_published_to_the_topic_reaches_the_operators(
    platform: Platform, terminal: Terminal
) -> None:
    assert answers(terminal.run("Step 3"))[0]["MessageId"]
    mail = mail_about(platform, "placed successfully")
    assert (mail["to"], mail["subject"]) == ("operators@shop.example", "Test Order Notification")
    assert mail["text"] == "Your order has been placed successfully!"


def test_step_6_a_published_message_waits_in_the_queue_while_its_consumer_is_paused(
    platform: Platform, terminal: Terminal
) -> None:
    printed = terminal.run("Step 6")
    assert "pause orders-local-update-read-model" in printed
    assert "resume orders-local-update-read-model" in printed
    [message] = json.loads((terminal.folder / "received.json").read_text())["Messages"]
    assert json.loads(json.loads(message["Body"])["Message"])["orderId"] == "12345"
    wait_until(lambda: platform.depth("order-processing-queue"), lambda depth: depth == 0, "the queue's end")
    assert platform.depth("order-processing-dlq") == 0
    assert platform.api.get("/orders/12345").status == 404


def test_step_10_an_order_put_on_the_bus_completes_and_the_processor_logs_it(
    platform: Platform, terminal: Terminal
) -> None:
    put, logs = answers(terminal.run("Step 10"))
    assert put["FailedEntryCount"] == 0
    assert any("ORD-001" in event["message"] for event in logs["events"])
    assert "Jane Doe" not in json.dumps(logs)
    assert platform.settled("ORD-001") == "completed"
    assert captured(platform, "ORD-001") == [14999]


def test_step_14_a_workflow_started_by_hand_completes_its_order_and_tells_the_operators(
    platform: Platform, terminal: Terminal
) -> None:
    started, described, history = answers(terminal.run("Step 14"))[-3:]
    assert described["executionArn"] == started["executionArn"]
    assert history["events"][0]["type"] == "ExecutionStarted"
    assert ended(platform, started["executionArn"])["status"] == "SUCCEEDED"
    assert platform.settled("ORD-12345") == "completed"
    assert captured(platform, "ORD-12345") == [29999]
    mail = mail_about(platform, "ORD-12345")
    assert mail["to"] == "operators@shop.example"
    assert "Alice" not in mail["text"]


def test_step_15_orders_with_an_amount_alone_are_admitted_and_charged_once_each(
    platform: Platform, terminal: Terminal
) -> None:
    executions = re.findall(ARN, terminal.run("Step 15"))
    assert len(set(executions)) == 5
    for execution in executions:
        found = ended(platform, execution)
        assert found["status"] == "SUCCEEDED", found
        asked = json.loads(found["input"])
        assert platform.settled(asked["orderId"]) == "completed"
        assert captured(platform, asked["orderId"]) == [asked["amount"] * 100]


def test_step_18_the_curl_is_accepted_and_its_execution_is_listed(
    platform: Platform, terminal: Terminal
) -> None:
    printed = terminal.run("Step 18")
    accepted, listed, *_ = answers(printed)
    assert re.search(r"^202$", printed, re.MULTILINE)
    assert accepted["status"] == "processing"
    assert re.fullmatch(r"ORD-\w+", accepted["orderId"])
    assert accepted["message"]
    assert platform.settled(accepted["orderId"]) == "completed"
    assert captured(platform, accepted["orderId"]) == [49999]
    assert 1 <= len(listed["executions"]) <= 5
    owner = platform.executions(accepted["orderId"])
    assert [status for _, status in owner] == ["SUCCEEDED"]
