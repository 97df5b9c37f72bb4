"""Triggers and workflows: what starts jobs and crawlers, on a schedule, on demand, or when others have ended.

https://docs.aws.amazon.com/glue/latest/dg/about-triggers.html
https://docs.aws.amazon.com/glue/latest/dg/workflows_overview.html
"""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from scripts.local_cloud.glue_jobs.runs import Run, Runner
from scripts.local_cloud.glue_protocol import Response, ServiceError, call, page, reply

_STATISTICS = {
    "SUCCEEDED": "SucceededActions",
    "FAILED": "FailedActions",
    "TIMEOUT": "TimeoutActions",
    "STOPPED": "StoppedActions",
    "CANCELLED": "StoppedActions",
    "ERROR": "ErroredActions",
}
_NUMBERS = ("TotalActions", "TimeoutActions", "FailedActions", "StoppedActions", "SucceededActions",
            "RunningActions", "ErroredActions", "WaitingActions")  # fmt: skip

Record = dict[str, Any]


class Triggers:
    """Fires triggers, and keeps the runs of their workflows."""

    def __init__(self, runner: Runner, start_crawler: Callable[[Mapping[str, Any]], Response]) -> None:
        self._runner = runner
        self._start_crawler = start_crawler
        self._lock = threading.RLock()
        self._met: dict[tuple[str, str], set[int]] = {}
        self._crawls: dict[str, tuple[str, Record | None]] = {}
        runner.on_end.append(self.on_job_end)

    # --- actions of the API

    def start_trigger(self, data: Record) -> Response:
        """StartTrigger activates; an on-demand trigger fires at once."""
        trigger = _find("_triggers", data, "Trigger")
        if trigger["Type"] == "ON_DEMAND":
            self.fire(trigger, None)
        else:
            trigger.update(State="ACTIVATED", _since=time.time())
        return reply({"Name": trigger["Name"]})

    def start_workflow_run(self, data: Record) -> Response:
        """StartWorkflowRun fires the workflow's starting trigger."""
        workflow = _find("_workflows", data, "Workflow")
        starting = [one for one in _triggers_of(workflow["Name"]) if one["Type"] != "CONDITIONAL"]
        if not starting:
            raise ServiceError(
                "InvalidInputException", f"Workflow {workflow['Name']} has no starting trigger"
            )
        run = self._new_run(workflow, data.get("RunProperties") or {})
        self.fire(starting[0], run)
        return reply({"RunId": run["WorkflowRunId"]})

    def get_workflow_run(self, data: Record) -> Response:
        """GetWorkflowRun."""
        run = _find_run(data)
        shown = _shown(run)
        if data.get("IncludeGraph"):
            shown["Graph"] = {"Nodes": [_node(one) for one in run["_actions"]], "Edges": []}
        return reply({"Run": shown})

    def get_workflow_runs(self, data: Record) -> Response:
        """GetWorkflowRuns, the newest first."""
        from ministack.services import glue

        _find("_workflows", data, "Workflow")
        runs, more = page(
            [_shown(run) for run in reversed(glue._workflow_runs.get(data["Name"]) or [])], data
        )
        return reply({"Runs": runs, **more})

    def get_workflow(self, data: Record) -> Response:
        """GetWorkflow."""
        from ministack.services import glue

        workflow = _find("_workflows", data, "Workflow")
        runs = glue._workflow_runs.get(workflow["Name"]) or []
        return reply({"Workflow": {**workflow, **({"LastRun": _shown(runs[-1])} if runs else {})}})

    def stop_workflow_run(self, data: Record) -> Response:
        """StopWorkflowRun."""
        run = _find_run(data)
        if run["Status"] != "RUNNING":
            raise ServiceError("IllegalWorkflowStateException", f"Workflow run is {run['Status']}")
        run["Status"] = "STOPPING"
        for action in run["_actions"]:
            if "run" in action:
                self._runner.stop(action["run"])
        self._settle(run)
        return reply({})

    def get_run_properties(self, data: Record) -> Response:
        """GetWorkflowRunProperties."""
        return reply({"RunProperties": _find_run(data)["WorkflowRunProperties"]})

    def put_run_properties(self, data: Record) -> Response:
        """PutWorkflowRunProperties."""
        _find_run(data)["WorkflowRunProperties"].update(data.get("RunProperties") or {})
        return reply({})

    # --- firing

    def _new_run(self, workflow: Record, properties: Mapping[str, str]) -> Record:
        from ministack.services import glue

        runs = glue._workflow_runs.setdefault(workflow["Name"], [])
        limit = int(workflow.get("MaxConcurrentRuns") or 0)
        if limit and sum(run["Status"] == "RUNNING" for run in runs) >= limit:
            raise ServiceError("ConcurrentRunsExceededException", f"{workflow['Name']} runs already")
        run = {
            "Name": workflow["Name"],
            "WorkflowRunId": f"wr_{secrets.token_hex(32)}",
            "WorkflowRunProperties": {**(workflow.get("DefaultRunProperties") or {}), **properties},
            "StartedOn": round(time.time(), 3),
            "Status": "RUNNING",
            "_actions": [],
        }
        runs.append(run)
        return run

    def fire_scheduled(self, trigger: Record) -> None:
        """The schedule has come: in a workflow, a run of it begins."""
        from ministack.services import glue

        workflow = glue._workflows.get(trigger.get("WorkflowName") or "")
        try:
            self.fire(trigger, self._new_run(workflow, {}) if workflow else None)
        except ServiceError as error:
            trigger["_last_error"] = str(error)

    def fire(self, trigger: Record, workflow_run: Record | None) -> None:
        """Start every action. A standalone trigger raises what went wrong, a workflow notes it.

        All are noted as running before the first one starts: what ends at once must find its entry.
        """
        actions = list(trigger.get("Actions") or [])
        entries = [_entry(trigger, action) for action in actions]
        if workflow_run is not None:
            workflow_run["_actions"] += entries
        for action, entry in zip(actions, entries, strict=True):
            try:
                self._start(trigger, action, entry, workflow_run)
            except ServiceError as error:
                if workflow_run is None:
                    raise
                entry.update(state="ERROR", error=f"{error.code}: {error}")
        if workflow_run is not None:
            self._settle(workflow_run)

    def _start(self, trigger: Record, action: Record, entry: Record, workflow_run: Record | None) -> None:
        from ministack.services import glue

        if crawler := action.get("CrawlerName"):
            entry["crawler"] = glue._crawlers.get(crawler)
            self._crawls[crawler] = (trigger["Name"], workflow_run)
            call(self._start_crawler, {"Name": crawler})
            return
        job = glue._jobs.get(action.get("JobName"))
        if job is None:
            raise ServiceError("EntityNotFoundException", f"Job {action.get('JobName')} not found")
        arguments = dict(action.get("Arguments") or {})
        if workflow_run is not None:
            arguments["--WORKFLOW_NAME"] = workflow_run["Name"]
            arguments["--WORKFLOW_RUN_ID"] = workflow_run["WorkflowRunId"]
        request = {"Arguments": arguments, "Timeout": action.get("Timeout")}
        entry["job"] = job["Name"]
        run = self._runner.start(job, request, TriggerName=trigger["Name"], _workflow=workflow_run)
        entry.setdefault("run", run)

    # --- what follows when something has ended

    def on_job_end(self, run: Run) -> None:
        if not run.get("TriggerName"):
            return  # only what a trigger started can fire another
        workflow_run = run.get("_workflow")
        with self._lock:
            for action in (workflow_run or {}).get("_actions", []):
                if action.get("job") == run["JobName"] and action["state"] == "RUNNING":
                    action.update(state=run["JobRunState"], run=run)
            self._meet("JobName", "State", run["JobName"], run["JobRunState"], workflow_run)

    def on_crawl_end(self, record: Mapping[str, Any]) -> None:
        trigger, workflow_run = self._crawls.pop(record["Name"], ("", None))
        if not trigger:
            return
        state = record["LastCrawl"]["Status"]
        with self._lock:
            for action in (workflow_run or {}).get("_actions", []):
                if action["name"] == record["Name"] and "crawler" in action and action["state"] == "RUNNING":
                    action["state"] = state
            self._meet("CrawlerName", "CrawlState", record["Name"], state, workflow_run)

    def _meet(self, kind: str, state_key: str, name: str, state: str, workflow_run: Record | None) -> None:
        """Mark the conditions that this end meets, and fire the triggers that have what they wait for."""
        from ministack.services import glue

        for trigger in list(glue._triggers.values()):
            if trigger["Type"] != "CONDITIONAL" or trigger["State"] != "ACTIVATED":
                continue
            if (trigger.get("WorkflowName") or "") != (workflow_run or {}).get("Name", ""):
                continue
            conditions = (trigger.get("Predicate") or {}).get("Conditions") or []
            met = self._met.setdefault(
                (trigger["Name"], (workflow_run or {}).get("WorkflowRunId", "")), set()
            )
            hits = {
                i for i, one in enumerate(conditions) if one.get(kind) == name and one.get(state_key) == state
            }
            met |= hits
            every = (trigger.get("Predicate") or {}).get("Logical", "AND") == "AND"
            if hits and (len(met) == len(conditions) or not every):
                met.clear()
                self._fire_quietly(trigger, workflow_run)
        if workflow_run is not None:
            self._settle(workflow_run)

    def _fire_quietly(self, trigger: Record, workflow_run: Record | None) -> None:
        try:
            self.fire(trigger, workflow_run)
        except ServiceError as error:
            trigger["_last_error"] = str(error)

    def _settle(self, run: Record) -> None:
        """A workflow's run is over when nothing of it runs."""
        with self._lock:
            if run["Status"] in {"COMPLETED", "STOPPED"} or any(
                a["state"] == "RUNNING" for a in run["_actions"]
            ):
                return
            stopped = run["Status"] == "STOPPING"
            run.update(Status="STOPPED" if stopped else "COMPLETED", CompletedOn=round(time.time(), 3))


def _entry(trigger: Record, action: Mapping[str, Any]) -> Record:
    return {"trigger": trigger["Name"], "name": _action_name(action), "state": "RUNNING"}


def _action_name(action: Mapping[str, Any]) -> str:
    return str(action.get("JobName") or action.get("CrawlerName"))


def _triggers_of(workflow: str) -> list[Record]:
    from ministack.services import glue

    return [one for one in glue._triggers.values() if one.get("WorkflowName") == workflow]


def _find(store: str, data: Mapping[str, Any], what: str) -> Record:
    from ministack.services import glue

    found: Record | None = getattr(glue, store).get(data.get("Name"))
    if found is None:
        raise ServiceError("EntityNotFoundException", f"{what} {data.get('Name')} not found")
    return found


def _find_run(data: Mapping[str, Any]) -> Record:
    from ministack.services import glue

    for run in glue._workflow_runs.get(data.get("Name")) or []:
        if run["WorkflowRunId"] == data.get("RunId"):
            found: Record = run
            return found
    raise ServiceError("EntityNotFoundException", f"Workflow run {data.get('RunId')} not found")


def _shown(run: Mapping[str, Any]) -> Record:
    shown = {key: value for key, value in run.items() if not key.startswith("_")}
    statistics = dict.fromkeys(_NUMBERS, 0)
    for action in run["_actions"]:
        statistics["TotalActions"] += 1
        statistics[_STATISTICS.get(action["state"], "RunningActions")] += 1
    return {**shown, "Statistics": statistics}


def _node(action: Mapping[str, Any]) -> Record:
    if "run" in action:
        run = {key: value for key, value in action["run"].items() if not key.startswith("_")}
        return {
            "Type": "JOB",
            "Name": action["name"],
            "UniqueId": run["Id"],
            "JobDetails": {"JobRuns": [run]},
        }
    crawl = {"State": action["state"]} if action["state"] != "ERROR" else {"State": "FAILED"}
    details = {"Crawls": [crawl]}
    return {"Type": "CRAWLER", "Name": action["name"], "UniqueId": action["name"], "CrawlerDetails": details}
