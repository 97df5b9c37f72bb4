"""An alarm on a metric that nobody emits never rings, or never stops."""

import re
from pathlib import Path

from chalicelib.services.report_event import OUTCOMES

ROOT = Path(__file__).resolve().parents[2]
OURS = re.compile(r"Namespace: OrderPlatform\n\s+MetricName: (\w+)")


def test_every_alarm_on_a_metric_of_ours_names_one_that_the_app_emits() -> None:
    fragments = sorted((ROOT / "scripts" / "cloudformation").rglob("*.yaml"))
    watched = {name for file in fragments for name in OURS.findall(file.read_text(encoding="utf-8"))}
    code = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "orders_app").rglob("*.py"))
    assert "OutboxAgeSeconds" in watched
    assert {name for name in watched if f'"{name}"' not in code} == set()


def test_every_outcome_that_an_alarm_watches_is_one_that_is_counted() -> None:
    fragments = sorted((ROOT / "scripts" / "cloudformation").rglob("*.yaml"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in fragments)
    watched = set(re.findall(r"{Name: Outcome, Value: (\w+)}", text))
    assert "compensation_failed" in watched
    assert watched <= set(OUTCOMES.values())
