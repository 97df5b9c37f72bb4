"""What the messages of raw-data-queue are read as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.services.pipeline.model import BadMessageError, Kind
from chalicelib.services.pipeline.read_arrivals import is_raw_data, kind_of, read_arrivals
from etl import manifest
from tests.unit.pipeline.builders import BUCKET, raw_file, s3_body, s3_record, sns_body


def test_a_plain_s3_event_is_one_exact_version() -> None:
    assert read_arrivals(s3_body(s3_record()), BUCKET) == [raw_file()]


def test_an_s3_event_inside_an_sns_envelope_reads_the_same() -> None:
    assert read_arrivals(sns_body(s3_body(s3_record())), BUCKET) == [raw_file()]


def test_keys_are_url_decoded() -> None:
    files = read_arrivals(s3_body(s3_record("raw-data/my+sales%2Bnorth+%C3%A9t%C3%A9.csv")), BUCKET)
    assert [file.key for file in files] == ["raw-data/my sales+north été.csv"]


def test_the_test_event_of_a_new_notification_is_no_file() -> None:
    assert read_arrivals('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}', BUCKET) == []


@pytest.mark.parametrize(
    "key",
    [
        "raw-data/",
        "raw-data/orders/",
        "raw-data/sales/_SUCCESS",
        "raw-data/.hidden.csv",
        "raw-data/orders_$folder$",
        "processed-data/daily_sales/part.parquet",
        "quarantine/run-1/part.parquet",
        "temp/manifests/run-1.json",
    ],
)
def test_folder_markers_hidden_files_and_own_outputs_are_no_raw_data(key: str) -> None:
    assert read_arrivals(s3_body(s3_record(key)), BUCKET) == []


def test_other_buckets_and_removals_are_ignored() -> None:
    records = [s3_record(bucket="someone-elses"), s3_record(event_name="ObjectRemoved:Delete")]
    assert read_arrivals(s3_body(*records), BUCKET) == []


def test_an_object_of_a_bucket_without_versions_has_none() -> None:
    record = s3_record()
    del record["s3"]["object"]["versionId"]
    assert [file.version_id for file in read_arrivals(s3_body(record), BUCKET)] == [""]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "rubbish",
        "[]",
        "{}",
        '{"Records": 7}',
        '{"Records": [7]}',
        '{"Records": [{"s3": {}}]}',
        s3_body(s3_record(size="many")),
        s3_body(s3_record() | {"eventTime": "noon"}),
        '{"Type": "Notification"}',
        sns_body("rubbish"),
        "[" * 100_000,
        sns_body("[" * 100_000),
    ],
)
def test_anything_else_is_refused(body: str) -> None:
    with pytest.raises(BadMessageError):
        read_arrivals(body, BUCKET)


KINDS = pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("raw-data/sales_data.csv", Kind.SALES),
        ("raw-data/invalid_data.csv", Kind.SALES),
        ("raw-data/customer_data.csv", Kind.CUSTOMERS),
        ("raw-data/salesforce_customers.csv", Kind.CUSTOMERS),
        ("raw-data/customer_orders.csv", Kind.SALES),
        ("raw-data/Sales-by-Customer.csv", Kind.SALES),
        ("raw-data/Customers-2026.csv.gz", Kind.CUSTOMERS),
        ("raw-data/customers/2026/export.jsonl", Kind.CUSTOMERS),
        ("raw-data/orders/2026/11/20/a.jsonl", Kind.ORDERS),
        ("raw-data/sales/customer_friendly.csv", Kind.SALES),
        ("raw-data/orders", Kind.SALES),
        ("raw-data/sales/customers.csv", Kind.SALES),
        ("raw-data/2024/raw-data/orders/a.csv", Kind.SALES),
        ("raw-data/2024/raw-data/customers/a.csv", Kind.SALES),
        ("raw-data/Orders/customers.csv", Kind.CUSTOMERS),
    ],
)
PARTS = st.sampled_from(
    [
        *("raw-data", "sales", "customers", "orders", "Orders", "customer_orders", "customers.csv", "a.csv"),
        *("", "_staging.csv", ".part.csv", "_SUCCESS", "day_$folder$", "salesforce_customers.csv", "2024"),
    ]
)


@KINDS
def test_a_file_says_by_its_folder_else_by_its_name_what_it_holds(key: str, kind: Kind) -> None:
    assert kind_of(key) is kind


@KINDS
def test_the_nightly_job_decides_the_kind_as_the_starter_does(key: str, kind: Kind) -> None:
    assert manifest.kind_of(key) == kind


@given(st.one_of(st.lists(PARTS, min_size=1, max_size=5).map("/".join), st.text(max_size=20)))
def test_the_nightly_job_takes_what_the_starter_takes_and_for_the_same(name: str) -> None:
    key = f"raw-data/{name}"
    assert manifest.is_data(key) == is_raw_data(key)
    assert manifest.kind_of(key) == kind_of(key)
