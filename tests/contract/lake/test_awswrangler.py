"""awswrangler unchanged: what an analyst reads and writes in S3, and what the catalog then says of it.

https://aws-sdk-pandas.readthedocs.io/en/stable/api.html
"""

from datetime import date
from decimal import Decimal
from typing import Any, Literal

import awswrangler as wr
import pandas as pd
import pytest

from tests.contract.cloud import eventually
from tests.contract.lake.lake import Lake

Mode = Literal["append", "overwrite", "overwrite_partitions"]
SALES = pd.DataFrame(
    {
        "region": ["North", "South", "North"],
        "revenue": [Decimal("59.98"), Decimal("10.00"), Decimal("0.01")],
        "day": [date(2024, 1, 15), date(2024, 1, 15), date(2024, 1, 16)],
    }
)


def test_objects_are_listed_described_copied_and_deleted(lake: Lake) -> None:
    for name in ("a.csv", "b/c.csv", "b/d.json"):
        lake.put(f"raw/{name}", "x" * len(name))
    everything = [lake.uri(f"raw/{name}") for name in ("a.csv", "b/c.csv", "b/d.json")]
    assert sorted(wr.s3.list_objects(lake.uri("raw/"))) == everything
    assert wr.s3.list_objects(lake.uri("raw/*.csv"), suffix=".csv") == everything[:2]
    assert sorted(wr.s3.list_objects(lake.uri("raw/"), ignore_suffix=".json")) == everything[:2]
    assert wr.s3.list_directories(lake.uri("raw/")) == [lake.uri("raw/b/")]
    assert (wr.s3.does_object_exist(everything[0]), wr.s3.does_object_exist(lake.uri("no"))) == (True, False)
    assert wr.s3.size_objects(everything) == dict(zip(everything, (5, 7, 8), strict=True))
    wr.s3.copy_objects([everything[0]], lake.uri("raw/"), lake.uri("kept/"))
    wr.s3.delete_objects(lake.uri("raw/"))
    assert wr.s3.list_objects(lake.uri()) == [lake.uri("kept/a.csv")]


def test_csv_is_read_from_one_object_from_a_prefix_and_in_pieces(lake: Lake) -> None:
    lake.put("raw/a.csv", "order_id,price\n1001,29.99\n1002,15.50\n")
    lake.put("raw/b.csv", "order_id,price\n1003,1.00\n")
    assert wr.s3.read_csv(lake.uri("raw/a.csv")).to_dict("list") == {
        "order_id": [1001, 1002],
        "price": [29.99, 15.5],
    }
    whole = wr.s3.read_csv(lake.uri("raw/"), dtype={"order_id": "string"}, use_threads=False)
    assert whole["order_id"].tolist() == ["1001", "1002", "1003"]
    assert [len(part) for part in wr.s3.read_csv(lake.uri("raw/"), chunksize=2)] == [2, 1]
    wr.s3.to_csv(whole, lake.uri("out/a.csv"), index=False)
    assert lake.text(lake.uri("out/a.csv")).splitlines()[0] == "order_id,price"


def test_json_lines_are_read(lake: Lake) -> None:
    lake.put("raw/a.jsonl", '{"order_id": "ORD-1", "price": 1.5}\n{"order_id": "ORD-2", "price": 2}\n')
    found = wr.s3.read_json(lake.uri("raw/a.jsonl"), lines=True)
    assert found.to_dict("list") == {"order_id": ["ORD-1", "ORD-2"], "price": [1.5, 2.0]}


def test_parquet_comes_back_with_its_types_columns_and_partitions(lake: Lake) -> None:
    wr.s3.to_parquet(SALES, lake.uri("sales/"), dataset=True, partition_cols=["region"])
    found = wr.s3.read_parquet(lake.uri("sales/"), dataset=True).sort_values("revenue", ignore_index=True)
    assert found["revenue"].tolist() == [Decimal("0.01"), Decimal("10.00"), Decimal("59.98")]
    assert found["day"].tolist() == [date(2024, 1, 16), date(2024, 1, 15), date(2024, 1, 15)]
    north = wr.s3.read_parquet(
        lake.uri("sales/"),
        dataset=True,
        columns=["revenue"],
        partition_filter=lambda values: values["region"] == "North",
    )
    assert sorted(north["revenue"]) == [Decimal("0.01"), Decimal("59.98")]
    columns, partitions = wr.s3.read_parquet_metadata(lake.uri("sales/"), dataset=True)
    assert columns == {"revenue": "decimal(4,2)", "day": "date"}
    assert partitions == {"region": "string"}


@pytest.mark.parametrize("mode", ["append", "overwrite", "overwrite_partitions"])
def test_a_dataset_in_the_catalog_is_a_table_of_the_catalog_and_of_athena(lake: Lake, mode: Mode) -> None:
    table: dict[str, Any] = {
        "dataset": True,
        "database": lake.database,
        "table": "sales",
        "partition_cols": ["region"],
    }
    wr.s3.to_parquet(SALES, lake.uri("sales/"), **table)
    wr.s3.to_parquet(SALES[SALES["region"] == "North"], lake.uri("sales/"), **table, mode=mode)
    count = lake.query("SELECT count(*) FROM sales")
    assert count == [({"append": "5", "overwrite": "2", "overwrite_partitions": "3"}[mode],)]
    read = wr.s3.read_parquet_table(database=lake.database, table="sales")
    assert str(len(read)) == count[0][0]
    expected = {lake.uri("sales/region=North/"): ["North"]}
    if mode != "overwrite":
        expected |= {lake.uri("sales/region=South/"): ["South"]}
    assert wr.catalog.get_parquet_partitions(lake.database, "sales") == expected


def test_the_catalog_says_where_and_what_its_tables_are(lake: Lake) -> None:
    wr.s3.to_parquet(
        SALES,
        lake.uri("sales/"),
        dataset=True,
        database=lake.database,
        table="sales",
        glue_table_settings={
            "description": "Sales by region",
            "columns_comments": {"revenue": "in the settlement currency"},
        },
    )
    assert lake.database in wr.catalog.databases()["Database"].tolist()
    assert wr.catalog.get_table_location(lake.database, "sales") == lake.uri("sales/")
    assert wr.catalog.get_table_description(lake.database, "sales") == "Sales by region"
    assert wr.catalog.get_columns_comments(lake.database, "sales")["revenue"] == "in the settlement currency"
    assert wr.catalog.get_table_parameters(lake.database, "sales")["classification"] == "parquet"
    described = wr.catalog.table(database=lake.database, table="sales")
    assert described["Column Name"].tolist() == ["region", "revenue", "day"]
    for part in ({"name_contains": "ale"}, {"name_prefix": "sa"}, {"name_suffix": "es"}):
        assert [one["Name"] for one in wr.catalog.get_tables(database=lake.database, **part)] == ["sales"]
    assert list(wr.catalog.get_tables(database=lake.database, name_prefix="ale")) == []


def _sales_table(lake: Lake) -> None:
    wr.s3.to_parquet(SALES, lake.uri("sales/"), dataset=True, database=lake.database, table="sales")


def test_parameters_and_columns_of_a_table_are_changed(lake: Lake) -> None:
    _sales_table(lake)
    place: dict[str, Any] = {"database": lake.database, "table": "sales"}
    assert wr.catalog.upsert_table_parameters({"team": "sales"}, **place)["team"] == "sales"
    assert wr.catalog.get_table_parameters(**place)["classification"] == "parquet"
    wr.catalog.overwrite_table_parameters({"classification": "parquet", "team": "data"}, **place)
    assert wr.catalog.get_table_parameters(**place) == {"classification": "parquet", "team": "data"}
    wr.catalog.add_column(**place, column_name="note", column_type="string", column_comment="free text")
    assert lake.tables()["sales"]["note"] == "string"
    wr.catalog.delete_column(**place, column_name="note")
    assert "note" not in lake.tables()["sales"]


def test_a_new_column_is_appended_to_a_table(lake: Lake) -> None:
    _sales_table(lake)
    more = SALES.assign(note="x")
    wr.s3.to_parquet(
        more, lake.uri("sales/"), dataset=True, database=lake.database, table="sales", mode="append"
    )
    assert lake.query("SELECT count(*), count(note) FROM sales") == [("6", "3")]


def test_tables_are_found_by_a_text_and_keep_their_versions(lake: Lake) -> None:
    """https://docs.aws.amazon.com/glue/latest/webapi/API_SearchTables.html"""
    _sales_table(lake)
    place: dict[str, Any] = {"database": lake.database, "table": "sales"}
    wr.catalog.upsert_table_parameters({"keeper": f"of-{lake.database}"}, **place, catalog_versioning=True)
    found = eventually(
        lambda: [one["Name"] for one in wr.catalog.search_tables(text=f"of-{lake.database}")], 60
    )
    assert found == ["sales"]
    assert wr.catalog.get_table_number_of_versions(**place) == 2
    newest, first = wr.catalog.get_table_versions(**place)
    assert int(newest["VersionId"]) > int(first["VersionId"])
    assert ("keeper" in newest["Table"]["Parameters"], "keeper" in first["Table"]["Parameters"]) == (
        True,
        False,
    )


def test_athena_describes_shows_and_repairs_a_table(lake: Lake) -> None:
    """awswrangler writes the database of these three in backticks."""
    _sales_table(lake)
    place: dict[str, Any] = {
        "database": lake.database,
        "table": "sales",
        "s3_output": lake.uri("query-results/"),
    }
    assert wr.athena.describe_table(**place)["Column Name"].tolist() == ["region", "revenue", "day"]
    assert "sales" in wr.athena.show_create_table(**place)
    wr.s3.to_parquet(SALES, lake.uri("parts/"), dataset=True, partition_cols=["region"])
    lake.execute(
        "CREATE EXTERNAL TABLE parts (revenue decimal(4,2), day date) PARTITIONED BY (region string) "
        f"STORED AS PARQUET LOCATION '{lake.uri('parts/')}'"
    )
    wr.athena.repair_table(**{**place, "table": "parts"})
    assert set(lake.partitions("parts")) == {("North",), ("South",)}


def test_unload_takes_a_new_and_empty_folder_each_time(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/unload.html#unload-considerations-and-limitations"""
    _sales_table(lake)

    def unload() -> pd.DataFrame:
        return wr.athena.read_sql_query(
            "SELECT * FROM sales",
            database=lake.database,
            ctas_approach=False,
            unload_approach=True,
            s3_output=lake.uri("unloaded/"),
            keep_files=True,
        )

    assert len(unload()) == 3
    with pytest.raises(wr.exceptions.QueryFailed, match="HIVE_PATH_ALREADY_EXISTS"):
        unload()
