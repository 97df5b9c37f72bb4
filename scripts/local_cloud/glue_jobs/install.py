"""Puts real job runs, triggers and workflows in the place of the engine's."""

from collections.abc import Callable, Mapping
from typing import Any

from scripts.local_cloud import glue_events, seams
from scripts.local_cloud.crawlers import run as crawls
from scripts.local_cloud.crawlers.install import start_crawler
from scripts.local_cloud.gaps import Context
from scripts.local_cloud.glue_jobs import schedule
from scripts.local_cloud.glue_jobs.jobs import JobActions, answering
from scripts.local_cloud.glue_jobs.runs import Runner
from scripts.local_cloud.glue_jobs.triggers import Triggers
from scripts.local_cloud.glue_protocol import Response

Answer = Callable[[dict[str, Any]], Response]


def install(context: Context) -> Mapping[str, Answer]:
    """Hook the actions; every process ends with the engine. Answers those that the engine has no name for."""
    _check_seams()
    runner = Runner(context.scratch / "glue-jobs", context.endpoint)
    context.on_stop.append(runner.stop_all)
    _hook_jobs(runner)
    triggers = Triggers(runner, start_crawler)
    crawls.on_end.append(triggers.on_crawl_end)
    clock = schedule.Clock(triggers, start_crawler)
    clock.start()
    context.on_stop.append(clock.stop)
    return _hook_triggers(triggers)


def _check_seams() -> None:
    from ministack.services import glue, s3

    seams.require_engine_version()
    glue_events.check_seams()
    schedule.check_seams()
    seams.function_at(s3, "_get_object_data", "bucket_name", "key", "version_id")
    for name in ("_start_job_run", "_get_job_run", "_get_job_runs", "_batch_stop_job_run"):
        seams.function_at(glue, name, "data")
    for name in ("_start_trigger", "_start_workflow_run", "_get_workflow"):
        seams.function_at(glue, name, "data")
    for name in ("_jobs", "_job_runs", "_triggers", "_workflows", "_workflow_runs"):
        seams.value_at(glue, name, object)


def _hook_jobs(runner: Runner) -> None:
    from ministack.services import glue

    create, update = (seams.function_at(glue, name, "data") for name in ("_create_job", "_update_job"))
    actions = JobActions(runner, create, update)
    glue._create_job = actions.create
    glue._update_job = actions.update
    glue._start_job_run = answering(actions.start)
    glue._get_job_run = answering(actions.get_run)
    glue._get_job_runs = answering(actions.get_runs)
    glue._batch_stop_job_run = actions.stop


def _hook_triggers(triggers: Triggers) -> Mapping[str, Answer]:
    from ministack.services import glue

    glue._start_trigger = answering(triggers.start_trigger)
    glue._start_workflow_run = answering(triggers.start_workflow_run)
    glue._get_workflow = answering(triggers.get_workflow)
    return {
        "GetWorkflowRun": triggers.get_workflow_run,
        "GetWorkflowRuns": triggers.get_workflow_runs,
        "StopWorkflowRun": triggers.stop_workflow_run,
        "GetWorkflowRunProperties": triggers.get_run_properties,
        "PutWorkflowRunProperties": triggers.put_run_properties,
    }
