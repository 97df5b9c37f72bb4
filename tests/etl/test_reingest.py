"""A rejected line, corrected in its quarantine file, takes its own place in its own order."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from etl.manifest import kind_of
from etl.pipeline import run
from etl.reingest import main, quarantined_rows
from tests.etl.builders import csv_file, customers_file, line, manifest_of, source
from tests.etl.lake import Lake


def rejected(tmp_path: Path) -> Path:
    rows = [line("1", price="1.00"), line("1", quantity="two", coupon="SPRING"), line("1", price="4.00")]
    run(manifest_of(tmp_path / "lake", customers_file(tmp_path), csv_file(tmp_path / "a.csv", rows)))
    (found,) = (tmp_path / "lake" / "quarantine").rglob("sales.jsonl")
    return found


def test_a_corrected_row_joins_the_lines_of_its_order(tmp_path: Path) -> None:
    path = rejected(tmp_path)
    corrected = json.loads(path.read_text()) | {"quantity": "2"}
    path.write_text(json.dumps(corrected))
    assert main([str(path), "--output", str(tmp_path / "raw"), "--as-of", "2024-12-31"]) == 0
    (raw,) = (tmp_path / "raw").iterdir()
    run(manifest_of(tmp_path / "lake", source(raw, day=9), run_id="run-2"))
    lake = Lake(tmp_path / "lake")
    assert lake.revenue() == Decimal("25.00")
    assert lake.silver("line_number, extra") == [(1, None), (2, '{"coupon":"SPRING"}'), (3, None)]


@pytest.mark.parametrize(
    ("lines", "reasons"),
    [
        (('1001,C001,P1,1,10.00,2024-01-15,"N"', '1001,C001,P2,1,5.00,2024-01-15,N"'), "bad_quotes"),
        (('1001,C001,P2,1,5.00,2024-01-15,N"', "1001,C001,P1,1,10.00,2024-01-15,N"), "bad_quotes"),
        (("1001,C001,P1,1,10.00,2024-01-15,N", ",C001,P2,1,5.00,2024-01-15,N"), "order_id_missing"),
        (("1001,C001,P1,1,10.00,2024-01-15,N", "1001,C001,P2,1,5.00"), "wrong_field_count"),
    ],
)
def test_a_corrected_row_whose_order_was_not_readable_replaces_no_good_line_of_it(
    tmp_path: Path, lines: tuple[str, ...], reasons: str
) -> None:
    header = "order_id,customer_id,product_id,quantity,price,order_date,region"
    third = "1002,C001,P1,1,3.00,2024-01-15,N"
    path = tmp_path / "a.csv"
    path.write_text("\n".join((header, *lines, third)) + "\n")
    run(manifest_of(tmp_path / "lake", customers_file(tmp_path), source(path)))
    (rejects,) = (tmp_path / "lake" / "quarantine").rglob("sales.jsonl")
    row = json.loads(rejects.read_text())
    assert row["reasons"] == reasons
    rejects.write_text(json.dumps(row | line("1001", product_id="P2", price="5.00")))
    assert main([str(rejects), "--output", str(tmp_path / "raw"), "--as-of", "2024-12-31"]) == 0
    (raw,) = (tmp_path / "raw").iterdir()
    for number in (2, 3):  # twice is once
        run(manifest_of(tmp_path / "lake", source(raw, day=9), run_id=f"run-{number}"))
    assert Lake(tmp_path / "lake").revenue() == Decimal("18.00")


def test_a_row_that_is_put_into_another_order_replaces_no_line_of_that(tmp_path: Path) -> None:
    rows = [line("1001", price="10.00"), line("100l", price="5.00", quantity="x"), line("1002", price="3.00")]
    run(manifest_of(tmp_path / "lake", customers_file(tmp_path), csv_file(tmp_path / "a.csv", rows)))
    (rejects,) = (tmp_path / "lake" / "quarantine").rglob("sales.jsonl")
    rejects.write_text(json.dumps(json.loads(rejects.read_text()) | {"order_id": "1001", "quantity": "1"}))
    assert main([str(rejects), "--output", str(tmp_path / "raw"), "--as-of", "2024-12-31"]) == 0
    (raw,) = (tmp_path / "raw").iterdir()
    run(manifest_of(tmp_path / "lake", source(raw, day=9), run_id="run-2"))
    assert Lake(tmp_path / "lake").revenue() == Decimal("18.00")


def test_corrected_customers_are_known_for_customers_by_their_columns(tmp_path: Path) -> None:
    row = {"source": "x", "record": 1, "reasons": "customer_id_missing", "raw": ",Ann", "name": "Ann"}
    path = tmp_path / "customers.jsonl"
    path.write_text(json.dumps(row | {"customer_id": "C001", "version": 5, "email": None}))
    assert main([str(path), "--output", str(tmp_path / "raw")]) == 0
    (raw,) = (tmp_path / "raw").iterdir()
    assert kind_of(f"raw-data/{raw.name}") == "customers"
    assert json.loads(raw.read_text()) == {"name": "Ann", "customer_id": "C001", "version": 5}


def test_rows_of_two_kinds_are_one_clear_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "both.jsonl"
    path.write_text('{"customer_id": "C1", "name": "A"}\n' + json.dumps(line("1")) + "\n")
    assert main([str(path), "--output", str(tmp_path / "raw")]) == 2
    assert "one kind at a time" in capsys.readouterr().err


def test_a_row_that_would_be_rejected_again_is_not_brought_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = rejected(tmp_path)
    assert main([str(path), "--output", str(tmp_path / "raw"), "--as-of", "2024-12-31"]) == 1
    assert "row 1: quantity_invalid" in capsys.readouterr().err
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize("line", ["nonsense", "[" * 100_000, json.dumps({"extra": '{"a":' * 100_000})])
def test_a_file_that_is_no_quarantine_is_one_clear_sentence(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.jsonl").write_text(line + "\n")
    assert main([str(tmp_path / "x.jsonl"), "--output", str(tmp_path / "raw")]) == 2
    assert "line 1 is not a quarantined row" in capsys.readouterr().err


def test_a_corrected_order_of_the_platform_goes_back_to_its_own_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, raw = rejected(tmp_path), tmp_path / "raw"
    of_a_file = json.loads(path.read_text()) | {"quantity": "2"}
    of_orders = of_a_file | {"source": "raw-data/orders/2024/01/15/a.jsonl"}
    path.write_text("".join(json.dumps(row) + "\n" for row in (of_a_file, of_orders, of_orders)))
    assert main([str(path), "--output", str(raw), "--as-of", "2024-12-31"]) == 0
    [in_orders], [other] = list(raw.glob("orders/*.jsonl")), list(raw.glob("*.jsonl"))
    counts = [len(file.read_text().splitlines()) for file in (in_orders, other)]
    assert counts == [2, 1]
    assert "source" not in json.loads(other.read_text())
    assert capsys.readouterr().out == f"1 rows written to {other}\n2 rows written to {in_orders}\n"


def test_a_text_with_unusual_line_separators_stays_one_row() -> None:
    body = json.dumps({"order_id": "1", "region": "a\x85b\u2028c"}, ensure_ascii=False).encode() + b"\n"
    assert [row["region"] for row in quarantined_rows(body, "x")] == ["a\x85b\u2028c"]
