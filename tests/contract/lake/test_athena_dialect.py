"""Athena's SQL is Trino's: where another engine would answer otherwise, an expression shows the answer.

https://docs.aws.amazon.com/athena/latest/ug/functions.html (engine version 3 follows Trino)
"""

import pytest

from tests.contract.lake.lake import Lake, QueryFailed, csv

ROWS = "FROM (VALUES (1, 7, 2.50, 'a'), (2, 0, 1.25, 'b')) AS t(id, n, d, s)"

MATH = "https://trino.io/docs/current/functions/math.html"
DECIMAL = "https://trino.io/docs/current/functions/decimal.html"
DATES = "https://trino.io/docs/current/functions/datetime.html"
CONVERSION = "https://trino.io/docs/current/functions/conversion.html"
ARRAYS = "https://trino.io/docs/current/functions/array.html"
TEXT = "https://trino.io/docs/current/functions/string.html"
REGEX = "https://trino.io/docs/current/functions/regexp.html"
JSON = "https://trino.io/docs/current/functions/json.html"
CONDITIONAL = "https://trino.io/docs/current/functions/conditional.html"
AGGREGATE = "https://trino.io/docs/current/functions/aggregate.html"

VALUES = [
    # integers divide to an integer, towards zero
    (MATH, "7 / 2", "3"),
    (MATH, "-7 / 2", "-3"),
    (MATH, "7 / 2e0", "3.5"),
    # doubles know infinity
    (MATH, "1e0 / 0", "Infinity"),
    (MATH, "0e0 / 0", "NaN"),
    (MATH, "1e10", "1.0E10"),
    (MATH, "round(12.345, 1)", "12.300"),
    (MATH, "round(2.5e0)", "3.0"),
    # the scale of a quotient is the larger scale of its sides, rounded half up
    (DECIMAL, "1.00 / 3", "0.33"),
    (DECIMAL, "2.00 / 3", "0.67"),
    (DECIMAL, "-10.00 / 16", "-0.63"),
    (DECIMAL, "CAST(10 AS decimal(10,2)) / 4", "2.50"),
    (DECIMAL, "CAST(1 AS decimal(38,2)) / CAST(8 AS decimal(38,2))", "0.13"),
    (DECIMAL, "1.10 * 1.10", "1.2100"),
    # dates stay dates
    (DATES, "date_trunc('month', DATE '2024-02-15')", "2024-02-01"),
    (DATES, "date_trunc('hour', TIMESTAMP '2024-02-15 10:11:12')", "2024-02-15 10:00:00.000"),
    (DATES, "date_add('month', 1, DATE '2024-01-31')", "2024-02-29"),
    (DATES, "date_add('day', -1, TIMESTAMP '2024-03-01 00:00:00')", "2024-02-29 00:00:00.000"),
    (DATES, "DATE '2024-01-31' + INTERVAL '1' DAY", "2024-02-01"),
    # whole units between, not boundaries crossed
    (DATES, "date_diff('day', TIMESTAMP '2024-01-01 23:00:00', TIMESTAMP '2024-01-02 01:00:00')", "0"),
    (DATES, "date_diff('month', DATE '2024-01-15', DATE '2024-03-14')", "1"),
    (DATES, "date_format(TIMESTAMP '2024-02-03 04:05:06', '%Y-%m-%d %H:%i:%s')", "2024-02-03 04:05:06"),
    (DATES, "date_parse('2024-02-03', '%Y-%m-%d')", "2024-02-03 00:00:00.000"),
    (DATES, "from_iso8601_timestamp('2024-01-02T03:04:05Z')", "2024-01-02 03:04:05.000 UTC"),
    (DATES, "from_unixtime(10)", "1970-01-01 00:00:10.000 UTC"),
    (DATES, "day_of_week(DATE '2024-02-04')", "7"),
    (DATES, "current_date = CAST(current_timestamp AS date)", "true"),
    (DATES, "format_datetime(TIMESTAMP '2024-01-02 03:04:05', 'yyyy-MM-dd HH:mm')", "2024-01-02 03:04"),
    # casts
    (CONVERSION, "CAST(2.5e0 AS integer)", "3"),
    (CONVERSION, "CAST(2.5 AS integer)", "3"),
    (CONVERSION, "CAST(3.5 AS integer)", "4"),
    (CONVERSION, "TRY_CAST('1.5' AS integer)", None),
    (CONVERSION, "TRY_CAST('1e3' AS integer)", None),
    (CONVERSION, "TRY_CAST('2024/01/05' AS date)", None),
    (CONVERSION, "CAST(TIMESTAMP '2024-01-01 00:00:00' AS varchar)", "2024-01-01 00:00:00.000"),
    (CONVERSION, "CAST('abcdef' AS varchar(3))", "abc"),
    (CONDITIONAL, "TRY(1 / 0)", None),
    (CONDITIONAL, "TRY(CAST('x' AS integer))", None),
    (CONDITIONAL, "TRY(ARRAY[1, 2][3])", None),
    (CONDITIONAL, "if(1 > 2, 'x')", None),
    # arrays count from one; element_at is NULL beyond the end
    (ARRAYS, "ARRAY[1, 2][2]", "2"),
    (ARRAYS, "element_at(ARRAY[1, 2], 3)", None),
    (ARRAYS, "element_at(ARRAY[1, 2], -1)", "2"),
    (ARRAYS, "cardinality(ARRAY[1, 2, 3])", "3"),
    (ARRAYS, "sequence(1, 3)", "[1, 2, 3]"),
    (ARRAYS, "sequence(DATE '2024-01-30', DATE '2024-02-01')", "[2024-01-30, 2024-01-31, 2024-02-01]"),
    (ARRAYS, "array_join(ARRAY['a', 'b'], '-')", "a-b"),
    (ARRAYS, "transform(ARRAY[1, 2], x -> x + 1)", "[2, 3]"),
    (ARRAYS, "element_at(map(ARRAY['a'], ARRAY[1]), 'b')", None),
    # text
    (TEXT, "'a' || NULL", None),
    (TEXT, "concat('a', 'b')", "ab"),
    (TEXT, "concat('a', NULL)", None),
    (TEXT, "split_part('a,b', ',', 2)", "b"),
    (TEXT, "'A' = 'a'", "false"),
    (REGEX, "regexp_extract('abc', 'x')", None),
    (REGEX, "regexp_extract('abc', 'a(b)', 1)", "b"),
    (REGEX, "regexp_replace('abc', '(b)', '[$1]')", "a[b]c"),
    (JSON, """json_extract_scalar('{"a": {"b": "x"}}', '$.a.b')""", "x"),
    (JSON, """json_extract_scalar('{"a": {"b": "x"}}', '$.a')""", None),
    (JSON, "json_extract_scalar('nope', '$.a')", None),
    (CONDITIONAL, "greatest(1, NULL)", None),
]

FAILURES = [
    (MATH, "1 / 0", "DIVISION_BY_ZERO"),
    (MATH, "7 % 0", "DIVISION_BY_ZERO"),
    (DECIMAL, "1.00 / 0", "DIVISION_BY_ZERO"),
    (CONVERSION, "CAST('x' AS integer)", "INVALID_CAST_ARGUMENT"),
    (CONVERSION, "CAST(' 12' AS integer)", "INVALID_CAST_ARGUMENT"),
    (CONVERSION, "CAST('2024/01/05' AS date)", "INVALID_CAST_ARGUMENT"),
    (ARRAYS, "ARRAY[1, 2][3]", "INVALID_FUNCTION_ARGUMENT"),
    (ARRAYS, "element_at(ARRAY[1, 2], 0)", "INVALID_FUNCTION_ARGUMENT"),
    (CONVERSION, "'1' = 1", "TYPE_MISMATCH"),
    (CONVERSION, "'2024-01-01' < DATE '2024-01-02'", "TYPE_MISMATCH"),
    (CONVERSION, "1 IN ('1')", "TYPE_MISMATCH"),
    (CONVERSION, "'1' <> 1", "TYPE_MISMATCH"),
    (CONVERSION, "'1' > 1", "TYPE_MISMATCH"),
    (CONVERSION, "'1' >= 1", "TYPE_MISMATCH"),
    (CONVERSION, "'1' <= 1", "TYPE_MISMATCH"),
    (CONVERSION, "'2' BETWEEN 1 AND 3", "TYPE_MISMATCH"),
    (MATH, "'2' * 3", "TYPE_MISMATCH"),
    (MATH, "'2' - 1", "TYPE_MISMATCH"),
    (TEXT, "'a' || 1", "TYPE_MISMATCH"),
    (DATES, "DATE '2024-01-31' + 1", "TYPE_MISMATCH"),
    (AGGREGATE, "sum(x) FROM (VALUES 9223372036854775807, 1) AS t(x)", "NUMERIC_VALUE_OUT_OF_RANGE"),
]


@pytest.mark.parametrize(("page", "expression", "expected"), VALUES)
def test_an_expression_has_the_value_that_athena_gives(
    shared_lake: Lake, page: str, expression: str, expected: str | None
) -> None:
    assert shared_lake.value(expression) == expected, page


@pytest.mark.parametrize(("page", "expression", "name"), FAILURES)
def test_an_expression_fails_as_athena_fails(
    shared_lake: Lake, page: str, expression: str, name: str
) -> None:
    with pytest.raises(QueryFailed) as failed:
        shared_lake.value(expression)
    assert name in str(failed.value), page


def test_aggregates_have_athenas_types_and_rounding(shared_lake: Lake) -> None:
    """https://trino.io/docs/current/functions/aggregate.html"""
    sql = f"SELECT sum(n), avg(n), avg(d), sum(d), count_if(n > 0), max_by(s, n), approx_distinct(s) {ROWS}"
    assert shared_lake.query(sql) == [("7", "3.5", "1.88", "3.75", "1", "a", "2")]
    assert shared_lake.types(sql) == ["bigint", "double", "decimal", "decimal", "bigint", "varchar", "bigint"]


def test_windows_see_the_rows_around(shared_lake: Lake) -> None:
    """https://trino.io/docs/current/functions/window.html"""
    sql = f"SELECT id, sum(d) OVER (ORDER BY id), avg(d) OVER (ORDER BY id), lag(n) OVER (ORDER BY id) {ROWS}"
    assert shared_lake.query(f"{sql} ORDER BY id") == [
        ("1", "2.50", "2.50", None),
        ("2", "3.75", "1.88", "7"),
    ]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_null_comes_last_in_either_order(shared_lake: Lake, direction: str) -> None:
    """https://trino.io/docs/current/sql/select.html#order-by-clause"""
    rows = shared_lake.query(f"SELECT x FROM (VALUES 2, NULL, 1) AS t(x) ORDER BY x {direction}")
    assert rows[-1] == (None,)


def test_an_expression_without_a_name_is_numbered(shared_lake: Lake) -> None:
    """https://trino.io/docs/current/sql/select.html"""
    done = shared_lake.execute("SELECT 1, 'x' AS Name, 2")
    assert shared_lake.results(done)[0] == ("_col0", "name", "_col2")


@pytest.mark.parametrize("clause", ["WHERE k = 'a'", "GROUP BY k", "HAVING k = 'a'"])
def test_an_alias_is_not_known_before_order_by(shared_lake: Lake, clause: str) -> None:
    """https://trino.io/docs/current/sql/select.html"""
    with pytest.raises(QueryFailed, match="COLUMN_NOT_FOUND"):
        shared_lake.query(f"SELECT s AS k {ROWS} {clause}")


def test_an_array_is_unnested_with_its_positions(shared_lake: Lake) -> None:
    """https://trino.io/docs/current/sql/select.html#unnest"""
    rows = "(SELECT 1 AS id, ARRAY['a', 'b'] AS xs)"
    sql = f"SELECT id, x, o FROM {rows} CROSS JOIN UNNEST(xs) WITH ORDINALITY AS u(x, o)"
    assert shared_lake.query(f"{sql} ORDER BY o") == [("1", "a", "1"), ("1", "b", "2")]


def test_types_reach_through_subqueries_and_with(shared_lake: Lake) -> None:
    """https://trino.io/docs/current/sql/select.html#with-clause"""
    tables = "WITH a AS (SELECT 7 AS n), b AS (SELECT n / 2 AS h FROM a)"
    sql = f"{tables} SELECT h / 2, (SELECT max(n) FROM a) / 2 FROM b"
    assert shared_lake.query(sql) == [("1", "3")]


def test_names_have_no_case(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html"""
    lake.put("t/a.csv", csv((1, "x")))
    lake.execute(
        f"CREATE EXTERNAL TABLE MyTable (Id int, Name string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        f"LOCATION '{lake.uri('t/')}'"
    )
    assert lake.results(lake.execute('SELECT ID, "Name" FROM MYTABLE')) == [("id", "name"), ("1", "x")]


def test_a_string_partition_key_is_not_a_date(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/partitions.html"""
    lake.put("t/day=2024-01-15/a.csv", csv((1,)))
    lake.execute(
        f"CREATE EXTERNAL TABLE t (id int) PARTITIONED BY (day string) ROW FORMAT DELIMITED "
        f"FIELDS TERMINATED BY ',' LOCATION '{lake.uri('t/')}'"
    )
    lake.execute("MSCK REPAIR TABLE t")
    assert lake.query("SELECT id FROM t WHERE day >= '2024-01-01'") == [("1",)]
    assert lake.query("SELECT id FROM t WHERE CAST(day AS date) >= DATE '2024-01-01'") == [("1",)]
    with pytest.raises(QueryFailed, match="TYPE_MISMATCH"):
        lake.query("SELECT id FROM t WHERE day >= DATE '2024-01-01'")


def test_text_that_is_no_number_reads_as_null(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html"""
    lake.put("t/a.csv", 'id,name\n1,"x\nnope,y\n3\n')
    lake.execute(
        f"CREATE EXTERNAL TABLE t (id int, name string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        f"LOCATION '{lake.uri('t/')}' TBLPROPERTIES ('skip.header.line.count' = '1')"
    )
    assert lake.query("SELECT id, name FROM t ORDER BY id") == [("1", '"x'), ("3", None), (None, "y")]


def test_a_varchar_of_a_length_reads_so_many_characters(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/data-types-considerations.html"""
    lake.put("t/a.csv", csv((1, "abcdef"), (2, "ab")))
    lake.execute(
        f"CREATE EXTERNAL TABLE t (id int, name varchar(3)) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        f"LOCATION '{lake.uri('t/')}'"
    )
    assert lake.query("SELECT name FROM t WHERE name LIKE 'ab%' ORDER BY id") == [("abc",), ("ab",)]
