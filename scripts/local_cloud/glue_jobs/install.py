"""Puts real job runs in the place of the engine's."""

from scripts.local_cloud import glue_events, seams
from scripts.local_cloud.gaps import Context
from scripts.local_cloud.glue_jobs.jobs import JobActions, answering
from scripts.local_cloud.glue_jobs.runs import Runner


def install(context: Context) -> None:
    """Hook the job actions; every process ends with the engine."""
    from ministack.services import glue, s3

    seams.require_engine_version()
    glue_events.check_seams()
    seams.function_at(s3, "_get_object_data", "bucket_name", "key", "version_id")
    for name in ("_start_job_run", "_get_job_run", "_get_job_runs", "_batch_stop_job_run"):
        seams.function_at(glue, name, "data")
    for name in ("_jobs", "_job_runs"):
        seams.value_at(glue, name, object)
    runner = Runner(context.scratch / "glue-jobs", context.endpoint)
    context.on_stop.append(runner.stop_all)
    actions = JobActions(
        runner, seams.function_at(glue, "_create_job", "data"), seams.function_at(glue, "_update_job", "data")
    )
    glue._create_job = actions.create
    glue._update_job = actions.update
    glue._start_job_run = answering(actions.start)
    glue._get_job_run = answering(actions.get_run)
    glue._get_job_runs = answering(actions.get_runs)
    glue._batch_stop_job_run = actions.stop
