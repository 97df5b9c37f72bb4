"""A job run is the job's own script, with Glue's arguments, states, logs, retries and events.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
"""

import io
import json
import os
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud import Queue, eventually
from tests.contract.lake.lake import Lake

ENDED = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT"}


def make_job(lake: Lake, script: str, command: str = "pythonshell", **settings: Any) -> str:
    name = lake.cloud.name("job")
    lake.put(f"scripts/{name}.py", script)
    version = "3.9" if command == "pythonshell" else "3"
    given: dict[str, Any] = {
        "Command": {
            "Name": command,
            "ScriptLocation": lake.uri(f"scripts/{name}.py"),
            "PythonVersion": version,
        },
        "Role": lake.role(),
        "MaxRetries": 0,
        **settings,
    }
    if command == "glueetl":
        given = {"GlueVersion": "5.0", "WorkerType": "G.1X", "NumberOfWorkers": 2, **given}
    lake.glue.create_job(Name=name, **given)
    lake.cloud.undo(lambda: lake.glue.delete_job(JobName=name))
    return name


def ended(lake: Lake, job: str, run: str) -> dict[str, Any]:
    def look() -> Any:
        found = lake.glue.get_job_run(JobName=job, RunId=run)["JobRun"]
        return found if found["JobRunState"] in ENDED else None

    return dict(eventually(look, 600))


def run_job(lake: Lake, job: str, **request: Any) -> dict[str, Any]:
    return ended(lake, job, lake.glue.start_job_run(JobName=job, **request)["JobRunId"])


def logged(lake: Lake, group: str, run: str) -> list[str]:
    def look() -> Any:
        try:
            return lake.cloud.client("logs").get_log_events(logGroupName=group, logStreamName=run)["events"]
        except ClientError:
            return None

    return [event["message"].rstrip("\n") for event in eventually(look, 20)]


def state_changes(lake: Lake, job: str) -> Queue:
    queue = lake.cloud.queue()
    events, name = lake.cloud.client("events"), lake.cloud.name("rule")
    pattern = {"source": ["aws.glue"], "detail-type": ["Glue Job State Change"], "detail": {"jobName": [job]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue.arn}])
    lake.cloud.undo(lambda: events.delete_rule(Name=name))
    lake.cloud.undo(lambda: events.remove_targets(Rule=name, Ids=["queue"]))
    return queue


def test_a_job_logs_below_the_prefix_that_it_is_given(lake: Lake) -> None:
    """https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html"""
    prefix = f"/aws-glue/{lake.cloud.name('job')}"
    defaults = {"--custom-logGroup-prefix": prefix}
    job = make_job(lake, "import sys\nprint('argv', sys.argv)\n", "glueetl", DefaultArguments=defaults)
    run = run_job(lake, job)
    assert run["LogGroupName"] == prefix
    assert not any("custom-logGroup" in line for line in logged(lake, f"{prefix}/output", run["Id"]))


def test_a_spark_job_gets_its_arguments_as_argv(lake: Lake) -> None:
    script = "import sys, json\nprint('argv', json.dumps(sys.argv[1:]))\n"
    defaults = {"--table": "sales", "--mode": "full", "--extra-py-files": ""}
    job = make_job(lake, script, "glueetl", DefaultArguments=defaults)
    run = run_job(lake, job, Arguments={"--mode": "daily"})
    assert run["JobRunState"] == "SUCCEEDED"
    assert run["Arguments"] == {"--mode": "daily"}
    line = next(line for line in logged(lake, "/aws-glue/jobs/output", run["Id"]) if line.startswith("argv"))
    argv = json.loads(line.removeprefix("argv "))
    found = dict(zip(argv[::2], argv[1::2], strict=True))
    assert found["--JOB_NAME"] == job
    assert found["--JOB_RUN_ID"] == run["Id"]
    assert found["--table"] == "sales"
    assert found["--mode"] == "daily"
    assert "--extra-py-files" not in found


def test_a_failing_script_fails_its_run_with_its_error_and_log(lake: Lake) -> None:
    job = make_job(lake, "import sys\nprint('reading')\nraise ValueError('no such file: x')\n")
    queue = state_changes(lake, job)
    run = run_job(lake, job)
    assert run["JobRunState"] == "FAILED"
    assert "ValueError: no such file: x" in run["ErrorMessage"]
    assert "reading" in logged(lake, "/aws-glue/python-jobs/output", run["Id"])
    assert any("ValueError" in line for line in logged(lake, "/aws-glue/python-jobs/error", run["Id"]))
    event = queue.body(60)
    assert event["source"] == "aws.glue"
    assert event["detail"]["state"] == "FAILED"
    assert event["detail"]["severity"] == "ERROR"
    assert event["detail"]["jobRunId"] == run["Id"]
    assert "ValueError" in event["detail"]["message"]


def test_a_run_that_succeeds_is_told_of(lake: Lake) -> None:
    job = make_job(lake, "print('done')\n")
    queue = state_changes(lake, job)
    run = run_job(lake, job)
    assert run["JobRunState"] == "SUCCEEDED"
    assert run["CompletedOn"] >= run["StartedOn"]
    assert queue.body(60)["detail"] | {"message": ""} == {
        "jobName": job,
        "severity": "INFO",
        "state": "SUCCEEDED",
        "jobRunId": run["Id"],
        "message": "",
    }


def test_a_job_runs_once_at_a_time_unless_it_says_otherwise(lake: Lake) -> None:
    job = make_job(lake, "import time\ntime.sleep(600)\n")
    run = lake.glue.start_job_run(JobName=job)["JobRunId"]
    with pytest.raises(lake.glue.exceptions.ConcurrentRunsExceededException):
        lake.glue.start_job_run(JobName=job)
    lake.glue.batch_stop_job_run(JobName=job, JobRunIds=[run])
    assert ended(lake, job, run)["JobRunState"] == "STOPPED"


def test_two_runs_at_a_time_are_possible(lake: Lake) -> None:
    script = "import time\ntime.sleep(600)\n"
    job = make_job(lake, script, ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = [lake.glue.start_job_run(JobName=job)["JobRunId"] for _ in range(2)]
    answer = lake.glue.batch_stop_job_run(JobName=job, JobRunIds=[*runs, "jr_unknown"])
    assert [one["JobRunId"] for one in answer["SuccessfulSubmissions"]] == runs
    assert [one["ErrorDetail"]["ErrorCode"] for one in answer["Errors"]] == ["EntityNotFoundException"]
    assert {ended(lake, job, run)["JobRunState"] for run in runs} == {"STOPPED"}


def test_a_failed_run_is_tried_again_as_often_as_the_job_says(lake: Lake) -> None:
    job = make_job(lake, "raise SystemExit(3)\n", MaxRetries=1)
    first = run_job(lake, job)
    second = ended(lake, job, f"{first['Id']}_attempt_1")
    assert [first["Attempt"], second["Attempt"]] == [0, 1]
    assert second["PreviousRunId"] == first["Id"]
    assert second["JobRunState"] == "FAILED"


def test_modules_come_from_zips_and_wheels_in_s3(lake: Lake) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("recipes/__init__.py", "def answer():\n    return 42\n")
    lake.put("scripts/recipes.zip", archive.getvalue())
    script = "import recipes\nassert recipes.answer() == 42\n"
    modules = {"--extra-py-files": lake.uri("scripts/recipes.zip")}
    assert run_job(lake, make_job(lake, script, "glueetl"), Arguments=modules)["JobRunState"] == "SUCCEEDED"


def test_a_missing_script_fails_the_run(lake: Lake) -> None:
    job = make_job(lake, "")
    lake.s3.delete_object(Bucket=lake.bucket, Key=f"scripts/{job}.py")
    run = run_job(lake, job)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"]


def test_the_script_reads_its_options_by_awsglue(lake: Lake) -> None:
    script = (
        "import sys\n"
        "from awsglue.utils import getResolvedOptions\n"
        "args = getResolvedOptions(sys.argv, ['JOB_NAME', 'bucket'])\n"
        "assert args['bucket'] == 'b', args\n"
    )
    run = run_job(lake, make_job(lake, script, "glueetl"), Arguments={"--bucket": "b"})
    assert run["JobRunState"] == "SUCCEEDED", run


def test_an_unknown_job_or_run_is_not_found(lake: Lake) -> None:
    with pytest.raises(lake.glue.exceptions.EntityNotFoundException):
        lake.glue.start_job_run(JobName="no-such-job")
    with pytest.raises(lake.glue.exceptions.EntityNotFoundException):
        lake.glue.get_job_run(JobName=make_job(lake, ""), RunId="jr_unknown")


# Addresses as /proc/net shows them: 127.0.0.1, the same as IPv6, ::1.
LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
# Where the job's Java listens, how large it is, and the files that it holds open outside of the job's folder.
OF_THIS_MACHINE = """
import json, os
from pathlib import Path
def of(pid):
    return [os.readlink(f) for f in Path(f'/proc/{pid}/fd').iterdir() if f.is_symlink()]
jvm = glue.spark_session.sparkContext._jvm
pid = jvm.java.lang.ProcessHandle.current().pid()
links = of(pid)
rows = [row.split() for name in ('tcp', 'tcp6') for row in open(f'/proc/net/{name}').readlines()[1:]]
listening = [row[1].rpartition(':')[0] for row in rows if row[3] == '0A' and f'socket:[{row[9]}]' in links]
temporary = jvm.java.lang.System.getProperty('java.io.tmpdir')
maps = [row.split()[-1] for row in open(f'/proc/{pid}/maps') if 'hsperfdata' in row]
warehouse = glue.spark_session.conf.get('spark.sql.warehouse.dir').removeprefix('file:')
print(json.dumps({
    'listening': listening,
    'memory': jvm.java.lang.Runtime.getRuntime().maxMemory(),
    'ui': str(glue.spark_session.sparkContext.uiWebUrl),
    'partitions': glue.spark_session.conf.get('spark.sql.shuffle.partitions'),
    'outside': maps + [place for place in (temporary, warehouse) if not place.startswith(os.getcwd())],
}))
"""


@pytest.mark.spark
def test_a_spark_job_runs_on_spark(lake: Lake) -> None:
    """https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python.html"""
    script = (
        "import sys\n"
        "from awsglue.context import GlueContext\n"
        "from awsglue.job import Job\n"
        "from awsglue.utils import getResolvedOptions\n"
        "from pyspark.context import SparkContext\n"
        "args = getResolvedOptions(sys.argv, ['JOB_NAME'])\n"
        "glue = GlueContext(SparkContext.getOrCreate())\n"
        "job = Job(glue)\n"
        "job.init(args['JOB_NAME'], args)\n"
        "total = glue.spark_session.range(101).selectExpr('sum(id) AS total').first()['total']\n"
        "print('total', total, glue.spark_session.version)\n"
        "job.commit()\n"
    )
    if lake.cloud.endpoint:
        script += OF_THIS_MACHINE
    run = run_job(lake, make_job(lake, script, "glueetl"))
    assert run["JobRunState"] == "SUCCEEDED", run
    lines = logged(lake, "/aws-glue/jobs/output", run["Id"])
    assert any(line.startswith("total 5050 3.5") for line in lines)
    if lake.cloud.endpoint:
        told = json.loads(next(line for line in lines if line.startswith("{")))
        assert told["listening"]
        assert [place for place in told["listening"] if place not in LOOPBACK] == []
        assert int(told["memory"]) > 2 << 30
        assert (told["ui"], told["partitions"]) == ("None", str(2 * (os.cpu_count() or 2)))
        assert told["outside"] == []
