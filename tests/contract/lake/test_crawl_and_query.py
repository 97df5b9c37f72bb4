"""Files in S3 become tables that awswrangler reads through Athena.

https://docs.aws.amazon.com/glue/latest/dg/add-crawler.html
https://docs.aws.amazon.com/athena/latest/ug/querying.html
"""

from decimal import Decimal

import awswrangler as wr
import pandas as pd
import pytest

from tests.contract.lake.lake import Lake, QueryFailed

SALES = pd.DataFrame(
    {
        "region": ["North", "South", "North"],
        "daily_orders": [1, 2, 3],
        "order_date": ["2024-01-15", "2024-01-15", "2024-01-16"],
    }
)


def test_crawled_parquet_partitions_are_read_by_awswrangler(lake: Lake) -> None:
    wr.s3.to_parquet(
        SALES, lake.uri("processed-data/daily_sales/"), dataset=True, partition_cols=["order_date"]
    )
    crawl = lake.crawl(lake.crawler("processed-data/daily_sales/"))
    assert crawl["Status"] == "SUCCEEDED"
    assert lake.tables() == {
        "daily_sales": {"region": "string", "daily_orders": "bigint", "order_date": "string"}
    }
    found = wr.athena.read_sql_query(
        "SELECT order_date, region, daily_orders FROM daily_sales ORDER BY order_date, region",
        database=lake.database,
        ctas_approach=False,
        s3_output=lake.uri("query-results/"),
    )
    assert found.to_dict("list") == {
        "order_date": ["2024-01-15", "2024-01-15", "2024-01-16"],
        "region": ["North", "South", "North"],
        "daily_orders": [1, 2, 3],
    }


def daily_sales(lake: Lake) -> None:
    """Written and registered by awswrangler itself."""
    wr.s3.to_parquet(
        SALES,
        lake.uri("processed-data/daily_sales/"),
        dataset=True,
        partition_cols=["order_date"],
        database=lake.database,
        table="daily_sales",
    )


@pytest.mark.parametrize("approach", ["plain", "ctas", "unload"])
def test_awswrangler_reads_the_same_rows_in_every_way(lake: Lake, approach: str) -> None:
    """https://aws-sdk-pandas.readthedocs.io/en/stable/stubs/awswrangler.athena.read_sql_query.html"""
    daily_sales(lake)
    found = wr.athena.read_sql_query(
        "SELECT region, sum(daily_orders) AS orders, CAST('1.50' AS decimal(10,2)) AS price FROM daily_sales "
        "WHERE order_date = '2024-01-15' GROUP BY region ORDER BY region",
        database=lake.database,
        ctas_approach=approach == "ctas",
        unload_approach=approach == "unload",
        s3_output=lake.uri("query-results/"),
    )
    rows = found.sort_values("region").to_dict("list")
    assert rows == {"region": ["North", "South"], "orders": [1, 2], "price": [Decimal("1.50")] * 2}
    assert set(lake.tables()) == {"daily_sales"}


def test_awswrangler_passes_parameters(lake: Lake) -> None:
    daily_sales(lake)
    found = wr.athena.read_sql_query(
        "SELECT daily_orders FROM daily_sales WHERE region = ? AND daily_orders > ?",
        database=lake.database,
        ctas_approach=False,
        params=["'North'", "1"],
        paramstyle="qmark",
        s3_output=lake.uri("query-results/"),
    )
    assert found["daily_orders"].tolist() == [3]


def test_awswrangler_writes_over_single_partitions(lake: Lake) -> None:
    """https://aws-sdk-pandas.readthedocs.io/en/stable/stubs/awswrangler.s3.to_parquet.html"""
    daily_sales(lake)
    late = pd.DataFrame({"region": ["West"], "daily_orders": [9], "order_date": ["2024-01-16"]})
    wr.s3.to_parquet(
        late,
        lake.uri("processed-data/daily_sales/"),
        dataset=True,
        partition_cols=["order_date"],
        database=lake.database,
        table="daily_sales",
        mode="overwrite_partitions",
    )
    rows = lake.query("SELECT order_date, region FROM daily_sales ORDER BY 1, 2")
    assert rows == [("2024-01-15", "North"), ("2024-01-15", "South"), ("2024-01-16", "West")]


def test_awswrangler_sees_the_catalog(lake: Lake) -> None:
    """https://aws-sdk-pandas.readthedocs.io/en/stable/api.html#aws-glue-catalog"""
    daily_sales(lake)
    assert wr.catalog.does_table_exist(lake.database, "daily_sales")
    assert wr.catalog.tables(database=lake.database)["Table"].tolist() == ["daily_sales"]
    found = wr.catalog.get_partitions(lake.database, "daily_sales", expression="order_date > '2024-01-15'")
    assert list(found.values()) == [["2024-01-16"]]
    assert wr.catalog.get_table_types(lake.database, "daily_sales") == {
        "region": "string",
        "daily_orders": "bigint",
        "order_date": "string",
    }
    assert wr.catalog.delete_table_if_exists(lake.database, "daily_sales")


def test_a_parquet_column_of_another_type_is_bad_data(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/parquet-serde.html"""
    daily_sales(lake)
    table = lake.glue.get_table(DatabaseName=lake.database, Name="daily_sales")["Table"]
    storage = table["StorageDescriptor"]
    storage["Columns"] = [{"Name": "region", "Type": "bigint"}]
    lake.glue.update_table(
        DatabaseName=lake.database,
        TableInput={
            "Name": "daily_sales",
            "StorageDescriptor": storage,
            "PartitionKeys": table["PartitionKeys"],
            "TableType": "EXTERNAL_TABLE",
            "Parameters": table["Parameters"],
        },
    )
    with pytest.raises(QueryFailed, match="HIVE_BAD_DATA"):
        lake.query("SELECT region FROM daily_sales")


def test_json_lines_match_columns_whatever_the_case_of_their_keys(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html"""
    lake.put("orders/a.jsonl", '{"Order_Id": "ORD-1", "quantity": 2}\n{"order_id": "ORD-2", "price": 1.5}\n')
    lake.crawl(lake.crawler("orders/"))
    rows = lake.query("SELECT order_id, quantity, price FROM orders ORDER BY 1")
    assert rows == [("ORD-1", "2", None), ("ORD-2", None, "1.5")]
