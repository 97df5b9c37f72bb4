"""Job runs: started, retried, stopped, timed out, logged and told of, with the states that AWS gives them.

https://docs.aws.amazon.com/glue/latest/dg/job-run-statuses.html
"""

import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scripts.local_cloud import glue_events
from scripts.local_cloud.glue_jobs.process import Assignment, CannotStart, Ending, JobProcess
from scripts.local_cloud.glue_protocol import ServiceError

ACTIVE = {"STARTING", "RUNNING", "STOPPING", "WAITING"}
_LOG_GROUPS = {True: "/aws-glue/jobs", False: "/aws-glue/python-jobs"}  # by whether it is Spark
_SEVERITY = {"SUCCEEDED": "INFO", "STOPPED": "INFO", "TIMEOUT": "WARN", "FAILED": "ERROR"}
_DEFAULT_MINUTES = 480

Run = dict[str, Any]


class Runner:
    """Every run of the engine, and the processes of those that are alive."""

    def __init__(self, scratch: Path, endpoint: str, minute: float = 60.0) -> None:
        self._scratch = scratch
        self._endpoint = endpoint
        self._minute = minute
        self._lock = threading.Lock()
        self._processes: dict[str, JobProcess] = {}
        self.on_end: list[Callable[[Run], None]] = []

    def start(self, job: Mapping[str, Any], request: Mapping[str, Any], **extra: Any) -> Run:
        """A new run; ConcurrentRunsExceededException if the job has as many as it may."""
        from ministack.services import glue

        limit = int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns") or 1)
        with self._lock:
            runs = glue._job_runs.setdefault(job["Name"], [])
            if sum(one["JobRunState"] in ACTIVE for one in runs) >= limit:
                raise ServiceError(
                    "ConcurrentRunsExceededException", f"Concurrent runs exceeded for {job['Name']}"
                )
            run = {**_new_run(job, request), **extra}
            runs.insert(0, run)
        self._spawn(job, run)
        return run

    def _spawn(self, job: Mapping[str, Any], run: Run) -> None:
        from ministack.core.concurrency import spawn_background

        spawn_background(self._run, dict(job), run, thread_name="glue-job")

    def _run(self, job: Mapping[str, Any], run: Run) -> None:
        folder = self._scratch / run["Id"]
        began = time.monotonic()
        try:
            ending = self._attempt(job, run, folder)
        except CannotStart as error:
            ending = Ending("FAILED", str(error))
        except Exception as error:
            ending = Ending("FAILED", f"{type(error).__name__}: {error}")
        finally:
            self._processes.pop(run["Id"], None)
            shutil.rmtree(folder, ignore_errors=True)
        self._end(job, run, ending, time.monotonic() - began)

    def _attempt(self, job: Mapping[str, Any], run: Run, folder: Path) -> Ending:
        from ministack.core.responses import get_region

        work = Assignment(
            script=(job.get("Command") or {}).get("ScriptLocation") or "",
            arguments=_arguments(job, run),
            folder=folder,
            endpoint=self._endpoint,
            region=get_region(),
            spark=_is_spark(job),
        )
        process = JobProcess(work, lambda name, lines: _log(run, name, lines))
        with self._lock:
            self._processes[run["Id"]] = process
            stopping = run["JobRunState"] == "STOPPING"
            if not stopping:
                run.update(JobRunState="RUNNING", LastModifiedOn=_now())
        if stopping:
            process.stop()
        return process.wait(run["Timeout"] * self._minute)

    def _end(self, job: Mapping[str, Any], run: Run, ending: Ending, seconds: float) -> None:
        now = _now()
        run.update(CompletedOn=now, LastModifiedOn=now, ExecutionTime=round(seconds))
        if ending.error:
            run["ErrorMessage"] = ending.error
            _log(run, "error", [ending.error])
        again = ending.state == "FAILED" and run["Attempt"] < int(job.get("MaxRetries") or 0)
        run["JobRunState"] = ending.state
        _announce(run, ending)
        if again:
            self._retry(job, run)
            return
        for listener in self.on_end:
            listener(run)

    def _retry(self, job: Mapping[str, Any], run: Run) -> None:
        from ministack.services import glue

        attempt = run["Attempt"] + 1
        first = run["Id"].partition("_attempt_")[0]
        again = _new_run(job, {"Arguments": run["Arguments"], "Timeout": run["Timeout"]})
        kept = {key: value for key, value in run.items() if key.startswith("_") or key == "TriggerName"}
        again.update(kept, Id=f"{first}_attempt_{attempt}", Attempt=attempt, PreviousRunId=run["Id"])
        glue._job_runs[job["Name"]].insert(0, again)
        self._spawn(job, again)

    def stop(self, run: Run) -> bool:
        """Begin to stop a run; False if it has ended already."""
        with self._lock:
            if run["JobRunState"] not in ACTIVE:
                return False
            run.update(JobRunState="STOPPING", LastModifiedOn=_now())
            process = self._processes.get(run["Id"])
        if process is not None:
            threading.Thread(target=process.stop, name="glue-job-stop", daemon=True).start()
        return True

    def stop_all(self) -> None:
        """The engine ends: so does every job."""
        for process in list(self._processes.values()):
            process.stop()


def _is_spark(job: Mapping[str, Any]) -> bool:
    return (job.get("Command") or {}).get("Name") in {"glueetl", "gluestreaming"}


def _arguments(job: Mapping[str, Any], run: Run) -> dict[str, str]:
    """The job's defaults, the run's own over them, its fixed ones over all; a Spark script also its ids."""
    given = {**(job.get("DefaultArguments") or {}), **run["Arguments"]}
    given.update(job.get("NonOverridableArguments") or {})
    if not _is_spark(job):
        return given
    return {
        "--JOB_ID": f"j_{run['_job_id']}",
        "--JOB_RUN_ID": run["Id"],
        "--JOB_NAME": run["JobName"],
        **given,
    }


def _new_run(job: Mapping[str, Any], request: Mapping[str, Any]) -> Run:
    now = _now()
    run: Run = {
        "Id": f"jr_{secrets.token_hex(32)}",
        "Attempt": 0,
        "JobName": job["Name"],
        "JobMode": job.get("JobMode") or "SCRIPT",
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "Arguments": dict(request.get("Arguments") or {}),
        "PredecessorRuns": [],
        "ExecutionTime": 0,
        "Timeout": int(request.get("Timeout") or job.get("Timeout") or _DEFAULT_MINUTES),
        "LogGroupName": _log_group(job, request),
        "ExecutionClass": request.get("ExecutionClass") or job.get("ExecutionClass") or "STANDARD",
        "_job_id": secrets.token_hex(32),
    }
    for name in ("MaxCapacity", "WorkerType", "NumberOfWorkers", "GlueVersion", "SecurityConfiguration"):
        if value := request.get(name) or job.get(name):
            run[name] = value
    return run


def _log_group(job: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html: the prefix of output and error."""
    given = {**(job.get("DefaultArguments") or {}), **(request.get("Arguments") or {})}
    return str(given.get("--custom-logGroup-prefix") or _LOG_GROUPS[_is_spark(job)])


def _now() -> float:
    return round(time.time(), 3)


def _log(run: Run, name: str, lines: list[str] | Any) -> None:
    glue_events.write_log(f"{run['LogGroupName']}/{name}", run["Id"], lines, int(time.time() * 1000))


def _announce(run: Run, ending: Ending) -> None:
    detail = {
        "jobName": run["JobName"],
        "severity": _SEVERITY[ending.state],
        "state": ending.state,
        "jobRunId": run["Id"],
        "message": ending.error or f"Job run {ending.state.lower()}",
    }
    glue_events.emit("Glue Job State Change", detail)
