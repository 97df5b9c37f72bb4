"""What Athena's statements do beside reading: DDL, written data, parameters, results and errors."""

import pytest
from botocore.exceptions import ClientError

from tests.contract.lake.lake import Lake, QueryFailed, csv

SALES = csv(("1", "North", "10"), ("2", "South", "20"), ("3", "North", "30"))


def sales_table(lake: Lake) -> None:
    lake.put("sales/day=2024-01-15/a.csv", csv((1, "North", 10), (2, "South", 20)))
    lake.put("sales/day=2024-01-16/a.csv", csv((3, "North", 30)))
    lake.execute(
        f"CREATE EXTERNAL TABLE sales (id int, region string, price int) PARTITIONED BY (day string) "
        f"ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION '{lake.uri('sales/')}'"
    )
    lake.execute("MSCK REPAIR TABLE sales")


def test_msck_repair_finds_hive_partitions(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/msck-repair-table.html"""
    sales_table(lake)
    found = {values: location.rstrip("/") for values, location in lake.partitions("sales").items()}
    assert found == {
        ("2024-01-15",): lake.uri("sales/day=2024-01-15"),
        ("2024-01-16",): lake.uri("sales/day=2024-01-16"),
    }
    assert lake.query("SELECT day, sum(price) FROM sales GROUP BY day ORDER BY day") == [
        ("2024-01-15", "30"),
        ("2024-01-16", "30"),
    ]


def test_partitions_are_added_and_dropped(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/alter-table-add-partition.html"""
    sales_table(lake)
    lake.put("late/a.csv", csv((4, "East", 40)))
    lake.execute(f"ALTER TABLE sales ADD PARTITION (day = '2024-01-17') LOCATION '{lake.uri('late/')}'")
    lake.execute("ALTER TABLE sales DROP PARTITION (day = '2024-01-15')")
    assert lake.query("SELECT id, day FROM sales ORDER BY id") == [("3", "2024-01-16"), ("4", "2024-01-17")]
    assert lake.results(lake.execute("SHOW PARTITIONS sales")) == [("day=2024-01-16",), ("day=2024-01-17",)]


def test_a_partition_is_read_where_the_catalog_says(lake: Lake) -> None:
    """https://docs.aws.amazon.com/glue/latest/webapi/API_UpdatePartition.html"""
    sales_table(lake)
    lake.put("runs/7/a.csv", csv((9, "West", 90)))
    found = lake.glue.get_partition(
        DatabaseName=lake.database, TableName="sales", PartitionValues=["2024-01-16"]
    )
    storage = {**found["Partition"]["StorageDescriptor"], "Location": lake.uri("runs/7/")}
    lake.glue.update_partition(
        DatabaseName=lake.database,
        TableName="sales",
        PartitionValueList=["2024-01-16"],
        PartitionInput={"Values": ["2024-01-16"], "StorageDescriptor": storage},
    )
    assert lake.query("SELECT id FROM sales WHERE day = '2024-01-16'") == [("9",)]


def test_partitions_that_the_where_excludes_are_not_scanned(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/partitions.html"""
    sales_table(lake)
    everything = lake.execute("SELECT * FROM sales")["Statistics"]["DataScannedInBytes"]
    late = lake.execute("SELECT * FROM sales WHERE day > '2024-01-15' AND price > 0")
    one = late["Statistics"]["DataScannedInBytes"]
    assert 0 < one < everything


def test_create_table_as_writes_partitioned_parquet(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html"""
    sales_table(lake)
    done = lake.execute(
        f"CREATE TABLE by_region WITH (format = 'PARQUET', write_compression = 'SNAPPY', "
        f"external_location = '{lake.uri('by_region/')}', partitioned_by = ARRAY['region']) "
        f"AS SELECT sum(price) AS total, region FROM sales GROUP BY region"
    )
    assert done["StatementType"] == "DDL"
    assert done["SubstatementType"] == "CREATE_TABLE_AS_SELECT"
    assert lake.tables()["by_region"] == {"total": "bigint", "region": "string"}
    assert set(lake.partitions("by_region")) == {("North",), ("South",)}
    assert lake.query("SELECT region, total FROM by_region ORDER BY 1") == [("North", "40"), ("South", "20")]
    manifest = lake.text(done["Statistics"]["DataManifestLocation"]).split()
    assert sorted(manifest) == sorted(lake.uri(key) for key in lake.keys("by_region/"))


def test_create_table_as_refuses_a_location_with_data(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/ctas-considerations-limitations.html"""
    lake.put("full/a", "x")
    with pytest.raises(QueryFailed, match="HIVE_PATH_ALREADY_EXISTS"):
        lake.execute(f"CREATE TABLE t WITH (external_location = '{lake.uri('full/')}') AS SELECT 1 AS a")


def test_unload_writes_files_and_a_manifest(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/unload.html"""
    sales_table(lake)
    done = lake.execute(
        f"UNLOAD (SELECT id, region FROM sales) TO '{lake.uri('out/')}' WITH (format = 'PARQUET')"
    )
    assert done["SubstatementType"] == "UNLOAD"
    assert lake.text(done["Statistics"]["DataManifestLocation"]).split() == [
        lake.uri(k) for k in lake.keys("out/")
    ]


def test_insert_into_adds_rows_and_partitions(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/insert-into.html"""
    where = f"external_location = '{lake.uri('t/')}', partitioned_by = ARRAY['day']"
    lake.execute(f"CREATE TABLE t WITH ({where}) AS SELECT 1 AS a, '2024-01-15' AS day")
    lake.execute("INSERT INTO t SELECT 2, '2024-01-16'")
    assert lake.query("SELECT a, day FROM t ORDER BY a") == [("1", "2024-01-15"), ("2", "2024-01-16")]


@pytest.mark.parametrize(
    "row", ["'3', '2024-01-16'", "9223372036854775807, '2024-01-16'", "1.5, '2024-01-16'"]
)
def test_insert_takes_no_value_that_it_would_have_to_narrow(lake: Lake, row: str) -> None:
    """https://trino.io/docs/current/sql/insert.html"""
    lake.execute(f"CREATE TABLE t WITH (external_location = '{lake.uri('t/')}') AS SELECT 1 AS a, 'x' AS day")
    with pytest.raises(QueryFailed, match="TYPE_MISMATCH"):
        lake.execute(f"INSERT INTO t SELECT {row}")
    assert lake.query("SELECT a FROM t") == [("1",)]


def test_a_view_is_a_query_by_name(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/create-view.html"""
    sales_table(lake)
    lake.execute(
        "CREATE OR REPLACE VIEW north AS SELECT id, price / 4 AS quarter FROM sales WHERE region = 'North'"
    )
    assert lake.query("SELECT id, quarter FROM north ORDER BY id") == [("1", "2"), ("3", "7")]
    lake.execute("DROP VIEW north")
    assert "north" not in lake.tables()


def test_databases_and_tables_are_listed(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/show-tables.html"""
    sales_table(lake)
    assert lake.results(lake.execute("SHOW TABLES")) == [("sales",)]
    assert (lake.database,) in lake.results(lake.execute("SHOW DATABASES"))
    columns = [
        row[0].split("\t")[0].strip() for row in lake.results(lake.execute("DESCRIBE sales")) if row[0]
    ]
    assert columns[:4] == ["id", "region", "price", "day"]
    lake.execute("DROP TABLE sales")
    assert lake.tables() == {}
    assert lake.keys("sales/") != []


def test_a_database_is_created_and_dropped(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/create-database.html"""
    name = f"{lake.database}_other"
    lake.execute(f"CREATE DATABASE IF NOT EXISTS {name} COMMENT 'theirs'")
    assert lake.glue.get_database(Name=name)["Database"]["Description"] == "theirs"
    lake.execute(f"DROP DATABASE {name}")
    with pytest.raises(lake.glue.exceptions.EntityNotFoundException):
        lake.glue.get_database(Name=name)


def test_execution_parameters_fill_the_marks(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html"""
    sales_table(lake)
    sql = "SELECT id FROM sales WHERE region = ? AND price > ? -- really?"
    assert lake.query(sql, ExecutionParameters=["'North'", "10"]) == [("3",)]


def test_a_parameter_is_a_value_and_never_sql(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html"""
    sales_table(lake)
    with pytest.raises((QueryFailed, ClientError)):
        lake.query("SELECT id FROM sales WHERE price > ?", ExecutionParameters=["0 OR 1 = 1"])


def test_too_few_parameters_are_refused(lake: Lake) -> None:
    with pytest.raises((QueryFailed, ClientError), match="Incorrect number of parameters"):
        lake.query("SELECT ? + ?", ExecutionParameters=["1"])


def test_a_prepared_statement_is_executed_by_name(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/sql-prepare.html"""
    sales_table(lake)
    name = lake.cloud.name("p").replace("-", "_")
    lake.execute(f"PREPARE {name} FROM SELECT id FROM sales WHERE price = ?")
    assert lake.query(f"EXECUTE {name} USING 20") == [("2",)]
    lake.execute(f"DEALLOCATE PREPARE {name}")
    with pytest.raises((QueryFailed, ClientError)):
        lake.query(f"EXECUTE {name} USING 20")


def test_the_result_file_quotes_values_and_leaves_null_bare(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html"""
    done = lake.execute("""SELECT 'say "hi"' AS a, '' AS b, CAST(NULL AS varchar) AS c, 1.50 AS d""")
    assert (
        lake.text(done["ResultConfiguration"]["OutputLocation"])
        == '"a","b","c","d"\n"say ""hi""","",,"1.50"\n'
    )
    assert done["ResultConfiguration"]["OutputLocation"] == lake.uri(
        f"query-results/{done['QueryExecutionId']}.csv"
    )


def test_results_come_in_pages_with_the_header_first(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html"""
    query = lake.execute("SELECT n FROM UNNEST(sequence(1, 5)) AS t(n) ORDER BY n")["QueryExecutionId"]
    first = lake.athena.get_query_results(QueryExecutionId=query, MaxResults=4)
    rest = lake.athena.get_query_results(QueryExecutionId=query, MaxResults=4, NextToken=first["NextToken"])
    texts = [row["Data"][0]["VarCharValue"] for page in (first, rest) for row in page["ResultSet"]["Rows"]]
    assert texts == ["n", "1", "2", "3", "4", "5"]
    assert "NextToken" not in rest


def test_the_workgroup_decides_where_results_go_if_it_enforces_it(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html"""
    name = lake.cloud.name("workgroup")
    location = {"ResultConfiguration": {"OutputLocation": lake.uri("enforced/")}}
    lake.athena.create_work_group(
        Name=name, Configuration={**location, "EnforceWorkGroupConfiguration": True}
    )
    lake.cloud.undo(lambda: lake.athena.delete_work_group(WorkGroup=name, RecursiveDeleteOption=True))
    done = lake.execute("SELECT 1", WorkGroup=name)
    assert done["ResultConfiguration"]["OutputLocation"].startswith(lake.uri("enforced/"))
    assert done["WorkGroup"] == name


def test_a_missing_table_fails_as_table_not_found(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/error-reference.html"""
    with pytest.raises(QueryFailed) as failed:
        lake.query("SELECT * FROM no_such_table")
    assert failed.value.status["StateChangeReason"].startswith("TABLE_NOT_FOUND")
    assert f"awsdatacatalog.{lake.database}.no_such_table" in failed.value.status["StateChangeReason"]
    assert failed.value.status["AthenaError"]["ErrorCategory"] == 2


def test_a_missing_column_fails_as_column_not_found(lake: Lake) -> None:
    sales_table(lake)
    with pytest.raises(QueryFailed, match=r"COLUMN_NOT_FOUND.*'nope'"):
        lake.query("SELECT nope FROM sales")


def test_a_malformed_statement_is_refused_at_once(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/APIReference/API_InvalidRequestException.html"""
    with pytest.raises(lake.athena.exceptions.InvalidRequestException) as refused:
        lake.execute("SELEC 1")
    assert refused.value.response["AthenaErrorCode"] == "MALFORMED_QUERY"


def test_a_failed_query_has_no_results(lake: Lake) -> None:
    context = {"Database": lake.database}
    output = {"OutputLocation": lake.uri("query-results/")}
    query = lake.athena.start_query_execution(
        QueryString="SELECT * FROM no_such_table", QueryExecutionContext=context, ResultConfiguration=output
    )["QueryExecutionId"]
    with pytest.raises(QueryFailed):
        lake.execute("SELECT * FROM no_such_table")
    with pytest.raises(lake.athena.exceptions.InvalidRequestException):
        lake.athena.get_query_results(QueryExecutionId=query)


def test_a_running_query_can_be_stopped(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/APIReference/API_StopQueryExecution.html"""
    long = "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y) "
    long += "CROSS JOIN UNNEST(sequence(1, 10000)) c(z) WHERE sqrt(x * y + z) < 0"
    query = lake.athena.start_query_execution(
        QueryString=long, ResultConfiguration={"OutputLocation": lake.uri("query-results/")}
    )["QueryExecutionId"]
    lake.athena.stop_query_execution(QueryExecutionId=query)
    status = lake.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
    assert status["State"] == "CANCELLED"
