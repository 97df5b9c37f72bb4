"""Files in S3 become tables that awswrangler reads through Athena.

https://docs.aws.amazon.com/glue/latest/dg/add-crawler.html
https://docs.aws.amazon.com/athena/latest/ug/querying.html
"""

import awswrangler as wr
import pandas as pd

from tests.contract.lake.lake import Lake

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
