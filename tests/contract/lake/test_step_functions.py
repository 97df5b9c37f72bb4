"""Step Functions starts jobs, crawlers and queries, and waits for them.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html
"""

import json
from typing import Any

from tests.contract.lake.lake import Lake
from tests.contract.lake.test_glue_jobs import make_job


def run_task(lake: Lake, resource: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """One task as a machine of its own; a failure is caught and shown as `failure`."""
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Failed"}]
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, "End": True}
    states = {"Task": {**task, "Catch": catch}, "Failed": {"Type": "Pass", "End": True}}
    client = lake.cloud.client("stepfunctions")
    machine = client.create_state_machine(
        name=lake.cloud.name("machine"),
        definition=json.dumps({"StartAt": "Task", "States": states}),
        roleArn=lake.role("states.amazonaws.com"),
    )["stateMachineArn"]
    lake.cloud.undo(lambda: client.delete_state_machine(stateMachineArn=machine))
    execution = lake.cloud.run(machine, {}, 600)
    assert execution["status"] == "SUCCEEDED", execution
    return dict(json.loads(execution["output"]))


def test_a_job_is_run_to_its_end(lake: Lake) -> None:
    job = make_job(lake, "print('done')\n")
    output = run_task(lake, "glue:startJobRun.sync", {"JobName": job, "Arguments": {"--mode": "daily"}})
    assert output["JobRunState"] == "SUCCEEDED"
    assert output["Arguments"] == {"--mode": "daily"}


def test_a_failed_job_fails_the_task_with_the_run_as_its_cause(lake: Lake) -> None:
    job = make_job(lake, "raise ValueError('bad file')\n")
    failure = run_task(lake, "glue:startJobRun.sync", {"JobName": job})["failure"]
    assert failure["Error"] == "States.TaskFailed"
    cause = json.loads(failure["Cause"])
    assert cause["JobRunState"] == "FAILED"
    assert "bad file" in cause["ErrorMessage"]


def test_a_busy_job_has_its_own_error_name(lake: Lake) -> None:
    job = make_job(lake, "import time\ntime.sleep(600)\n")
    run = lake.glue.start_job_run(JobName=job)["JobRunId"]
    lake.cloud.undo(lambda: lake.glue.batch_stop_job_run(JobName=job, JobRunIds=[run]))
    failure = run_task(lake, "glue:startJobRun", {"JobName": job})["failure"]
    assert failure["Error"] == "Glue.ConcurrentRunsExceededException"


def test_an_unknown_job_has_its_own_error_name(lake: Lake) -> None:
    failure = run_task(lake, "glue:startJobRun.sync", {"JobName": "no-such-job"})["failure"]
    assert failure["Error"] == "Glue.EntityNotFoundException"


def test_a_query_is_run_to_its_end(lake: Lake) -> None:
    parameters = {
        "QueryString": "SELECT 7 / 2",
        "ResultConfiguration": {"OutputLocation": lake.uri("query-results/")},
    }
    output = run_task(lake, "athena:startQueryExecution.sync", parameters)
    assert output["QueryExecution"]["Status"]["State"] == "SUCCEEDED"
    query = output["QueryExecution"]["QueryExecutionId"]
    rows = run_task(lake, "athena:getQueryResults", {"QueryExecutionId": query})["ResultSet"]["Rows"]
    assert rows[1]["Data"] == [{"VarCharValue": "3"}]


def test_a_failed_query_fails_the_task(lake: Lake) -> None:
    parameters = {
        "QueryString": "SELECT * FROM no_such_table",
        "ResultConfiguration": {"OutputLocation": lake.uri("query-results/")},
    }
    failure = run_task(lake, "athena:startQueryExecution.sync", parameters)["failure"]
    assert failure["Error"] == "States.TaskFailed"
    assert "TABLE_NOT_FOUND" in failure["Cause"]


def test_a_crawler_is_started_and_watched(lake: Lake) -> None:
    lake.put("raw/a.csv", "id,price\n1,2.5\n2,3.5\n")
    crawler = lake.crawler("raw/")
    run_task(lake, "aws-sdk:glue:startCrawler", {"Name": crawler})
    assert lake.crawled(crawler)["Status"] == "SUCCEEDED"
    output = run_task(lake, "aws-sdk:glue:getCrawler", {"Name": crawler})
    assert output["Crawler"]["State"] == "READY"
    failure = run_task(lake, "aws-sdk:glue:startCrawler", {"Name": "no-such-crawler"})["failure"]
    assert failure["Error"] == "Glue.EntityNotFoundException"
