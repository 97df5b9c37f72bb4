"""A stack makes the lake's catalog, crawler, job, triggers, workflow and workgroup, ready to run.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Glue.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-athena-workgroup.html
"""

import json
from typing import Any

from tests.contract.cloud import eventually
from tests.contract.lake.lake import Lake


def template(lake: Lake, name: str) -> dict[str, Any]:
    database = name.replace("-", "_")
    command = {"Name": "glueetl", "ScriptLocation": lake.uri("scripts/job.py"), "PythonVersion": "3"}
    job = {
        "Name": f"{name}-job",
        "Role": lake.role(),
        "Command": command,
        "GlueVersion": "5.0",
        "WorkerType": "G.1X",
        "NumberOfWorkers": 2,
        "MaxRetries": 0,
        "Timeout": 30,
        "ExecutionProperty": {"MaxConcurrentRuns": 3},
        "DefaultArguments": {"--mode": "daily"},
    }
    storage = {
        "Columns": [{"Name": "region", "Type": "string"}],
        "Location": lake.uri("daily_sales/"),
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
            "Parameters": {"field.delim": ","},
        },
    }
    table = {"Name": "daily_sales", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage}
    catalog = {"Ref": "AWS::AccountId"}
    csv = {"Name": f"{name}-csv", "Delimiter": ",", "ContainsHeader": "PRESENT"}
    settings = {"ResultConfiguration": {"OutputLocation": lake.uri("results/")}}
    properties: dict[str, tuple[str, dict[str, Any]]] = {
        "Database": ("Glue::Database", {"CatalogId": catalog, "DatabaseInput": {"Name": database}}),
        "Table": (
            "Glue::Table",
            {"CatalogId": catalog, "DatabaseName": {"Ref": "Database"}, "TableInput": table},
        ),
        "Classifier": ("Glue::Classifier", {"CsvClassifier": csv}),
        "Crawler": (
            "Glue::Crawler",
            {
                "Name": f"{name}-crawler",
                "Role": job["Role"],
                "DatabaseName": {"Ref": "Database"},
                "Classifiers": [{"Ref": "Classifier"}],
                "TablePrefix": "raw_",
                "Targets": {"S3Targets": [{"Path": lake.uri("customers/")}]},
            },
        ),
        "Job": ("Glue::Job", job),
        "Workflow": ("Glue::Workflow", {"Name": f"{name}-nightly"}),
        "Trigger": (
            "Glue::Trigger",
            {
                "Name": f"{name}-start",
                "Type": "SCHEDULED",
                "Schedule": "cron(0 2 * * ? *)",
                "StartOnCreation": True,
                "WorkflowName": {"Ref": "Workflow"},
                "Actions": [{"JobName": {"Ref": "Job"}}],
            },
        ),
        "Workgroup": (
            "Athena::WorkGroup",
            {"Name": f"{name}-analytics", "RecursiveDeleteOption": True, "WorkGroupConfiguration": settings},
        ),
    }
    return {
        "Resources": {key: {"Type": f"AWS::{kind}", "Properties": p} for key, (kind, p) in properties.items()}
    }


def test_a_stack_makes_a_lake_that_runs(lake: Lake) -> None:
    client, name = lake.cloud.client("cloudformation"), lake.cloud.name("stack")
    lake.put("scripts/job.py", "print('ran')\n")
    lake.put("customers/c.csv", "customer_id,name\nC001,John Smith\nC002,Jane Doe\n")
    lake.put("daily_sales/a.csv", "North\n")
    client.create_stack(StackName=name, TemplateBody=json.dumps(template(lake, name)))
    lake.cloud.undo(lambda: client.delete_stack(StackName=name))

    def look() -> Any:
        status = client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        assert "ROLLBACK" not in status, client.describe_stack_events(StackName=name)["StackEvents"]
        return status == "CREATE_COMPLETE"

    eventually(look, 300)
    database = name.replace("-", "_")
    assert lake.glue.get_job(JobName=f"{name}-job")["Job"]["ExecutionProperty"] == {"MaxConcurrentRuns": 3}
    trigger = lake.glue.get_trigger(Name=f"{name}-start")["Trigger"]
    assert (trigger["State"], trigger["WorkflowName"]) == ("ACTIVATED", f"{name}-nightly")
    lake.crawl(f"{name}-crawler")
    table = lake.glue.get_table(DatabaseName=database, Name="raw_customers")["Table"]
    assert lake.columns(table) == {"customer_id": "string", "name": "string"}
    context = {"QueryExecutionContext": {"Database": database}, "WorkGroup": f"{name}-analytics"}
    done = lake.execute("SELECT region FROM daily_sales", **context)
    assert done["ResultConfiguration"]["OutputLocation"].startswith(lake.uri("results/"))
    run = lake.glue.start_workflow_run(Name=f"{name}-nightly")["RunId"]

    def ended() -> Any:
        found = lake.glue.get_workflow_run(Name=f"{name}-nightly", RunId=run)["Run"]
        return found if found["Status"] == "COMPLETED" else None

    assert eventually(ended, 600)["Statistics"]["SucceededActions"] == 1
