"""Airflow's own program in its own virtual environment: sqlite, no server, nothing outside its home."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib import names
from scripts.airflow import layout
from scripts.local_run.environment import engine_environment

Json = dict[str, str]
PATIENCE = 1800  # seconds of one command


class AirflowError(RuntimeError):
    """Airflow refused or failed; the message is what it printed last."""


@dataclass(frozen=True)
class Airflow:
    """`python` is that of the environment; `home` is emptied by `prepare`."""

    python: Path
    home: Path
    endpoint: str

    def prepare(self) -> None:
        """The layout of MWAA, unpacked as MWAA unpacks it, and an empty metadata database."""
        shutil.rmtree(self.home, ignore_errors=True)
        built = layout.build(self.home / "bucket")
        with zipfile.ZipFile(built / "plugins.zip") as archive:
            archive.extractall(self.home / "plugins")
        self._require(built / "requirements.txt")
        self.run("db", "migrate")

    def _require(self, requirements: Path) -> None:
        """As MWAA does it, with the paths of this home; AirflowError where anything had to be fetched."""
        here = self.home / "requirements.txt"
        text = requirements.read_text()
        for folder, ours in (("dags", requirements.parent / "dags"), ("plugins", self.home / "plugins")):
            text = text.replace(f"/usr/local/airflow/{folder}", str(ours))
        here.write_text(text)
        command = [str(self.python), "-m", "pip", "install", "--dry-run", "-r", str(here)]
        done = subprocess.run(command, cwd=self.home, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode or "Would install" in done.stdout:
            raise AirflowError(f"MWAA could not install {requirements}: {done.stdout + done.stderr}")

    def test(self, dag: str, moment: str) -> subprocess.CompletedProcess[str]:
        """`airflow dags test`: the whole DAG in one process, retries included; what it printed is kept."""
        done = self._call("dags", "test", dag, moment)
        (self.home / "dags-test.log").write_text(done.stdout + done.stderr)
        return done

    def states(self, dag: str, moment: str) -> list[Json]:
        """Each task's state in the DAG run of that moment, in the order of their starts."""
        printed = self.run("tasks", "states-for-dag-run", dag, moment, "-o", "json")
        table = [line for line in printed.splitlines() if line.startswith("[{")]  # besides, log lines
        if not table:
            raise AirflowError(f"no states of {dag!r} at {moment}: {printed[-1000:]}")
        found: list[Json] = json.loads(table[-1])
        return sorted(found, key=lambda one: (one["start_date"] or "9", one["task_id"]))

    def run(self, *arguments: str) -> str:
        """What a command printed; raises AirflowError where it failed."""
        done = self._call(*arguments)
        if done.returncode:
            raise AirflowError(f"airflow {' '.join(arguments)}: {(done.stdout + done.stderr)[-2000:]}")
        return done.stdout

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.python), "-m", "airflow", *arguments]
        environment = self.environment()
        try:
            return subprocess.run(
                command, cwd=self.home, env=environment, capture_output=True, text=True, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired as error:
            raise AirflowError(f"airflow {' '.join(arguments)} took over {PATIENCE} s") from error

    def environment(self) -> Mapping[str, str]:
        """Nothing of this process's own environment but the bare system, then Airflow's and the engine's."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        database = f"sqlite:///{self.home / 'airflow.db'}"
        return {
            **kept,
            **engine_environment(self.endpoint),
            "PYTHONPATH": str(self.home / "plugins"),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.home / "bucket" / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.home / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home / "logs"),
            "AIRFLOW__ORDERS__STAGE": "local",
            "AIRFLOW__ORDERS__ACCOUNT": names.LOCAL_ACCOUNT,
            "AIRFLOW__ORDERS__POLL_SECONDS": "2",
        }
