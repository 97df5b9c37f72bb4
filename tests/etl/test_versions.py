"""What stands when orders come twice, late, corrected, refunded and in any order."""

import itertools
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.manifest import SourceFile
from etl.pipeline import run
from etl.state import load_state
from etl.storage import LocalStorage
from tests.etl.builders import csv_file, customers_file, json_file, line, manifest_of
from tests.etl.lake import Lake


def lake_after(output: Path, runs: Sequence[Sequence[SourceFile]]) -> Lake:
    for number, files in enumerate(runs, 1):
        run(manifest_of(output, *files, run_id=f"run-{number}"))
    return Lake(output)


def lake_record(version: int, status: str = "completed", **changes: object) -> dict[str, object]:
    record = {"order_id": "ORD-1", "line_number": 1, "version": version, "status": status, "currency": "USD"}
    return line() | {"line_amount": "10.00"} | record | changes


def test_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    files = [customers_file(tmp_path), csv_file(tmp_path / "a.csv", [line("1"), line("2"), line("2")])]
    once = lake_after(tmp_path / "once", [files]).tables()
    assert lake_after(tmp_path / "twice", [files, files]).tables() == once


def test_a_lake_of_a_release_that_kept_no_counts_gets_them_with_its_next_run(tmp_path: Path) -> None:
    output = tmp_path / "lake"
    lake_after(output, [[customers_file(tmp_path), csv_file(tmp_path / "a.csv", [line("1"), line("2")])]])
    pointer = output / "_state" / "current.json"
    state = json.loads(pointer.read_text())
    del state["sales_rows"], state["sizes"]
    pointer.write_text(json.dumps(state))
    later = csv_file(tmp_path / "b.csv", [line("3"), line("2", order_date="2024-03-01")], day=2)
    report = run(manifest_of(output, later, run_id="run-2"))
    assert report.tables["sales"] == {"rows": 3}
    assert report.silver_bytes == sum(file.stat().st_size for file in live(output))
    Lake(output).tables()


def live(output: Path) -> list[Path]:
    return [output / key for key in sorted(load_state(LocalStorage(output)).keys())]


def test_a_later_version_of_an_order_replaces_all_its_lines(tmp_path: Path) -> None:
    first = csv_file(tmp_path / "a.csv", [line("1"), line("1", price="5.00")], day=1)
    second = csv_file(tmp_path / "b.csv", [line("1", price="7.00", order_date="2024-01-16")], day=2)
    lake = lake_after(tmp_path / "lake", [[first], [second]])
    assert lake.revenue() == Decimal("7.00")
    assert [(str(row[0]), row[2]) for row in lake.daily_sales()] == [("2024-01-16", Decimal("7.00"))]


def test_a_late_file_of_an_older_version_is_ignored(tmp_path: Path) -> None:
    older = csv_file(tmp_path / "a.csv", [line("1", price="1.00")], day=1)
    newer = csv_file(tmp_path / "b.csv", [line("1", price="2.00")], day=2)
    assert lake_after(tmp_path / "lake", [[newer], [older]]).revenue() == Decimal("2.00")


def test_identical_lines_in_one_file_are_sales_and_reported(tmp_path: Path) -> None:
    report = run(manifest_of(tmp_path / "lake", csv_file(tmp_path / "a.csv", [line("1"), line("1")])))
    assert Lake(tmp_path / "lake").revenue() == Decimal("20.00")
    assert Lake(tmp_path / "lake").daily_sales()[0][3:] == (1, 1)
    assert report.repeated_lines == 1
    assert report.warnings_by_rule == {"customer_unknown": 2, "line_repeated": 1}


def test_a_refunded_order_leaves_gold_and_an_older_record_does_not_bring_it_back(tmp_path: Path) -> None:
    completed = json_file(tmp_path / "a.jsonl", [lake_record(1)], day=1)
    refunded = json_file(tmp_path / "b.jsonl", [lake_record(2, "refunded")], day=2)
    again = json_file(tmp_path / "c.jsonl", [lake_record(1)], day=3)
    lake = lake_after(tmp_path / "lake", [[customers_file(tmp_path), completed], [refunded], [again]])
    assert lake.daily_sales() == []
    assert lake.customer_metrics() == []
    assert lake.silver("order_id, status") == [("ORD-1", "refunded")]


def test_the_line_amount_is_believed_and_a_mismatch_reported(tmp_path: Path) -> None:
    rows = [lake_record(1, quantity=3, price="3.33", line_amount="10.00")]
    report = run(manifest_of(tmp_path / "lake", json_file(tmp_path / "a.jsonl", rows)))
    assert Lake(tmp_path / "lake").revenue() == Decimal("10.00")
    assert report.warnings_by_rule["amount_mismatch"] == 1


def test_a_customer_who_comes_after_the_sales_gets_metrics(tmp_path: Path) -> None:
    sales = csv_file(tmp_path / "a.csv", [line("1")])
    lake = lake_after(tmp_path / "lake", [[sales], [customers_file(tmp_path)]])
    assert [row[0] for row in lake.customer_metrics()] == ["C001"]


def test_only_touched_dates_are_written_again(tmp_path: Path) -> None:
    first = csv_file(tmp_path / "a.csv", [line("1"), line("2", order_date="2024-01-16")])
    second = csv_file(tmp_path / "b.csv", [line("3", order_date="2024-01-16")], day=2)
    run(manifest_of(tmp_path / "lake", first))
    untouched = tmp_path / "lake" / "daily_sales" / "order_date=2024-01-15" / "data.parquet"
    before = untouched.stat().st_mtime_ns
    report = run(manifest_of(tmp_path / "lake", second, run_id="run-2"))
    assert report.dates_touched == ["2024-01-16"]
    assert untouched.stat().st_mtime_ns == before


def test_lines_that_came_before_are_counted_and_silver_says_what_is_odd_of_each(
    tmp_path: Path,
) -> None:
    first = csv_file(tmp_path / "a.csv", [line("1"), line("2", product_id=None)], day=1)
    customers = customers_file(tmp_path)
    run(manifest_of(tmp_path / "lake", first, customers))
    report = run(manifest_of(tmp_path / "lake", first, customers, run_id="run-2"))
    assert report.warnings_by_rule == {"line_superseded": 2, "product_id_missing": 1}
    assert Lake(tmp_path / "lake").silver("order_id, warned") == [("1", None), ("2", "product_id_missing")]


def test_gold_of_the_first_load_is_that_of_every_later_one(tmp_path: Path) -> None:
    """A first load groups lines by customer once for all, a later one twice."""
    two_lines: list[dict[str, Any]] = [
        {"line_number": n, "order_id": "3", "price": f"{n}.11"} for n in (1, 2)
    ]
    few: list[dict[str, Any]] = [
        {"order_id": "1"},
        {"order_id": "2", "status": "refunded"},
        {"order_id": "2b", "line_number": 2},
    ]
    others: list[dict[str, Any]] = [{"order_id": "4", "customer_id": "C002", "status": "cancelled"}]
    others += [{"order_id": n, "customer_id": "C999"} for n in ("5", "7")] + [
        {"order_id": "6", "customer_id": "C003"}
    ]
    for name, rows in (("one", [*few[:2], *others]), ("numbered", [*few, *others]), ("two", two_lines)):
        files = [csv_file(tmp_path / f"{name}.csv", [line(**row) for row in rows]), customers_file(tmp_path)]
        lake, reports, gold = Lake(tmp_path / name), [], []
        for number in (1, 2):
            reports.append(run(manifest_of(lake.root, *files, run_id=f"run-{number}")))
            gold.append((lake.daily_sales(), lake.customer_metrics()))
        assert gold[0] == gold[1]
        unknown = {report.warnings_by_rule.get("customer_unknown") for report in reports}
        assert unknown == {None if name == "two" else 2}
        assert reports[0].customers_touched == reports[1].customers_touched >= 7


def test_silver_of_before_the_column_warned_is_read_on(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    run(manifest_of(lake.root, csv_file(tmp_path / "a.csv", [line("1")])))
    (path,) = (str(path) for path in lake.root.glob("silver/sales/**/*.parquet"))
    with duckdb.connect() as connection:
        old = f"copy (select * exclude (warned) from read_parquet('{path}', hive_partitioning = false))"
        connection.execute(f"{old} to '{path}.new' (format parquet)")
    Path(f"{path}.new").replace(path)
    run(manifest_of(lake.root, csv_file(tmp_path / "b.csv", [line("2")], 2), run_id="run-2"))
    assert lake.silver("order_id, warned") == [("1", None), ("2", None)]


def test_a_rejected_late_line_does_not_supersede_an_earlier_good_one(tmp_path: Path) -> None:
    good = csv_file(tmp_path / "a.csv", [line("1")], day=1)
    bad = csv_file(tmp_path / "b.csv", [line("1", quantity=0)], day=2)
    assert lake_after(tmp_path / "lake", [[good], [bad]]).revenue() == Decimal("10.00")


def test_files_of_one_name_in_several_folders_are_several_files(tmp_path: Path) -> None:
    """Both begin with record 1: a good row of one must never pass for the bad row of the other."""
    for month in ("jan", "feb"):
        (tmp_path / month).mkdir()
    january = csv_file(tmp_path / "jan" / "sales.csv", [line("1", quantity="x"), line("2", price="8.00")], 1)
    february = csv_file(tmp_path / "feb" / "sales.csv", [line("3"), line("3", price="7.00")], 2)
    lake = lake_after(tmp_path / "lake", [[january, february], [february]])
    assert lake.revenue() == Decimal("25.00")
    (written,) = (tmp_path / "lake" / "quarantine").rglob("sales.jsonl")
    (row,) = map(json.loads, written.read_text().splitlines())
    assert (row["source"], row["order_id"]) == (january.key, "1")
    for number, runs in enumerate(([[february], [january]], [[january], [february, january]])):
        assert lake_after(tmp_path / f"lake-{number}", runs).tables() == lake.tables()


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2024-01-15", "2024-01-15"),
        ("2024-01-15T23:30:00Z", "2024-01-15"),
        ("2024-01-15T23:30:00-05:00", "2024-01-16"),
        ("2024-01-15T00:30:00+0200", "2024-01-14"),
        ("2024-01-15 12:00", "2024-01-15"),
    ],
)
def test_the_day_of_a_sale_is_its_utc_date(tmp_path: Path, written: str, day: str) -> None:
    run(manifest_of(tmp_path / "lake", csv_file(tmp_path / "a.csv", [line("1", order_date=written)])))
    assert str(Lake(tmp_path / "lake").daily_sales()[0][0]) == day


def test_files_in_any_order_and_any_split_into_runs_give_the_same_tables(tmp_path: Path) -> None:
    files = [
        customers_file(tmp_path),
        csv_file(tmp_path / "a.csv", [line("1"), line("1", price="5"), line("2", customer_id="C002")], 1),
        csv_file(
            tmp_path / "b.csv", [line("1", price="3", order_date="2024-01-17"), line("3", region="")], 2
        ),
        json_file(tmp_path / "c.jsonl", [lake_record(1), lake_record(2, "refunded")], 3),
        json_file(tmp_path / "d.jsonl", [lake_record(1, order_id="ORD-2"), lake_record(1)], 4),
    ]
    expected = lake_after(tmp_path / "all", [files]).tables()
    for number, order in enumerate(itertools.islice(itertools.permutations(files), 0, 120, 17)):
        found = lake_after(tmp_path / f"lake-{number}", [order[:2], order[2:3], order[3:]])
        assert found.tables() == expected
