"""Tells the operators where the report is: one mail an execution, claimed before it is sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.errors import MessageRefusedError, ThrottledError
from chalicelib.services.reports.model import Task
from chalicelib.services.reports.page_text import change_in_words, count, money_text
from chalicelib.services.reports.parts import read_json
from chalicelib.services.reports.ports import Alerts, Claims, Links, Log, Objects


@dataclass(frozen=True)
class Mailer:
    objects: Objects
    claims: Claims
    alerts: Alerts
    links: Links
    log: Log


def mail_report(mailer: Mailer, given: Mapping[str, Any]) -> dict[str, Any]:
    """{"outcome": sent | already_sent | unknown, "page"}.

    `unknown`: an earlier try was cut off, or the answer was lost; it is not sent again, since it may have
    arrived. A refusal and a throttle give the claim back and are raised.
    """
    task = Task.from_input(given)
    summary = task.result("summary")
    page = summary["page"]
    claim = f"work/mails/{task.name}.json"
    if not mailer.claims.claim(claim, _state("claimed")):
        earlier = read_json(mailer.objects, claim)["state"]
        if earlier != "free":
            return {"outcome": "already_sent" if earlier == "sent" else "unknown", "page": page}
        mailer.claims.settle(claim, _state("claimed"))
    report = read_json(mailer.objects, summary["report"])
    try:
        mailer.alerts.mail(subject_of(report), text_of(report, mailer.links, page, summary["report"]))
    except (ThrottledError, MessageRefusedError):
        mailer.claims.settle(claim, _state("free"))
        raise
    except Exception as fault:
        mailer.log.error("mail may not have been sent", cause=f"{type(fault).__name__}: {fault}")
        return {"outcome": "unknown", "page": page}
    mailer.claims.settle(claim, _state("sent"))
    return {"outcome": "sent", "page": page}


def subject_of(report: Mapping[str, Any]) -> str:
    return f"Sales of {report['date']}: {report['totals']['revenue']} {report['currency']}"


def text_of(report: Mapping[str, Any], links: Links, page: str, data: str) -> str:
    totals, refunds, currency = report["totals"], report["refunds"], report["currency"]
    lines = [
        f"Sales report of {report['date']} (UTC), stage {report['stage']}",
        "",
        f"Revenue   {money_text(totals['revenue'], currency)} from {count(totals['orders'], 'order')}",
        *(
            f"          {change_in_words(other['change']['revenue'])} {name} ({other['date']})"
            for name, other in (
                ("the day before", report["comparison"]["dayBefore"]),
                ("a week before", report["comparison"]["weekBefore"]),
            )
        ),
        f"Refunds   {money_text(refunds['amount'], currency)} of {count(refunds['orders'], 'order')}",
        f"Rejected  {sum(report['account']['rejected'].values())} orders",
        "",
        f"Read it:  {links.of(page)}",
        f"As data:  {links.of(data)}",
    ]
    return "\n".join(lines) + "\n"


def _state(state: str) -> bytes:
    return json.dumps({"state": state}).encode()
