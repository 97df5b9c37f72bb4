"""kill -9 before each catalog call of a run on S3 and Glue (moto's server), and the run again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
    """Tables with their partitions, each where the state says; the lake's name left out."""
    glue, database = client(endpoint, "glue"), f"lake_{number}"
    where = {"Bucket": f"lake-{number}", "Key": "processed-data/_state/current.json"}
    state = json.loads(client(endpoint, "s3").get_object(**where)["Body"].read())
    found = {}
    for table in glue.get_tables(DatabaseName=database)["TableList"]:
        pages = glue.get_partitions(DatabaseName=database, TableName=table["Name"])["Partitions"]
        found[table["Name"]] = sorted(p["Values"][0] for p in pages)
        for partition in pages:
            where = partition["StorageDescriptor"]["Location"].removeprefix(f"s3://lake-{number}/")
            assert client(endpoint, "s3").list_objects_v2(Bucket=f"lake-{number}", Prefix=where)["KeyCount"]
            if table["Name"] == "sales":  # not what was superseded
                assert f"processed-data/{state['sales'][partition['Values'][0]]}".startswith(where)
    return found


def finished(endpoint: str, path: Path, number: int) -> Path:
    """A lake in which a run is over, and the manifest of one that writes its month again, with a new day."""
    assert mortal_run(endpoint, path, 0).returncode == 0
    header = "order_id,customer_id,quantity,price,order_date\n"
    body = header + "9001,C001,1,5.00,2024-01-29\n9002,C001,1,5.00,2024-02-01\n"
    client(endpoint, "s3").put_object(Bucket=f"lake-{number}", Key="raw-data/more.csv", Body=body.encode())
    later = {"key": "raw-data/more.csv", "kind": "sales", "object_time": "2024-02-02T00:00:00Z"}
    plan_ = json.loads(path.read_text())
    plan_ |= {"run_id": "run-2", "files": [{"bucket": f"lake-{number}", **later}]}
    path.write_text(json.dumps(plan_))
    return path


def die_everywhere(
    endpoint: str, folder: Path, first: int, prepared: Callable[[str, Path, int], Path]
) -> set[str]:
    """Each catalog call of a run is its last one once, in a lake of its own; the calls that it made."""
    path = prepared(endpoint, plan(endpoint, folder, first), first)
    points = json.loads(mortal_run(endpoint, path, 0).stdout)
    expected = catalog(endpoint, first)
    fatal = [n for n, point in enumerate(points, 1) if point.startswith("catalog ")]

    def die_and_run_again(number: int) -> tuple[int, str, object]:
        lake = first + number
        path = prepared(endpoint, plan(endpoint, folder, lake), lake)
        died = mortal_run(endpoint, path, number).returncode
        again = mortal_run(endpoint, path, 0)
        return died, again.stderr, catalog(endpoint, lake)

    with ThreadPoolExecutor(2) as pool:
        for number, found in zip(fatal, pool.map(die_and_run_again, fatal), strict=True):
            assert found == (-signal.SIGKILL, "", expected), f"killed before {points[number - 1]}"
    return {points[number - 1].removeprefix("catalog ") for number in fatal}


def test_a_run_killed_before_any_catalog_call_and_run_again_leaves_the_same_catalog(
    endpoint: str, tmp_path: Path
) -> None:
    made = die_everywhere(endpoint, tmp_path, 0, lambda _endpoint, path, _number: path)
    assert sorted(catalog(endpoint, 0)) == ["customer_metrics", "daily_sales", "sales"]
    assert len(catalog(endpoint, 0)["daily_sales"]) == 5
    changed = die_everywhere(endpoint, tmp_path, 1000, finished)
    assert len(catalog(endpoint, 1000)["daily_sales"]) == 7
    assert changed >= {"update_partition", "batch_create_partition"}
    assert made | changed == {"create_table", "batch_create_partition", "update_partition"}
