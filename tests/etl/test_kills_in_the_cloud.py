"""kill -9 before each catalog call of a run on S3 and Glue (moto's server), and the run again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "etl" / "samples"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client(endpoint: str, service: str) -> Any:
    names = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1", **names)


def plan(endpoint: str, folder: Path, number: int) -> Path:
    """A lake, a database and a manifest of their own for each kill."""
    s3, bucket, database = client(endpoint, "s3"), f"lake-{number}", f"lake_{number}"
    s3.create_bucket(Bucket=bucket)
    client(endpoint, "glue").create_database(DatabaseInput={"Name": database})
    files = []
    for name, kind in (("sales_data.csv", "sales"), ("customer_data.csv", "customers")):
        s3.put_object(Bucket=bucket, Key=f"raw-data/{name}", Body=(SAMPLES / name).read_bytes())
        time = "2024-02-01T00:00:00Z"
        files.append({"bucket": bucket, "key": f"raw-data/{name}", "kind": kind, "object_time": time})
    body = {"run_id": "run", "as_of": "2024-12-31", "files": files, "database": database}
    body |= {"output": f"s3://{bucket}/processed-data", "quarantine": f"s3://{bucket}/quarantine"}
    path = folder / f"plan-{number}.json"
    path.write_text(json.dumps(body))
    return path


def mortal_run(endpoint: str, path: Path, fatal: int) -> subprocess.CompletedProcess[str]:
    settings = {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1", **CREDENTIALS}
    command = [sys.executable, "-m", "tests.etl.kills", str(path), str(fatal)]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False, timeout=120
    )


def catalog(endpoint: str, number: int) -> dict[str, Any]:
    """Tables with their partitions, each at an object that is there; the lake's name left out."""
    glue, database = client(endpoint, "glue"), f"lake_{number}"
    found = {}
    for table in glue.get_tables(DatabaseName=database)["TableList"]:
        pages = glue.get_partitions(DatabaseName=database, TableName=table["Name"])["Partitions"]
        found[table["Name"]] = sorted(p["Values"][0] for p in pages)
        for partition in pages:
            where = partition["StorageDescriptor"]["Location"].removeprefix(f"s3://lake-{number}/")
            assert client(endpoint, "s3").list_objects_v2(Bucket=f"lake-{number}", Prefix=where)["KeyCount"]
    return found


def test_a_run_killed_before_any_catalog_call_and_run_again_leaves_the_same_catalog(
    endpoint: str, tmp_path: Path
) -> None:
    points = json.loads(mortal_run(endpoint, plan(endpoint, tmp_path, 0), 0).stdout)
    expected = catalog(endpoint, 0)
    assert sorted(expected) == ["customer_metrics", "daily_sales", "sales"]
    assert len(expected["daily_sales"]) == 5
    fatal = [n for n, point in enumerate(points, 1) if point == "catalog"]
    assert len(fatal) == 5
    for number in fatal:
        path = plan(endpoint, tmp_path, number)
        assert mortal_run(endpoint, path, number).returncode == -signal.SIGKILL
        again = mortal_run(endpoint, path, 0)
        assert again.returncode == 0, again.stderr
        assert catalog(endpoint, number) == expected
