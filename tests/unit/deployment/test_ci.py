"""What CI does: every make target and module that it runs exists, and the slow tests run each night."""

import importlib.util
import re
from typing import Any

import yaml

from scripts.deployment import settings

TEXT = (settings.ROOT / ".github" / "workflows" / "ci.yml").read_text()
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
TRIGGERS = WORKFLOW[True]  # YAML takes `on` for a truth
JOBS: dict[str, Any] = WORKFLOW["jobs"]


def runs(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_everything_that_it_runs_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (settings.ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = "\n".join(command for job in JOBS for command in runs(job))
    assert set(re.findall(r"\bmake ([a-z-]+)", commands)) <= targets
    for module in re.findall(r"-m (scripts[.\w]*)", commands):
        assert importlib.util.find_spec(module) is not None, module
    for path in re.findall(r"\b(?:tests|etl)/[\w./-]+", commands):
        assert (settings.ROOT / path).exists(), path


def test_all_tests_run_each_night_and_nothing_else_does() -> None:
    assert TRIGGERS["schedule"]
    assert "make test-all" in runs("nightly")
    for name, job in JOBS.items():
        assert ("== 'schedule'" if name == "nightly" else "!= 'schedule'") in job["if"], name


def test_package_waits_for_every_other_job_of_a_push() -> None:
    assert set(JOBS["package"]["needs"]) == JOBS.keys() - {"package", "nightly"}
