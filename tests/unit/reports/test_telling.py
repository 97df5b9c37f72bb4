"""The mail goes out once; every execution leaves one summary; people hear of what went wrong."""

import json

import pytest

from chalicelib.domain.errors import MessageRefusedError, ThrottledError
from tests.unit.reports.builders import EXECUTION, Desk, an_order

CLAIM = "work/mails/run-1.json"


def test_mail_names_the_figures_and_links_the_page() -> None:
    desk = Desk(an_order())
    state = desk.summarized()
    assert desk.reports.mail(desk.step(**state))["outcome"] == "sent"
    [(subject, text)] = desk.alerts.mails
    assert subject == "Sales of 2026-11-20: 157.97 USD"
    assert "https://console.example/reports/2026-11-20/report.html" in text
    assert "$157.97 from 1 order\n" in text


def test_a_repeated_step_sends_no_second_mail() -> None:
    desk = Desk(an_order())
    step = desk.step(**desk.summarized())
    assert [desk.reports.mail(step)["outcome"] for _ in range(3)] == ["sent", "already_sent", "already_sent"]
    assert len(desk.alerts.mails) == 1


def test_a_step_that_died_while_sending_shows_as_unknown_and_sends_nothing_more() -> None:
    desk = Desk(an_order())
    step = desk.step(**desk.summarized())
    desk.objects.claim(CLAIM, b'{"state": "claimed"}')
    assert desk.reports.mail(step)["outcome"] == "unknown"
    assert desk.alerts.mails == []


def test_a_lost_answer_leaves_the_mail_unknown() -> None:
    desk = Desk(an_order())
    step = desk.step(**desk.summarized())
    desk.alerts.fault = TimeoutError("no answer")
    assert desk.reports.mail(step)["outcome"] == "unknown"
    desk.alerts.fault = None
    assert desk.reports.mail(step)["outcome"] == "unknown"
    assert desk.alerts.mails == []


@pytest.mark.parametrize("fault", [ThrottledError("slow down"), MessageRefusedError("no such address")])
def test_a_mail_that_was_surely_not_sent_may_be_tried_again(fault: Exception) -> None:
    desk = Desk(an_order())
    step = desk.step(**desk.summarized())
    desk.alerts.fault = fault
    with pytest.raises(type(fault)):
        desk.reports.mail(step)
    desk.alerts.fault = None
    assert desk.reports.mail(step)["outcome"] == "sent"
    assert len(desk.alerts.mails) == 1


def test_a_finished_report_leaves_one_summary_and_no_alert() -> None:
    desk = Desk(an_order())
    state = {**desk.summarized(source="demo.run"), "mail": {"outcome": "sent"}}
    emitted = desk.reports.emit({**desk.step(**state), "workflow": "report-workflow"})
    assert emitted == {"outcome": "succeeded", "key": "executions/2026-11-20/run-1.json"}
    summary = desk.objects.json(emitted["key"])
    assert summary["status"] == "SUCCEEDED"
    assert summary["input"] == {"source": "demo.run"}
    assert summary["summary"]["revenue"] == "157.97"
    assert desk.alerts.alerts == []


@pytest.mark.parametrize("mail", [{"outcome": "unknown"}, {"Error": "MessageRefusedError", "Cause": "no"}])
def test_a_report_whose_mail_failed_is_partial_and_alerts(mail: dict[str, str]) -> None:
    desk = Desk(an_order())
    emitted = desk.reports.emit({**desk.step(**desk.summarized(), mail=mail), "workflow": "report-workflow"})
    assert emitted["outcome"] == "partial"
    [(subject, details)] = desk.alerts.alerts
    assert subject == "report-workflow ended with gaps"
    assert details["wrong"][0]["step"] == "mail"


def test_a_failure_is_recorded_with_its_cause_and_alerted() -> None:
    desk = Desk(an_order())
    cause = json.dumps({"errorMessage": "asked to fail by fail_summary", "errorType": "ThrottledError"})
    state = {
        "fail_summary": True, "clean": {"outcome": "cleaned"},
        "failure": {"Error": "ThrottledError", "Cause": cause},
    }  # fmt: skip
    recorded = desk.reports.record_failure({**desk.step(**state), "workflow": "report-workflow"})
    record = desk.objects.json(recorded["key"])
    assert (record["status"], record["error"], record["cause"]) == ("FAILED", "ThrottledError", cause)
    assert record["stepsDone"] == ["clean"]
    assert record["input"] == {"fail_summary": True}
    [(subject, details)] = desk.alerts.alerts
    assert subject == "report-workflow failed: ThrottledError"
    assert (details["execution"], details["cause"]) == (EXECUTION, cause)
