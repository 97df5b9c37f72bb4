"""Triggers and workflows start jobs and crawlers when their time or their condition has come.

https://docs.aws.amazon.com/glue/latest/dg/about-triggers.html
https://docs.aws.amazon.com/glue/latest/dg/workflows_overview.html
"""

from typing import Any

import pytest

from tests.contract.cloud import eventually
from tests.contract.lake.lake import Lake
from tests.contract.lake.test_glue_jobs import ended, make_job


def make_trigger(lake: Lake, kind: str, actions: list[dict[str, Any]], **settings: Any) -> str:
    name = lake.cloud.name("trigger")
    lake.glue.create_trigger(Name=name, Type=kind, Actions=actions, **settings)
    lake.cloud.undo(lambda: lake.glue.delete_trigger(Name=name))
    return name


def make_workflow(lake: Lake) -> str:
    name = lake.cloud.name("workflow")
    lake.glue.create_workflow(Name=name, DefaultRunProperties={"day": "2024-01-15"})
    lake.cloud.undo(lambda: lake.glue.delete_workflow(Name=name))
    return name


def runs_of(lake: Lake, job: str) -> list[dict[str, Any]]:
    return list(lake.glue.get_job_runs(JobName=job)["JobRuns"])


def test_a_scheduled_trigger_is_not_active_until_it_is_started(lake: Lake) -> None:
    job = make_job(lake, "")
    trigger = make_trigger(lake, "SCHEDULED", [{"JobName": job}], Schedule="cron(0 2 * * ? *)")
    assert lake.glue.get_trigger(Name=trigger)["Trigger"]["State"] == "CREATED"
    lake.glue.start_trigger(Name=trigger)
    state = eventually(
        lambda: lake.glue.get_trigger(Name=trigger)["Trigger"]["State"].replace("ACTIVATING", "")
    )
    assert state == "ACTIVATED"
    lake.glue.stop_trigger(Name=trigger)
    eventually(lambda: lake.glue.get_trigger(Name=trigger)["Trigger"]["State"] == "DEACTIVATED")


def test_an_on_demand_trigger_fires_when_it_is_started(lake: Lake) -> None:
    job = make_job(lake, "import sys\nassert '--mode' in sys.argv\n")
    trigger = make_trigger(lake, "ON_DEMAND", [{"JobName": job, "Arguments": {"--mode": "daily"}}])
    lake.glue.start_trigger(Name=trigger)
    run = eventually(lambda: runs_of(lake, job), 60)[0]
    assert run["TriggerName"] == trigger
    assert ended(lake, job, run["Id"])["JobRunState"] == "SUCCEEDED"


def test_a_workflow_runs_its_steps_one_after_the_other(lake: Lake) -> None:
    first, second = make_job(lake, "print('one')\n"), make_job(lake, "print('two')\n")
    lake.put("raw/a.csv", "id,price\n1,2.5\n2,3.5\n")
    crawler, workflow = lake.crawler("raw/"), make_workflow(lake)
    make_trigger(lake, "ON_DEMAND", [{"CrawlerName": crawler}], WorkflowName=workflow)
    crawled = {"LogicalOperator": "EQUALS", "CrawlerName": crawler, "CrawlState": "SUCCEEDED"}
    after = {"StartOnCreation": True, "WorkflowName": workflow}
    make_trigger(lake, "CONDITIONAL", [{"JobName": first}], Predicate={"Conditions": [crawled]}, **after)
    succeeded = {"LogicalOperator": "EQUALS", "JobName": first, "State": "SUCCEEDED"}
    make_trigger(lake, "CONDITIONAL", [{"JobName": second}], Predicate={"Conditions": [succeeded]}, **after)
    run_id = lake.glue.start_workflow_run(Name=workflow)["RunId"]

    def look() -> Any:
        found = lake.glue.get_workflow_run(Name=workflow, RunId=run_id)["Run"]
        return found if found["Status"] == "COMPLETED" else None

    run = eventually(look, 600)
    assert run["Statistics"]["TotalActions"] == run["Statistics"]["SucceededActions"] == 3
    assert run["WorkflowRunProperties"] == {"day": "2024-01-15"}
    assert lake.glue.get_workflow(Name=workflow)["Workflow"]["LastRun"]["WorkflowRunId"] == run_id
    assert "raw" in lake.tables()


def test_a_step_whose_condition_is_not_met_does_not_run(lake: Lake) -> None:
    first, second = make_job(lake, "raise SystemExit(1)\n"), make_job(lake, "")
    workflow = make_workflow(lake)
    make_trigger(lake, "ON_DEMAND", [{"JobName": first}], WorkflowName=workflow)
    condition = {"LogicalOperator": "EQUALS", "JobName": first, "State": "SUCCEEDED"}
    make_trigger(
        lake,
        "CONDITIONAL",
        [{"JobName": second}],
        Predicate={"Conditions": [condition]},
        WorkflowName=workflow,
        StartOnCreation=True,
    )
    run_id = lake.glue.start_workflow_run(Name=workflow)["RunId"]

    def look() -> Any:
        found = lake.glue.get_workflow_run(Name=workflow, RunId=run_id)["Run"]
        return found if found["Status"] == "COMPLETED" else None

    assert eventually(look, 600)["Statistics"]["FailedActions"] == 1
    assert runs_of(lake, second) == []


def test_an_unknown_workflow_is_not_found(lake: Lake) -> None:
    with pytest.raises(lake.glue.exceptions.EntityNotFoundException):
        lake.glue.start_workflow_run(Name="no-such-workflow")
