"""One definition, two engines: the same tables, quarantine and counts, to the cent, on every kind of dirt."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from etl.engines.duckdb_engine import DuckDbEngine
from etl.errors import InputError
from etl.manifest import SourceFile
from etl.pipeline import run
from etl.report import Report
from etl.schemas import SALES
from etl.told import told
from tests.etl.builders import CUSTOMERS, csv_file, line, manifest_of, source
from tests.etl.dirt import DIRT, NAMES, make_files
from tests.etl.lake import Lake

pytestmark = [
    pytest.mark.spark,
    # pyspark 3.5 asks distutils for versions and leaves its gateway's sockets to the collector.
    pytest.mark.filterwarnings("ignore:distutils Version:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark"),
]
LENIENT: dict[str, Any] = {"min_rows_for_threshold": 10**9, "currency": "USD"}


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark")
    from etl.engines.spark_session import open_session

    session = open_session()
    session.conf.set("spark.sql.shuffle.partitions", "2")
    session.conf.set("spark.sql.codegen.wholeStage", "false")  # tables this small are not worth compiling for
    yield session
    session.stop()


def on_duckdb(folder: Path, runs: list[list[SourceFile]]) -> tuple[Lake, Report]:
    for number, files in enumerate(runs, 1):
        work = folder / f"work-{number}"
        work.mkdir(parents=True)
        engine = DuckDbEngine(work)
        report = run(manifest_of(folder / "lake", *files, run_id=f"run-{number}", **LENIENT), engine=engine)
        engine.close()
    return Lake(folder / "lake"), report


def on_spark(
    folder: Path, runs: list[list[SourceFile]], session: Any, native: int, **settings: int
) -> tuple[Lake, Report]:
    from etl.engines.spark_engine import SparkEngine

    for number, files in enumerate(runs, 1):
        work = folder / f"work-{number}"
        work.mkdir(parents=True)
        engine = SparkEngine(work, session, min_native_bytes=native, **settings)
        report = run(manifest_of(folder / "lake", *files, run_id=f"run-{number}", **LENIENT), engine=engine)
        engine.close()
    return Lake(folder / "lake"), report


def quarantine(lake: Lake) -> list[dict[str, Any]]:
    """Without the folders of the sources: some tests put the same file into several."""
    files = sorted((lake.root / "quarantine").rglob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text().split("\n") if line]
    return [row | {"source": Path(row["source"]).name} for row in rows]


def counts(report: Report) -> dict[str, Any]:
    # Of the run itself, and how well each engine's Parquet packs: not what was counted.
    left_out = ("engine", "seconds", "quarantine", "profile", "files", "published_at", "silver_bytes")
    profile = {  # distinct values are estimated
        (kind, name): {key: value for key, value in told.items() if key != "distinct"}
        for kind, columns in report.profile.items()
        for name, told in columns.items()
    }
    files = [one | {"source": Path(one["source"]).name} for one in report.files]
    kept = {key: value for key, value in vars(report).items() if key not in left_out}
    return kept | {"profile": profile, "files": files}


def assert_same(duck: tuple[Lake, Report], spark: tuple[Lake, Report]) -> None:
    assert counts(spark[1]) == counts(duck[1])
    assert spark[0].daily_sales() == duck[0].daily_sales()
    assert spark[0].customer_metrics() == duck[0].customer_metrics()
    assert spark[0].silver() == duck[0].silver()
    assert quarantine(spark[0]) == quarantine(duck[0])


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_both_engines_make_the_same_of_dirty_files_of_every_format(
    tmp_path: Path, spark: Any, seed: int
) -> None:
    files = make_files(tmp_path, seed)
    runs = [files[:5] + files[-1:], files[3:]]
    duck = on_duckdb(tmp_path / "duck", runs)
    assert duck[1].quarantined > 50
    assert_same(duck, on_spark(tmp_path / "spark", runs, spark, native=0))


def test_the_native_ways_read_what_the_strict_reader_reads(tmp_path: Path, spark: Any) -> None:
    files = [file for file in make_files(tmp_path, 7) if file.key.endswith(("plain.csv", "unquoted.csv"))]
    as_crlf = []
    for file in files:  # CRLF is not clean: the same records by the strict reader
        path = tmp_path / "crlf" / Path(file.key).name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(Path(file.key).read_bytes().replace(b"\n", b"\r\n"))
        as_crlf.append(replace(file, key=str(path)))
    strict = on_duckdb(tmp_path / "strict", [as_crlf])
    assert_same(strict, on_duckdb(tmp_path / "duck", [files]))
    assert_same(strict, on_spark(tmp_path / "cut", [files], spark, native=0))
    assert_same(strict, on_spark(tmp_path / "split", [files], spark, native=0, max_driver_bytes=0))
    assert_same(strict, on_spark(tmp_path / "whole", [files], spark, native=1 << 30, max_driver_bytes=0))


def test_spark_reads_the_gold_that_duckdb_wrote(tmp_path: Path, spark: Any) -> None:
    lake, report = on_duckdb(tmp_path, [make_files(tmp_path, 3)])
    columns = "cast(order_date as date), region, daily_revenue, daily_orders, unique_customers"
    found = spark.read.parquet(f"{lake.root}/daily_sales").selectExpr(*columns.split(", ")).collect()
    assert sorted(map(tuple, found)) == sorted(lake.daily_sales())
    assert len(found) == report.tables["daily_sales"]["rows"] > 20


def test_a_date_before_the_calendars_reform_is_warned_of_and_read_again(tmp_path: Path, spark: Any) -> None:
    days = ("0000-01-01", "0001-01-01", "1582-10-10", "1899-12-31", "1900-01-01", "9999-12-31T23:59-01:00")
    files = [
        csv_file(tmp_path / f"{name}.csv", [row | {"registration_date": day}], kind="customers")
        for name, day, row in zip("abcdef", days, CUSTOMERS, strict=False)
    ]
    duck, again = (
        on_duckdb(tmp_path / f"duck-{len(runs)}", runs) for runs in ([files[:3], files[3:]], [files])
    )
    assert_same(duck, on_spark(tmp_path / "spark", [files[:3], files[3:]], spark, native=0))
    warned = {"registration_date_too_old": 4, "registration_date_in_future": 1}
    assert {name: again[1].warnings_by_rule[name] for name in warned} == warned
    told = again[1].profile["customers"]["registration_date"]
    assert (told["nulls"], told["min"], told["max"]) == (2, "0001-01-01", "1900-01-01")


def test_rows_whose_product_no_type_holds_are_rejected_alike(tmp_path: Path, spark: Any) -> None:
    prices = ("999999999.99", "999999999.99", "9999999999999.99", "100000.00", "100000.01")
    rows = [line(f"{n}", quantity=9999999, price=price) for n, price in enumerate(prices)]
    runs = [[csv_file(tmp_path / "large.csv", rows)]]
    duck = on_duckdb(tmp_path / "duck", runs)
    assert duck[1].quarantined_by_rule == {"amount_too_large": 3}
    assert_same(duck, on_spark(tmp_path / "spark", runs, spark, native=0))


def test_sums_that_no_table_can_hold_are_one_clear_sentence_on_spark_too(tmp_path: Path, spark: Any) -> None:
    rows = [line(f"m{n}", price="1000000000000.00") for n in range(10_001)]
    with pytest.raises(InputError, match="a day 2024-01-15 add up to more than"):
        on_spark(tmp_path, [[csv_file(tmp_path / "many.csv", rows)]], spark, native=0)


def first_load(folder: Path) -> list[SourceFile]:
    """Orders of one line each, numbered by their file or not, with rejects and columns that nobody knows."""
    folder.mkdir()
    odd: dict[int, dict[str, Any]] = {
        3: {"quantity": "x"},
        4: {"order_id": None},
        5: {"status": "cancelled"},
        6: {"customer_id": "C9"},
    }
    odd |= {
        7: {"line_number": 4},
        8: {"note": "Grüße"},
        9: {"region": None},
        10: {"order_date": "1500-01-01"},
    }
    sales = [line(str(n)) | {"line_number": None, "note": None} | odd.get(n, {}) for n in range(1, 200)]
    customers = [*CUSTOMERS, {"customer_id": "C008", "name": "Old", "registration_date": "1500-02-28"}]
    return [
        csv_file(folder / "sales.csv", sales),
        csv_file(folder / "more.csv", [line(f"M{n}", order_date=f"2024-0{n}-01") for n in range(1, 9)], 2),
        csv_file(folder / "customers.csv", customers, kind="customers"),
    ]


def test_a_first_load_is_the_same_through_the_driver_and_through_the_executors(
    tmp_path: Path, spark: Any
) -> None:
    files = first_load(tmp_path / "in")
    late = csv_file(tmp_path / "in" / "late.csv", [line("7", quantity=9), line("M1", customer_id="C008")], 3)
    runs = [files, [late]]
    duck = on_duckdb(tmp_path / "duck", runs)
    assert_same(duck, on_spark(tmp_path / "driver", runs, spark, native=0))
    assert_same(duck, on_spark(tmp_path / "executors", runs, spark, native=0, max_driver_bytes=0))
    assert_same(on_duckdb(tmp_path / "one", [files]), on_spark(tmp_path / "first", [files], spark, native=0))


def test_columns_alike_in_all_rows_are_constants_of_the_view_and_else_as_spark_has_them(
    tmp_path: Path, spark: Any
) -> None:
    from etl.engines.spark_arrow import checked, to_arrow
    from etl.engines.spark_engine import SparkEngine

    engine = SparkEngine(tmp_path, spark)
    landing = engine.land(SALES, [], "three")
    spark.range(3).createOrReplaceTempView(landing.view)
    sql = """select id as record, cast('2024-01-01' as date) + cast(id as int) as order_date, 'a b' as source,
      cast(7 as bigint) as version, cast(null as string) as extra, 1 as line_number, 2.50 as price,
      nullif(id, id) as failed from three"""
    table, alike = checked(spark.sql(sql))
    assert table.equals(to_arrow(spark.sql(sql)))
    assert alike == {"source": "a b", "version": 7, "extra": None, "line_number": 1, "failed": None}
    engine.check("seen", landing, sql)
    found = spark.table("seen")
    assert found.schema.simpleString() == spark.sql(sql).schema.simpleString()
    assert to_arrow(found).sort_by("record").to_pylist() == table.to_pylist()
    assert to_arrow(spark.sql("select * from seen where failed is not null")).num_rows == 0
    engine.close()


def test_a_day_is_in_the_bucket_in_which_spark_looks_for_it(spark: Any) -> None:
    import pyarrow as pa

    from etl.engines.spark_arrow import bucket_numbers

    days = [None, *(date(1500, 1, 1) + timedelta(days=97 * n) for n in range(2_000)), date(9999, 12, 31)]
    frame = spark.createDataFrame([(day,) for day in days], "day date")
    found = [row[0] for row in frame.selectExpr("pmod(hash(day), 6)").collect()]
    assert found == bucket_numbers(pa.array(days, pa.date32()), 6).tolist()
    assert set(found) == set(range(6))


VALUES = st.tuples(*(st.one_of(st.sampled_from(DIRT[name]), st.text(max_size=6)) for name in NAMES))


@settings(max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(rows=st.lists(VALUES, min_size=150, max_size=300))
def test_both_engines_agree_on_whatever_hypothesis_writes(
    rows: list[tuple[str, ...]], tmp_path_factory: pytest.TempPathFactory, spark: Any
) -> None:
    folder = tmp_path_factory.mktemp("made")
    path = folder / "made.jsonl"
    path.write_text("".join(json.dumps(dict(zip(NAMES, r, strict=True))) + "\n" for r in rows))
    files = [source(path)]
    assert_same(on_duckdb(folder / "d", [files]), on_spark(folder / "s", [files], spark, 0))


def test_folders_whose_names_are_patterns_are_read_as_they_are_called(tmp_path: Path, spark: Any) -> None:
    files = [[csv_file(tmp_path / f"{name}.csv", [line(name)])] for name in ("1", "2")]
    (tmp_path / "lake[1]").mkdir()
    _, report = on_spark(tmp_path / "lake[1]" / "{a}", files, spark, native=0)
    (tmp_path / "lake[1]" / "{a}").rename(tmp_path / "found")  # the tests' own reader takes patterns
    found = (Lake(tmp_path / "found" / "lake"), report)
    assert_same(on_duckdb(tmp_path / "other", files), found)


def test_a_fault_in_a_task_of_spark_is_told_as_it_was_raised(spark: Any) -> None:
    def fail(batches: Iterator[Any]) -> Iterator[Any]:
        yield from batches
        raise InputError("no such file: 'a.csv'")

    with pytest.raises(Exception, match="no such file") as raised:
        spark.range(1).mapInArrow(fail, "id bigint").collect()
    assert told(raised.value) == "Spark: InputError: no such file: 'a.csv'"
    with pytest.raises(Exception, match="Path does not exist") as raised:
        spark.read.text("/no/such/file").collect()
    assert str(told(raised.value)).startswith("Spark: ")
    assert "\n" not in str(told(raised.value))
