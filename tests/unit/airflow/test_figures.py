"""docs/mwaa.md's figures of Step Functions are those of the machine: its transitions, counted."""

import json
import re
from collections import deque
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "mwaa.md").read_text()
STATES: dict[str, Any] = json.loads((ROOT / "statemachines" / "etl.asl.json").read_text())["States"]
START = "PrepareRun"
PRICE, FREE, ENVIRONMENT = 0.025 / 1000, 4_000, 357.70
POLLS = 4  # of a crawler that takes a minute


def entered(start: str, end: str) -> int:
    """States that are entered on the shortest way from one to the other, both counted; no fault on it."""
    waiting, seen = deque([(start, 1)]), set[str]()
    while waiting:
        name, count = waiting.popleft()
        if name == end and count > 1:
            return count
        state = STATES[name]
        for target in [
            state.get("Next"),
            state.get("Default"),
            *(c["Next"] for c in state.get("Choices", ())),
        ]:
            if target and (target == end or target not in seen):
                seen.add(target)
                waiting.append((target, count + 1))
    raise AssertionError(f"no way from {start!r} to {end!r}")


def test_transitions_of_a_run_are_those_of_the_machine() -> None:
    poll = entered("WaitForCrawler", "WaitForCrawler") - 1
    fixed = entered(START, "RunSucceeded") - poll
    run = fixed + POLLS * poll
    row = next(line for line in PAGE.splitlines() if line.startswith("| one run |"))
    said = re.search(r"(\d+) transitions, and (\d+) for every (\d+) s of crawling: (\d+)", row)
    assert said is not None, row
    assert [int(one) for one in said.groups()] == [fixed, poll, STATES["WaitForCrawler"]["Seconds"], run]
    assert f"**${run * PRICE:.4f}**" in row


def test_bills_are_those_of_the_transitions_with_the_free_ones_taken_off() -> None:
    run = entered(START, "RunSucceeded") + (POLLS - 1) * (entered("WaitForCrawler", "WaitForCrawler") - 1)
    month, hourly = 30 * run, 720 * run
    assert f"{month:,} transitions: inside the free {FREE:,}" in PAGE
    assert f"{hourly:,} transitions, {FREE:,} of them free: **${(hourly - FREE) * PRICE:.2f}**" in PAGE
    equal = (ENVIRONMENT / PRICE + FREE) / run
    assert f"about {round(equal, -3):,.0f} such runs a month" in PAGE
