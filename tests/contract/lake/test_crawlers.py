"""What a crawler makes of the files that it finds.

https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-folder-table-partition.html
https://docs.aws.amazon.com/glue/latest/dg/add-classifier.html
"""

import gzip
import io
import json
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.contract.cloud import Queue
from tests.contract.lake.lake import Lake, csv

SALES = csv(("order_id", "customer_id", "price"), (1001, "C001", 29.99), (1002, "C002", 49.99))
CUSTOMERS = csv(("customer_id", "name"), ("C001", "John Smith"), ("C002", "Jane Doe"))


def parquet(**columns: list[Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_files_of_different_schemas_become_a_table_each(lake: Lake) -> None:
    lake.put("raw-data/sales_data.csv", SALES)
    lake.put("raw-data/customer_data.csv", CUSTOMERS)
    lake.crawl(lake.crawler("raw-data/", TablePrefix="raw_data_"))
    assert lake.tables() == {
        "raw_data_sales_data_csv": {"order_id": "bigint", "customer_id": "string", "price": "double"},
        # all text: the first row is not different enough to be a header
        "raw_data_customer_data_csv": {"col0": "string", "col1": "string"},
    }
    rows = lake.query("SELECT order_id, price FROM raw_data_sales_data_csv ORDER BY order_id")
    assert rows == [("1001", "29.99"), ("1002", "49.99")]


def test_a_classifier_can_say_that_there_is_a_header(lake: Lake) -> None:
    """https://docs.aws.amazon.com/glue/latest/dg/custom-classifier.html#custom-classifier-csv"""
    lake.put("raw-data/customer_data.csv", CUSTOMERS)
    name = lake.cloud.name("classifier")
    lake.glue.create_classifier(CsvClassifier={"Name": name, "Delimiter": ",", "ContainsHeader": "PRESENT"})
    lake.cloud.undo(lambda: lake.glue.delete_classifier(Name=name))
    lake.crawl(lake.crawler("raw-data/", Classifiers=[name]))
    (columns,) = lake.tables().values()
    assert columns == {"customer_id": "string", "name": "string"}


def test_classifiers_are_asked_in_their_order(lake: Lake) -> None:
    """A CSV classifier would take JSON lines for rows with commas."""
    lake.put("raw-data/customer_data.csv", CUSTOMERS)
    lake.put(
        "raw-data/orders/a.jsonl", '{"order_id": "O1", "price": 2.5}\n{"order_id": "O2", "price": 3.5}\n'
    )
    given = [{"JsonClassifier": {"JsonPath": "$"}}, {"CsvClassifier": {"ContainsHeader": "PRESENT"}}]
    names = [lake.cloud.name("classifier") for _ in given]
    for name, one in zip(names, given, strict=True):
        [(kind, settings)] = one.items()
        lake.glue.create_classifier(**{kind: {"Name": name, **settings}})
        lake.cloud.undo(partial(lake.glue.delete_classifier, Name=name))
    lake.crawl(lake.crawler("raw-data/", Classifiers=names))
    columns = [set(table) for table in lake.tables().values()]
    assert {"customer_id", "name"} in columns
    assert any({"order_id", "price"} <= table for table in columns)


def test_folders_of_key_and_value_become_partitions(lake: Lake) -> None:
    for day in ("2024-01-15", "2024-01-16"):
        lake.put(f"daily_sales/order_date={day}/a.parquet", parquet(region=["North"], orders=[2]))
    lake.crawl(lake.crawler("daily_sales/"))
    assert lake.tables() == {"daily_sales": {"region": "string", "orders": "bigint", "order_date": "string"}}
    assert lake.partitions("daily_sales") == {
        (day,): lake.uri(f"daily_sales/order_date={day}/") for day in ("2024-01-15", "2024-01-16")
    }


def test_folders_without_keys_become_numbered_partitions(lake: Lake) -> None:
    for day in ("15", "16"):
        lake.put(f"sales/2024/{day}/a.json", '{"id": 1, "price": 2.5}\n')
    lake.crawl(lake.crawler("sales/"))
    columns = lake.tables()["sales"]
    assert columns == {"id": "int", "price": "double", "partition_0": "string", "partition_1": "string"}
    assert set(lake.partitions("sales")) == {("2024", "15"), ("2024", "16")}


def test_folders_of_different_schemas_become_tables(lake: Lake) -> None:
    lake.put("out/daily_sales/order_date=2024-01-15/a.parquet", parquet(region=["North"], orders=[2]))
    lake.put("out/customer_metrics/a.parquet", parquet(customer_id=["C1"], total_spent=[2.5]))
    lake.crawl(lake.crawler("out/"))
    assert set(lake.tables()) == {"daily_sales", "customer_metrics"}


def test_hidden_and_excluded_files_are_not_seen(lake: Lake) -> None:
    """https://docs.aws.amazon.com/glue/latest/dg/define-crawler-choose-data-sources.html#crawler-data-stores-exclude"""
    lake.put("sales/a.csv", SALES)
    lake.put("sales/_published.json", "{}")
    lake.put("sales/.part.crc", "x")
    lake.put("sales/tmp/b.json", '{"other": true}\n')
    name = lake.cloud.name("crawler")
    target = {"Path": lake.uri("sales/"), "Exclusions": ["tmp/**"]}
    lake.glue.create_crawler(
        Name=name, Role=lake.role(), DatabaseName=lake.database, Targets={"S3Targets": [target]}
    )
    lake.cloud.undo(lambda: lake.glue.delete_crawler(Name=name))
    lake.crawl(name)
    assert set(lake.tables()) == {"sales"}


def test_compressed_csv_is_read(lake: Lake) -> None:
    lake.put("sales/a.csv.gz", gzip.compress(SALES.encode()))
    lake.crawl(lake.crawler("sales/"))
    assert lake.tables()["sales"] == {"order_id": "bigint", "customer_id": "string", "price": "double"}
    assert lake.query("SELECT count(*), sum(price) FROM sales") == [("2", "79.98")]


def test_avro_is_read(lake: Lake) -> None:
    fastavro = pytest.importorskip("fastavro")
    fields = [{"name": "id", "type": "long"}, {"name": "name", "type": ["null", "string"]}]
    buffer = io.BytesIO()
    rows = [{"id": 1, "name": "x"}, {"id": 2, "name": None}]
    fastavro.writer(buffer, {"type": "record", "name": "Row", "fields": fields}, rows)
    lake.put("people/a.avro", buffer.getvalue())
    lake.crawl(lake.crawler("people/"))
    assert lake.tables()["people"] == {"id": "bigint", "name": "string"}
    assert lake.query("SELECT id, name FROM people ORDER BY id") == [("1", "x"), ("2", None)]


def test_a_new_column_is_added_and_old_rows_have_none(lake: Lake) -> None:
    """https://docs.aws.amazon.com/glue/latest/dg/crawler-schema-changes-prevent.html"""
    lake.put("t/day=1/a.parquet", parquet(id=[1], name=["x"]))
    crawler = lake.crawler("t/")
    lake.crawl(crawler)
    lake.put("t/day=2/a.parquet", parquet(id=[2], name=["y"], note=["new"]))
    lake.crawl(crawler)
    assert lake.tables()["t"] == {"id": "bigint", "name": "string", "note": "string", "day": "string"}
    assert lake.query("SELECT id, note, day FROM t ORDER BY id") == [("1", None, "1"), ("2", "new", "2")]


def test_a_schema_change_is_only_logged_if_the_crawler_says_so(lake: Lake) -> None:
    """https://docs.aws.amazon.com/glue/latest/dg/crawler-schema-changes-prevent.html"""
    lake.put("t/a.parquet", parquet(id=[1], name=["x"]))
    policy = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    crawler = lake.crawler("t/", SchemaChangePolicy=policy)
    lake.crawl(crawler)
    lake.put("t/b.parquet", parquet(id=[2], name=["y"], note=["new"]))
    lake.crawl(crawler)
    assert lake.tables()["t"] == {"id": "bigint", "name": "string"}


@pytest.mark.parametrize("behavior", ["DEPRECATE_IN_DATABASE", "DELETE_FROM_DATABASE"])
def test_a_table_whose_files_are_gone_is_retired(lake: Lake, behavior: str) -> None:
    """https://docs.aws.amazon.com/glue/latest/dg/crawler-schema-changes-prevent.html"""
    lake.put("out/a/1.parquet", parquet(id=[1]))
    lake.put("out/b/1.parquet", parquet(other=["x"]))
    policy = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": behavior}
    crawler = lake.crawler("out/a/", "out/b/", SchemaChangePolicy=policy)
    lake.crawl(crawler)
    lake.s3.delete_object(Bucket=lake.bucket, Key="out/b/1.parquet")
    lake.crawl(crawler)
    if behavior == "DELETE_FROM_DATABASE":
        assert set(lake.tables()) == {"a"}
    else:
        table = lake.glue.get_table(DatabaseName=lake.database, Name="b")["Table"]
        assert "DEPRECATED_BY_CRAWLER" in table["Parameters"]


def crawler_events(lake: Lake, crawler: str) -> Queue:
    queue = lake.cloud.queue()
    events, name = lake.cloud.client("events"), lake.cloud.name("rule")
    pattern = {
        "source": ["aws.glue"],
        "detail-type": ["Glue Crawler State Change"],
        "detail": {"crawlerName": [crawler], "state": ["Succeeded", "Failed"]},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue.arn}])
    lake.cloud.undo(lambda: events.delete_rule(Name=name))
    lake.cloud.undo(lambda: events.remove_targets(Rule=name, Ids=["queue"]))
    return queue


def test_the_end_of_a_crawl_is_told_on_the_default_bus(lake: Lake) -> None:
    """https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html"""
    lake.put("t/a.parquet", parquet(id=[1]))
    crawler = lake.crawler("t/")
    queue = crawler_events(lake, crawler)
    lake.crawl(crawler)
    detail = queue.body(60)["detail"]
    assert (detail["state"], detail["tablesCreated"]) == ("Succeeded", "1")


def test_a_crawl_of_a_missing_bucket_fails(lake: Lake) -> None:
    crawler = lake.crawler("t/")
    lake.glue.update_crawler(
        Name=crawler, Targets={"S3Targets": [{"Path": f"s3://{lake.bucket}-missing/t/"}]}
    )
    crawl = lake.crawl(crawler)
    assert crawl["Status"] == "FAILED"
    assert crawl["ErrorMessage"]


def test_a_crawl_leaves_its_log_and_its_numbers(lake: Lake) -> None:
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetCrawlerMetrics.html"""
    lake.put("t/a.parquet", parquet(id=[1]))
    crawler = lake.crawler("t/")
    crawl = lake.crawl(crawler)
    logs = lake.cloud.client("logs")
    found = logs.get_log_events(logGroupName=crawl["LogGroup"], logStreamName=crawl["LogStream"])
    assert found["events"]
    (metrics,) = lake.glue.get_crawler_metrics(CrawlerNameList=[crawler])["CrawlerMetricsList"]
    assert metrics["TablesCreated"] == 1


def test_an_unknown_or_idle_crawler_is_refused_by_name(lake: Lake) -> None:
    errors = lake.glue.exceptions
    with pytest.raises(errors.EntityNotFoundException):
        lake.glue.start_crawler(Name="no-such-crawler")
    with pytest.raises(errors.CrawlerNotRunningException):
        lake.glue.stop_crawler(Name=lake.crawler("t/"))
