"""The job actions of the Glue API, on runs that really run."""

from collections.abc import Callable, Mapping
from typing import Any

from scripts.local_cloud.glue_jobs.runs import Run, Runner
from scripts.local_cloud.glue_protocol import Action, Response, ServiceError, page, refusal, reply

_COMMANDS = {"glueetl", "pythonshell"}


class JobActions:
    """What answers CreateJob, StartJobRun and their like."""

    def __init__(self, runner: Runner, create: Action, update: Action) -> None:
        self._runner = runner
        self._create = create
        self._update = update

    def create(self, data: dict[str, Any]) -> Response:
        """CreateJob: every setting is kept, the ones too that the engine does not know."""
        from ministack.services import glue

        command = data.get("Command") or {}
        if command.get("Name") not in _COMMANDS:
            message = f"the local Glue runs {sorted(_COMMANDS)}, not command {command.get('Name')!r}"
            return refusal(ServiceError("InvalidInputException", message))
        answer = self._create(data)
        if answer[0] < 300:
            _keep(glue._jobs[data["Name"]], data)
        return answer

    def update(self, data: dict[str, Any]) -> Response:
        """UpdateJob."""
        from ministack.services import glue

        answer = self._update(data)
        if answer[0] < 300:
            _keep(glue._jobs[data["JobName"]], data.get("JobUpdate") or {})
        return answer

    def start(self, data: dict[str, Any]) -> Response:
        """StartJobRun."""
        from ministack.services import glue

        job = glue._jobs.get(data.get("JobName"))
        if job is None:
            message = f"Failed to start job run due to missing metadata: {data.get('JobName')}"
            raise ServiceError("EntityNotFoundException", message)
        return reply({"JobRunId": self._runner.start(job, data)["Id"]})

    def get_run(self, data: dict[str, Any]) -> Response:
        """GetJobRun."""
        return reply({"JobRun": shown(find_run(str(data.get("JobName")), str(data.get("RunId"))))})

    def get_runs(self, data: dict[str, Any]) -> Response:
        """GetJobRuns, the newest first."""
        from ministack.services import glue

        name = data.get("JobName")
        if name not in glue._jobs:
            raise ServiceError("EntityNotFoundException", f"Job name {name} not found")
        runs, more = page([shown(run) for run in glue._job_runs.get(name, [])], data, 200)
        return reply({"JobRuns": runs, **more})

    def stop(self, data: dict[str, Any]) -> Response:
        """BatchStopJobRun."""
        name, stopped, errors = str(data.get("JobName")), [], []
        for run_id in data.get("JobRunIds") or []:
            entry = {"JobName": name, "JobRunId": run_id}
            try:
                if not self._runner.stop(find_run(name, run_id)):
                    raise ServiceError("JobRunNotInTerminalStateException", "Job run is not running")
                stopped.append(entry)
            except ServiceError as error:
                errors.append({**entry, "ErrorDetail": {"ErrorCode": error.code, "ErrorMessage": str(error)}})
        return reply({"SuccessfulSubmissions": stopped, "Errors": errors})


def _keep(record: dict[str, Any], given: Mapping[str, Any]) -> None:
    record.update({key: value for key, value in given.items() if key not in {"Name", "Tags"}})


def find_run(job_name: str, run_id: str) -> Run:
    from ministack.services import glue

    for run in glue._job_runs.get(job_name) or []:
        if run["Id"] == run_id:
            found: Run = run
            return found
    raise ServiceError("EntityNotFoundException", f"Job run {run_id} is not found for job {job_name}")


def shown(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run without our own notes."""
    return {key: value for key, value in run.items() if not key.startswith("_")}


def answering(action: Action) -> Callable[[dict[str, Any]], Response]:
    """The action, its errors as the API answers them."""

    def answer(data: dict[str, Any]) -> Response:
        try:
            return action(data)
        except ServiceError as error:
            return refusal(error)

    return answer
