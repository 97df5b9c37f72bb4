"""The job against S3 and the Glue catalog (moto in this process)."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from etl.engines import spark_io
from etl.errors import InputError
from etl.job import main
from etl.lambda_small_batch import handler
from etl.manifest import parse_manifest
from etl.schemas import SALES
from tests.etl.builders import BUCKET, DATABASE

SAMPLES = Path(__file__).parents[2] / "etl" / "samples"
SALES_HEADER = "order_id,customer_id,product_id,quantity,price,order_date,region"
MANIFEST = {
    "run_id": "run-1",
    "as_of": "2024-12-31",
    "output": f"s3://{BUCKET}/processed-data",
    "quarantine": f"s3://{BUCKET}/quarantine",
    "database": DATABASE,
}


def upload(s3: Any, key: str, content: bytes) -> dict[str, Any]:
    version = s3.put_object(Bucket=BUCKET, Key=key, Body=content)["VersionId"]
    kind = "customers" if "customer" in key else "sales"
    return {
        "bucket": BUCKET,
        "key": key,
        "version_id": version,
        "kind": kind,
        "object_time": "2024-02-01T00:00:00Z",
    }


def put_manifest(s3: Any, files: list[dict[str, Any]], run_id: str = "run-1", **more: Any) -> str:
    body = MANIFEST | {"run_id": run_id, "files": files} | more
    s3.put_object(Bucket=BUCKET, Key=f"temp/{run_id}.json", Body=json.dumps(body))
    return f"s3://{BUCKET}/temp/{run_id}.json"


def samples(s3: Any) -> list[dict[str, Any]]:
    names = ("sales_data.csv", "customer_data.csv")
    return [upload(s3, f"raw-data/{name}", (SAMPLES / name).read_bytes()) for name in names]


def keys(s3: Any, prefix: str) -> list[str]:
    return [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


def test_the_small_batch_lambda_publishes_a_manifest(s3: Any) -> None:
    answer = handler({"manifest": put_manifest(s3, samples(s3))})
    assert answer["rows_in"] == 17
    assert answer["tables"]["daily_sales"] == {"partitions": 5, "rows": 10, "revenue": "779.82"}
    assert len(keys(s3, "processed-data/daily_sales/")) == 5
    published = s3.get_object(Bucket=BUCKET, Key="processed-data/_published.json")["Body"].read()
    assert json.loads(published)["dates_touched"][0] == "2024-01-15"


def test_the_manifests_version_is_read_even_if_the_object_was_replaced(s3: Any) -> None:
    files = samples(s3)
    s3.put_object(Bucket=BUCKET, Key="raw-data/sales_data.csv", Body=b"something else")
    assert handler({"manifest": put_manifest(s3, files)})["quarantined"] == 0


def test_two_versions_of_one_key_in_one_manifest_are_two_files(s3: Any) -> None:
    header = "order_id,customer_id,quantity,price,order_date\n"
    contents = ("1,C001,x,1.00,2024-01-01\n2,C001,1,2.00,2024-01-01\n", "3,C001,1,4.00,2024-01-01\n")
    files = [upload(s3, "raw-data/s.csv", (header + content).encode()) for content in contents]
    answer = handler({"manifest": put_manifest(s3, files)})
    assert (answer["rows_in"], answer["quarantined"]) == (3, 1)
    assert answer["tables"]["daily_sales"]["revenue"] == "6.00"
    (rejects,) = keys(s3, "quarantine/")
    body = s3.get_object(Bucket=BUCKET, Key=rejects)["Body"].read().splitlines()
    assert [json.loads(row)["order_id"] for row in body] == ["1"]


def test_an_object_that_is_listed_twice_is_read_once(s3: Any) -> None:
    assert handler({"manifest": put_manifest(s3, samples(s3) * 2)})["rows_in"] == 17


def test_partitions_are_registered_and_silver_moves_to_the_newest_run(s3: Any) -> None:
    files = samples(s3)
    client = boto3.client("glue")
    for run_id in ("run-1", "run-2"):
        handler({"manifest": put_manifest(s3, files, run_id)})
    found = client.get_partitions(DatabaseName=DATABASE, TableName="sales")["Partitions"]
    assert [p["Values"] for p in found] == [["2024-01"]]
    assert all("/run=run-2.2/" in p["StorageDescriptor"]["Location"] for p in found)
    gold = client.get_partitions(DatabaseName=DATABASE, TableName="daily_sales")["Partitions"]
    assert sorted(p["Values"][0] for p in gold)[0] == "2024-01-15"


def raw_table(name: str, key: str, header: str) -> None:
    columns = [{"Name": column, "Type": "string"} for column in header.split(",")]
    described = {"Columns": columns, "Location": f"s3://{BUCKET}/{key}"}
    table = {"Name": name, "StorageDescriptor": described}
    boto3.client("glue").create_table(DatabaseName=DATABASE, TableInput=table)


def nightly(*arguments: str) -> int:
    given = ["--JOB_NAME", "etl-job", "--engine", "duckdb", "--database_name", DATABASE]
    given += ["--table_prefix", "raw_data", "--output_path", f"s3://{BUCKET}/processed-data"]
    return main([*given, "--TempDir", "s3://x/temp/", "--enable-metrics", "", *arguments])


def test_the_job_reads_the_catalogs_raw_tables_in_the_seeds_way(
    s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    samples(s3)
    raw_table("raw_data_sales_data_csv", "raw-data/sales_data.csv", SALES_HEADER)
    customers = "customer_id,name,email,registration_date,status"
    raw_table("raw_data_customer_data_csv", "raw-data/customer_data.csv", customers)
    assert nightly() == 0
    assert "rows in 17 = accepted 17 + quarantined 0" in capsys.readouterr().out


def test_the_nightly_job_takes_what_the_starter_takes_and_leaves_bad_files_out(s3: Any) -> None:
    """One that an operator took in by a larger share is left out, too: its rows are in the tables."""
    lines = [f"b{n},C001,P1,{'none' if n % 3 else 1},1.00,2024-03-01,North" for n in range(120)]
    bad = upload(s3, "raw-data/bad.csv", "\n".join([SALES_HEADER, *lines, ""]).encode())
    options = {"max_quarantined_share": 1}
    assert handler({"manifest": put_manifest(s3, [bad], options=options)})["quarantined"] == 80
    samples(s3)
    for n in range(3):  # small bad files do not stop their runs, and together not the nightly one
        upload(s3, f"raw-data/small-{n}.csv", (SALES_HEADER + "\nx,y" * 40).encode())
    for name in ("_staging.csv", ".part.csv", "day_$folder$"):
        upload(s3, f"raw-data/{name}", f"{SALES_HEADER}\nh{name},C001,P1,1,1.00,2024-03-01,North\n".encode())
    raw_table("raw_data", "raw-data/", SALES_HEADER)
    assert nightly("--run_id", "night") == 0
    report = json.loads(s3.get_object(Bucket=BUCKET, Key="processed-data/_reports/night.json")["Body"].read())
    assert (report["rows_in"], report["accepted"], report["quarantined"]) == (137, 17, 120)
    assert report["left_out"] == [
        f"s3://{BUCKET}/raw-data/bad.csv: 80 of 120 rows would be quarantined (quantity_invalid 80)",
        *(
            f"s3://{BUCKET}/raw-data/small-{n}.csv: none of its 40 rows is accepted (wrong_field_count 40)"
            for n in range(3)
        ),
    ]
    assert report["tables"]["daily_sales"]["revenue"] == "819.82"


def test_a_key_of_any_characters_is_read_like_any_other(s3: Any) -> None:
    """One poisoned key must not stop the files beside it."""
    content = b"order_id,customer_id,quantity,price,order_date\n1,C001,1,1.00,2024-01-01\n"
    files = [upload(s3, f"raw-data/{name}.csv", content) for name in ("a\\b", "it's", "[x]*?", "\u2028")]
    assert handler({"manifest": put_manifest(s3, files)})["accepted"] == 4


def test_a_prefix_that_no_raw_table_has_is_one_clear_sentence(
    s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    raw_table("raw_data_customers", "raw-data/", "customer_id,name")
    arguments = ["--database_name", DATABASE, "--table_prefix", "row_data"]
    assert main([*arguments, "--output", f"s3://{BUCKET}/processed-data"]) == 2
    said = capsys.readouterr().err
    assert "no table of sales or customers begins with 'row_data'" in said
    assert "such tables there: raw_data_customers" in said


def test_a_manifest_that_is_none_is_one_clear_sentence(s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    s3.put_object(Bucket=BUCKET, Key="temp/bad.json", Body=b"{}")
    assert main(["--engine", "duckdb", "--manifest", f"s3://{BUCKET}/temp/bad.json"]) == 2
    assert capsys.readouterr().err.startswith("error: the manifest is not usable: KeyError")


def remove(s3: Any, file: dict[str, Any], versioned: bool) -> tuple[dict[str, Any], str]:
    """The object deleted by its version or, as the nightly job lists it, by its key; and its name."""
    name = f"s3://{BUCKET}/{file['key']}"
    if not versioned:
        s3.delete_object(Bucket=BUCKET, Key=file["key"])
        return file | {"version_id": None}, name
    s3.delete_object(Bucket=BUCKET, Key=file["key"], VersionId=file["version_id"])
    return file, f"{name}?versionId={file['version_id']}"


@pytest.mark.parametrize("versioned", [True, False])
def test_an_object_that_is_gone_is_quarantined_by_name_and_the_files_beside_it_are_published(
    s3: Any, versioned: bool
) -> None:
    sold, kept = samples(s3)
    gone, name = remove(s3, sold, versioned)
    answer = handler({"manifest": put_manifest(s3, [gone, kept])})
    assert (answer["accepted"], answer["quarantined_by_rule"]) == (7, {"object_gone": 1})
    assert answer["left_out"] == [f"{name}: deleted after it was listed: there is nothing left to read"]
    (rejects,) = keys(s3, "quarantine/")
    [row] = map(json.loads, s3.get_object(Bucket=BUCKET, Key=rejects)["Body"].read().splitlines())
    assert (row["source"], row["record"], row["reasons"], row["raw"]) == (name, 1, "object_gone", name)


def test_spark_reads_an_object_that_is_gone_as_one_record_that_says_so(s3: Any, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    sold, _ = samples(s3)
    gone, name = remove(s3, sold, versioned=True)
    file = parse_manifest(json.dumps(MANIFEST | {"files": [gone]})).files[0]
    assert spark_io.clean_file(file, SALES, tmp_path, local=False) is None
    described = json.dumps(asdict(file), default=lambda value: value.isoformat())
    batches = iter([pa.RecordBatch.from_pydict({"file": [described]})])
    rows = [row for batch in spark_io._reader("sales", str(tmp_path))(batches) for row in batch.to_pylist()]
    assert [(row["source"], row["record"], row["error"]) for row in rows] == [
        (name, 1, "object_gone"),
        (name, spark_io.NOTES, None),
    ]


def test_a_bucket_that_is_gone_stops_the_run(s3: Any) -> None:
    gone, kept = samples(s3)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        handler({"manifest": put_manifest(s3, [gone | {"bucket": "another-lake"}, kept])})
    assert keys(s3, "processed-data/_published.json") == []


def test_as_a_glue_job_an_error_is_raised_by_its_class(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="temp/bad.json", Body=b"{}")
    with pytest.raises(InputError, match="not usable"):
        main(["--JOB_NAME", "etl-job", "--engine", "duckdb", "--manifest", f"s3://{BUCKET}/temp/bad.json"])
