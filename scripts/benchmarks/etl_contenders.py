"""What is measured, each in a process of its own: `… etl_contenders NAME SALES CUSTOMERS OUT`.

`seed` is the seed recipe's Glue script, its DynamicFrames replaced by what they wrap. `plain`, `polars` and,
for Spark, `bare_spark` are the limit: the two tables without any rule, silver, version or report; all write
730 partitions.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scripts.benchmarks.etl_process import own_cpu_seconds


def seed(sales: str, customers: str, out: str) -> dict[str, Any]:
    from pyspark.sql import functions as F

    spark = _plain_session()
    sales_df = spark.read.csv(sales, header=True, inferSchema=True)
    customer_df = spark.read.csv(customers, header=True, inferSchema=True)
    sales_df = sales_df.withColumn("price", F.col("price").cast("double"))
    sales_df = sales_df.withColumn("total_amount", F.col("quantity") * F.col("price"))
    sales_df = sales_df.withColumn("order_date", F.to_date(F.col("order_date"), "yyyy-MM-dd"))
    enriched = sales_df.join(customer_df, "customer_id", "inner")
    daily = enriched.groupBy("order_date", "region").agg(
        F.sum("total_amount").alias("daily_revenue"),
        F.count("order_id").alias("daily_orders"),
        F.countDistinct("customer_id").alias("unique_customers"),
    )
    metrics = enriched.groupBy("customer_id", "name", "status").agg(
        F.sum("total_amount").alias("total_spent"),
        F.count("order_id").alias("total_orders"),
        F.avg("total_amount").alias("avg_order_value"),
    )
    daily.write.mode("append").partitionBy("order_date").parquet(f"{out}/daily_sales")
    metrics.write.mode("append").parquet(f"{out}/customer_metrics")
    for frame in (sales_df, customer_df, daily, metrics):
        frame.count()
    told = _artefact(daily, out)
    spark.stop()
    return told


def _artefact(daily: Any, out: str) -> dict[str, Any]:
    """What 730 small local files cost beyond the same rows in one; `beyond` is no part of the seed's job."""
    cpu, begin = own_cpu_seconds(), time.perf_counter()
    daily.write.partitionBy("order_date").parquet(f"{out}/_again")
    middle = time.perf_counter()
    daily.coalesce(1).write.parquet(f"{out}/_one_file")
    end = time.perf_counter()
    return {
        "local_disk_artefact_seconds": round(max(0.0, (middle - begin) - (end - middle)), 1),
        "beyond": {"wall": end - begin, "cpu": own_cpu_seconds() - cpu},
    }


def spark_cold(sales: str, customers: str, out: str) -> dict[str, Any]:
    return _job("spark", sales, customers, out)


def spark_warm(sales: str, customers: str, out: str) -> dict[str, Any]:
    """The second run in one session; its own figures are told, the process's would contain the first."""
    from etl.engines.spark_engine import SparkEngine
    from etl.engines.spark_session import open_session
    from etl.manifest import local_manifest
    from etl.pipeline import run

    session, wall, cpu = open_session(), 0.0, 0.0
    for attempt in ("first", "second"):
        work = Path(out) / f"_work_{attempt}"
        work.mkdir(parents=True)
        target = out if attempt == "second" else f"{out}/_first"
        start, before = time.perf_counter(), own_cpu_seconds()
        engine = SparkEngine(work, session)
        run(local_manifest([sales], [customers], target, None), engine=engine)
        engine.close()
        wall, cpu = time.perf_counter() - start, own_cpu_seconds() - before
    session.stop()
    return {"wall": round(wall, 2), "cpu": round(cpu, 2)}


def bare_spark(sales: str, customers: str, out: str) -> dict[str, Any]:
    """Spark's own limit, cold: its CSV reader with given types, integer cents, gold out through Arrow."""
    from pyspark.sql import functions as F

    from etl.engines import spark_arrow
    from etl.engines.spark_io import put_table
    from etl.engines.spark_session import open_session
    from etl.storage import storage_for

    spark = open_session()
    types = "order_id bigint, customer_id string, product_id string, quantity int, price double"
    lines = spark.read.csv(sales, f"{types}, order_date date, region string", header=True)
    names = "customer_id string, name string, email string, registration_date string, status string"
    known = spark.read.csv(customers, names, header=True).select("customer_id", "name", "status")
    cents = F.col("quantity") * F.round(F.col("price") * 100).cast("bigint")
    sold = lines.select("order_date", "region", "customer_id", cents.alias("cents")).cache()
    money = (F.sum("cents").cast("decimal(18,0)") / 100).cast("decimal(18,2)")
    daily = sold.groupBy("order_date", "region").agg(
        money.alias("daily_revenue"),
        F.count("*").alias("daily_orders"),
        F.countDistinct("customer_id").alias("unique_customers"),
    )
    spent = sold.groupBy("customer_id").agg(
        money.alias("total_spent"), F.count("*").alias("total_orders"), F.avg(F.col("cents") / 100)
    )
    metrics = spent.toDF("customer_id", "total_spent", "total_orders", "avg_order_value")
    storage, by_customer = storage_for(out), metrics.join(F.broadcast(known), "customer_id")
    days = spark_arrow.to_arrow(daily)
    keys = {str(day): f"daily_sales/order_date={day}/data.parquet" for day in days["order_date"].to_pylist()}
    spark_arrow.put_result(days, "order_date", keys, storage, "daily_sales", Path(out))
    found = spark_arrow.to_arrow(by_customer)
    put_table(found, storage, "customer_metrics/part-0.parquet", "metrics", Path(out) / "metrics.parquet")
    spark.stop()
    return {}


def duckdb_etl(sales: str, customers: str, out: str) -> dict[str, Any]:
    return _job("duckdb", sales, customers, out)


def plain(sales: str, customers: str, out: str) -> dict[str, Any]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("set preserve_insertion_order = false")
    connection.execute(f"create temp table c as select * from read_csv('{customers}')")
    connection.execute(
        f"create temp table e as select s.order_date, s.region, c.rowid::int as ci, "
        f"(s.quantity * s.price)::decimal(18,2) as a from read_csv('{sales}', "
        f"types = {{'price': 'decimal(10,2)'}}) as s join c using (customer_id)"
    )
    for name in ("daily_sales", "customer_metrics"):
        (Path(out) / name).mkdir(parents=True)
    connection.execute(
        f"copy (select order_date, region, sum(a)::decimal(18,2) as daily_revenue, count(*) as daily_orders, "
        f"count(distinct ci) as unique_customers from e group by all) "
        f"to '{out}/daily_sales' (format parquet, partition_by (order_date), overwrite_or_ignore true)"
    )
    connection.execute(
        f"copy (select customer_id, name, status, sum(a)::decimal(18,2) as total_spent, "
        f"count(*) as total_orders, avg(a) as avg_order_value from e join c on c.rowid = e.ci group by all) "
        f"to '{out}/customer_metrics/part-0.parquet' (format parquet)"
    )
    return {}


def polars_limit(sales: str, customers: str, out: str) -> dict[str, Any]:
    import polars as pl

    known = pl.scan_csv(customers)
    money = (pl.col("price") * 100).round().cast(pl.Int64) * pl.col("quantity")
    joined = pl.scan_csv(sales, try_parse_dates=True).with_columns(a=money).join(known, on="customer_id")
    daily = joined.group_by("order_date", "region").agg(
        daily_revenue=pl.col("a").sum() / 100,
        daily_orders=pl.len(),
        unique_customers=pl.col("customer_id").n_unique(),
    )
    metrics = joined.group_by("customer_id", "name", "status").agg(
        total_spent=pl.col("a").sum() / 100, total_orders=pl.len(), avg_order_value=pl.col("a").mean() / 100
    )
    days, spent = pl.collect_all([daily, metrics])
    for (day,), rows in days.partition_by("order_date", as_dict=True, include_key=False).items():
        folder = Path(out) / "daily_sales" / f"order_date={day}"
        folder.mkdir(parents=True)
        rows.write_parquet(folder / "data.parquet")
    (Path(out) / "customer_metrics").mkdir()
    spent.write_parquet(Path(out) / "customer_metrics" / "part-0.parquet")
    return {}


CONTENDERS: Mapping[str, Callable[[str, str, str], dict[str, Any]]] = {
    "seed": seed,
    "spark_cold": spark_cold,
    "spark_warm": spark_warm,
    "bare_spark": bare_spark,
    "duckdb": duckdb_etl,
    "plain_duckdb": plain,
    "polars": polars_limit,
}


def _plain_session() -> Any:
    """Spark as it comes, with the Java and the memory that ours gets."""
    from etl.engines import spark_session

    return spark_session.open_session(settings={})


def _job(engine: str, sales: str, customers: str, out: str) -> dict[str, Any]:
    from etl.job import main

    if main(["--engine", engine, "--sales", sales, "--customers", customers, "--output", out]):
        raise SystemExit(1)
    return {}


if __name__ == "__main__":
    print("RESULT " + json.dumps(CONTENDERS[sys.argv[1]](*sys.argv[2:5])))
