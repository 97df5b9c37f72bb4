"""The data half of the story: two files and this run's orders become tables, read back through Athena."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import boto3

from chalicelib import names
from scripts.local_run.environment import ROOT
from scripts.local_run.outside import Json, wait_until
from scripts.local_run.progress import say, step

STAGE = "local"
LAKE = names.bucket("order-lake", STAGE, names.LOCAL_ACCOUNT)
SAMPLES = ROOT / "etl" / "samples"
SAMPLE_CUSTOMERS = 7  # of the customers' file, those with a completed order
INVALID = b"invalid,data,format\n"  # what the recipe's own validation uploads
DAILY_SALES = (
    "SELECT order_date, region, daily_revenue, daily_orders, unique_customers FROM daily_sales "
    "ORDER BY order_date, region"
)
BEST_CUSTOMERS = (
    "SELECT customer_id, name, status, total_spent, total_orders, avg_order_value FROM customer_metrics "
    "ORDER BY total_spent DESC, customer_id LIMIT 10"
)
NIGHTLY = {
    "version": "0", "id": "demo", "detail-type": "Scheduled Event", "source": "aws.events",
    "account": names.LOCAL_ACCOUNT, "time": "2026-01-01T00:00:00Z", "region": names.LOCAL_REGION,
    "resources": [], "detail": {},
}  # fmt: skip
Rows = list[dict[str, str | None]]


class QueryError(RuntimeError):
    """Athena refused the query or failed at it; the message is Athena's."""


def tell_sales(orders: Sequence[Mapping[str, Any]]) -> Json:
    """Upload, wait, print; answers the tables as rows. `orders` are the records of the orders told before."""
    start = time.monotonic()
    with step("Uploading the two sample files, and one that is not what it says, to raw-data/"):
        _upload()
    with step("Waiting until files and orders are in the tables"):
        completed = sum(one["status"] == "completed" for one in orders)  # each by another customer
        wanted = {
            "sample orders": 10,
            "orders of today": completed,
            "customers": SAMPLE_CUSTOMERS + completed,
        }
        wait_until(_counted, lambda counted: counted == wanted, "the tables", seconds=900)
    seconds = time.monotonic() - start
    daily, customers = query(DAILY_SALES), query(BEST_CUSTOMERS)
    rejected = wait_until(quarantined, bool, "the quarantine", seconds=900)
    today = [row for row in daily if (row["order_date"] or "") >= _first_day(orders)]
    show("Daily sales, as Athena gives them", daily)
    show("The best customers", customers)
    show("The orders placed above, in the same table", today)
    reasons = ("record", "reasons", "raw")
    show(
        "Quarantined, and why",
        [{"file": _file_of(row), **{key: row.get(key) for key in reasons}} for row in rejected],
    )
    say(f"\nFrom upload to table: {seconds:.1f} s (engine: {', '.join(engines())})")
    return {
        "daily_sales": daily,
        "customer_metrics": customers,
        "orders_in_daily_sales": today,
        "quarantine": rejected,
        "engines": engines(),
        "seconds_from_file_to_table": round(seconds, 1),
    }


def query(sql: str) -> Rows:
    """The rows of a query, every value as Athena's text. Raises QueryError."""
    athena = boto3.client("athena")
    started = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": names.glue_database(STAGE)},
        WorkGroup=names.resource("order-analytics", STAGE),
    )["QueryExecutionId"]
    status = wait_until(
        lambda: athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"],
        lambda status: status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"),
        "the query",
    )
    if status["State"] != "SUCCEEDED":
        raise QueryError(str(status.get("StateChangeReason")))
    header, *rows = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
    columns = [cell["VarCharValue"] for cell in header["Data"]]
    return [
        dict(zip(columns, (cell.get("VarCharValue") for cell in row["Data"]), strict=True)) for row in rows
    ]


def engines() -> list[str]:
    """The engines that ran, by the reports of the runs."""
    s3 = boto3.client("s3")
    listed = s3.list_objects_v2(Bucket=LAKE, Prefix="processed-data/_reports/").get("Contents", [])
    reports = [json.loads(s3.get_object(Bucket=LAKE, Key=one["Key"])["Body"].read()) for one in listed]
    return sorted({str(report["engine"]) for report in reports})


def quarantined() -> Rows:
    """Every rejected record with its reasons, as it lies in quarantine/."""
    s3 = boto3.client("s3")
    listed = s3.list_objects_v2(Bucket=LAKE, Prefix="quarantine/").get("Contents", [])
    found: Rows = []
    for entry in listed:
        body = s3.get_object(Bucket=LAKE, Key=entry["Key"])["Body"].read()
        found += [json.loads(line) for line in body.splitlines()]
    return found


def show(title: str, rows: Rows) -> None:
    say(f"\n{title}:")
    if not rows:
        say("  (none)")
        return
    columns = list(rows[0])
    table = [columns, *([str(row.get(column) or "") for column in columns] for row in rows)]
    widths = [min(40, max(len(line[i]) for line in table)) for i in range(len(columns))]
    for line in table:
        cells = (cell[:40].ljust(width) for cell, width in zip(line, widths, strict=True))
        say(f"  {'  '.join(cells).rstrip()}")


def _file_of(row: Mapping[str, str | None]) -> str:
    """The key of a rejected record's object, without bucket and version."""
    return (row["source"] or "").removeprefix(f"s3://{LAKE}/").partition("?")[0]


def _upload() -> None:
    s3 = boto3.client("s3")
    for name in ("customer_data.csv", "sales_data.csv"):
        s3.put_object(Bucket=LAKE, Key=f"raw-data/{name}", Body=(SAMPLES / name).read_bytes())
    s3.put_object(Bucket=LAKE, Key="raw-data/invalid_data.csv", Body=INVALID)
    _export_customers()


def _export_customers() -> None:
    """Do now what the nightly schedule does. Raises RuntimeError where the function fails."""
    answer = boto3.client("lambda").invoke(
        FunctionName=names.function("export-customers", STAGE), Payload=json.dumps(NIGHTLY)
    )
    if "FunctionError" in answer:
        raise RuntimeError(f"export-customers: {answer['Payload'].read().decode()}")


def _counted() -> dict[str, int]:
    sql = (
        "SELECT sum(CASE WHEN order_date < '2025' THEN daily_orders END) AS old, "
        "sum(CASE WHEN order_date >= '2025' THEN daily_orders END) AS new, "
        "(SELECT count(*) FROM customer_metrics) AS customers FROM daily_sales"
    )
    try:
        [row] = query(sql)
    except QueryError:
        return {}  # the tables are not there yet
    return {
        "sample orders": int(row["old"] or 0),
        "orders of today": int(row["new"] or 0),
        "customers": int(row["customers"] or 0),
    }


def _first_day(orders: Sequence[Mapping[str, Any]]) -> str:
    return min(str(answer["body"].get("placedAt", "2025")) for one in orders for answer in one["answers"])[
        :10
    ]
