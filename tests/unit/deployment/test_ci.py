"""What CI does: every make target and module that it runs exists, and the slow tests run each night."""

import importlib.util
import re
from typing import Any

import yaml

from scripts.deployment import settings

TEXT = (settings.ROOT / ".github" / "workflows" / "ci.yml").read_text()
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
SETUP = (settings.ROOT / "scripts" / "setup.sh").read_text()
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


def test_every_version_of_python_that_deploys_is_tested_and_named() -> None:
    versions = re.findall(r"3\.\d+", re.findall(r"Python (3\.11.*?) is needed", SETUP)[0])
    assert JOBS["test"]["strategy"]["matrix"]["python-version"] == versions
    guide = (settings.ROOT / "docs" / "operations" / "deploy.md").read_text()
    assert f"Python {', '.join(versions[:-1])} or {versions[-1]}." in guide


def test_package_waits_for_every_other_job_of_a_push() -> None:
    assert set(JOBS["package"]["needs"]) == JOBS.keys() - {"package", "nightly"}
