"""The local engine's own parts that a contract test would wait minutes for: schedules and time limits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts.local_cloud.glue_jobs.process import Assignment, CannotStart, JobProcess, script_arguments
from scripts.local_cloud.glue_jobs.runs import Runner
from scripts.local_cloud.glue_jobs.schedule import Clock
from scripts.local_cloud.glue_jobs.triggers import Triggers
from scripts.local_cloud.glue_protocol import Response


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


class Store:
    """An S3 with one bucket, in this process's own engine modules."""

    def __init__(self) -> None:
        from ministack.services import s3

        s3._create_bucket("local-lake", b"", {})

    def put(self, key: str, text: str) -> str:
        from ministack.services import s3

        s3._put_object("local-lake", key, text.encode(), {})
        return f"s3://local-lake/{key}"


@pytest.fixture
def store() -> Iterator[Store]:
    from ministack.services import s3

    yield Store()
    s3.reset()


def work(folder: Path, script: str, **arguments: str) -> Assignment:
    return Assignment(script, arguments, folder / "run", "http://127.0.0.1:1", "us-east-1", spark=False)


def test_a_job_that_runs_too_long_ends_as_timeout(store: Store, tmp_path: Path) -> None:
    script = store.put("slow.py", "import time\ntime.sleep(600)\n")
    ending = JobProcess(work(tmp_path, script), lambda name, lines: None).wait(0.2)
    assert ending.state == "TIMEOUT"


def test_a_module_that_is_not_installed_here_is_refused(store: Store, tmp_path: Path) -> None:
    script = store.put("job.py", "")
    with pytest.raises(CannotStart, match="no-such-package"):
        JobProcess(
            work(tmp_path, script, **{"--additional-python-modules": "no-such-package==1.0"}),
            lambda name, lines: None,
        )


def test_launcher_arguments_do_not_reach_the_script() -> None:
    given = {"--extra-py-files": "s3://b/x.zip", "--mode": "daily", "--enable-metrics": "true"}
    assert script_arguments(given) == ["--mode", "daily"]


def test_a_trigger_fires_once_when_its_hour_has_come() -> None:
    from ministack.services import glue

    started: list[str] = []

    def start_crawler(data: Any) -> Response:
        started.append(data["Name"])
        return 200, {}, b"{}"

    now = at("2024-01-15T01:59:30")
    clock = Clock(Triggers(Runner(Path("/nonexistent"), ""), start_crawler), start_crawler, now=lambda: now)
    glue._triggers["nightly"] = {
        "Name": "nightly",
        "Type": "SCHEDULED",
        "State": "ACTIVATED",
        "Schedule": "cron(0 2 * * ? *)",
        "Actions": [{"CrawlerName": "raw"}],
        "WorkflowName": "",
    }
    glue._crawlers["raw"] = {"Name": "raw", "State": "READY"}
    try:
        clock.tick()
        assert started == []
        for later in ("2024-01-15T02:00:00", "2024-01-15T02:00:01", "2024-01-15T14:00:00"):
            now = at(later)
            clock.tick()
        assert started == ["raw"]
        now = at("2024-01-16T02:00:05")
        clock.tick()
        assert started == ["raw", "raw"]
    finally:
        glue.reset()
