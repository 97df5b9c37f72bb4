"""The job on local files, as a newcomer runs it."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from etl.job import main
from tests.etl.lake import Lake

SAMPLES = Path(__file__).parents[2] / "etl" / "samples"
SALES, CUSTOMERS = str(SAMPLES / "sales_data.csv"), str(SAMPLES / "customer_data.csv")
HEADER = "order_id,customer_id,product_id,quantity,price,order_date,region\n"
Run = Callable[..., dict[str, object]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def job(*sales: str, customers: str = CUSTOMERS, code: int = 0) -> dict[str, object]:
        report = tmp_path / "report.json"
        arguments = ["--sales", *sales, "--customers", customers, "--output", str(tmp_path / "lake")]
        assert main([*arguments, "--report", str(report), "--as-of", "2024-12-31"]) == code
        return json.loads(report.read_text()) if code == 0 else {}

    return job


def test_the_seeds_sample_files_become_the_seeds_tables_to_the_cent(run: Run, tmp_path: Path) -> None:
    report = run(SALES)
    lake = Lake(tmp_path / "lake")
    assert report["rows_in"] == report["accepted"] == 17
    assert lake.daily_sales()[0] == (date(2024, 1, 15), "North", Decimal("59.98"), 1, 1)
    assert lake.revenue() == Decimal("779.82")
    assert lake.customer_metrics()[1] == (
        "C002",
        "Jane Doe",
        "active",
        Decimal("129.95"),
        2,
        Decimal("64.98"),
    )


def test_the_average_is_rounded_half_up_to_the_cent(run: Run, tmp_path: Path) -> None:
    sales = tmp_path / "s.csv"
    sales.write_text(HEADER + "1,C001,P,1,0.01,2024-01-01,N\n2,C001,P,1,0.02,2024-01-01,N\n")
    run(str(sales))
    assert Lake(tmp_path / "lake").customer_metrics()[0][5] == Decimal("0.02")


def test_a_missing_file_is_one_clear_sentence(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("/no/such/file.csv", code=2)
    assert capsys.readouterr().err == "error: no such file: '/no/such/file.csv'\n"


def test_an_unknown_column_is_kept_and_reported(run: Run, tmp_path: Path) -> None:
    sales = tmp_path / "s.csv"
    sales.write_text(
        "order_id,customer_id,quantity,price,order_date,coupon\n1,C001,1,2.50,2024-01-01,SPRING\n"
    )
    report = run(str(sales))
    noted = next(f for f in report["files"] if f["kind"] == "sales")  # type: ignore[attr-defined]
    assert noted["unknown_columns"] == ["coupon"]
    assert "region" in noted["missing_columns"]
    assert Lake(tmp_path / "lake").silver("extra") == [('{"coupon":"SPRING"}',)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"invalid,data,format\n", "wrong_header"),
        (b"a,b,c,d,e,f,g\n1,C001,P,1,1.00,2024-01-01,N\n", "wrong_header"),
        (b"\x00\x01\x02\xff\xfe\n\n\x80rubbish", "wrong_header"),
        (b"PAR1 not really parquet", "unreadable_file"),
        (b"Obj\x01 not really avro", "unreadable_file"),
        (b"\x1f\x8b\x08\x00damaged", "unreadable_file"),
        (b"[1, 2, 3]\n", "not_a_json_object"),
        (b"PK\x03\x04 an archive", "wrong_header"),
    ],
)
def test_a_file_that_is_no_table_is_quarantined_and_says_why(
    run: Run, tmp_path: Path, content: bytes, reason: str
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    report = run(SALES, str(bad))
    assert report["quarantined_by_rule"] == {reason: 1}
    assert report["rows_in"] == 18


def test_a_header_without_records_is_noted(run: Run, tmp_path: Path) -> None:
    sales = tmp_path / "only_header.csv"
    sales.write_text(HEADER)
    assert run(str(sales))["notes"] == [f"{sales}: no records, only a header"]


def test_a_rejected_row_is_in_quarantine_with_all_its_reasons_and_its_raw_text(
    run: Run, tmp_path: Path
) -> None:
    sales = tmp_path / "s.csv"
    sales.write_text(HEADER + "1,C001,P,0,-2,2024-13-01,N\n2,C001,P,1,2.00,2025-01-01,N\n")
    run(str(sales))
    (written,) = (tmp_path / "lake" / "quarantine").rglob("sales.jsonl")
    first, second = map(json.loads, written.read_text().splitlines())
    assert first["reasons"] == "order_date_invalid,quantity_not_positive,price_negative"
    assert first["raw"] == "1,C001,P,0,-2,2024-13-01,N"
    assert second["reasons"] == "order_date_in_future"


def test_an_order_of_an_unknown_customer_counts_in_daily_sales_only(run: Run, tmp_path: Path) -> None:
    sales = tmp_path / "s.csv"
    sales.write_text(HEADER + "1,C999,P,1,5.00,2024-01-01,\n")
    report = run(str(sales))
    lake = Lake(tmp_path / "lake")
    assert lake.daily_sales() == [(date(2024, 1, 1), "unknown", Decimal("5.00"), 1, 1)]
    assert lake.customer_metrics() == []
    assert report["warnings_by_rule"] == {"customer_unknown": 1, "region_missing": 1}


def test_too_many_rejects_stop_the_run_before_publishing(run: Run, tmp_path: Path) -> None:
    sales = tmp_path / "s.csv"
    sales.write_text(HEADER + "x,C001,P,zero,5.00,2024-01-01,N\n" * 200)
    run(str(sales), code=3)
    assert not (tmp_path / "lake" / "_published.json").exists()
    assert not (tmp_path / "lake" / "daily_sales").exists()
    assert list((tmp_path / "lake" / "quarantine").rglob("sales.jsonl"))


def test_an_output_that_cannot_be_written_is_one_clear_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    arguments = ["--sales", SALES, "--customers", CUSTOMERS, "--output", str(tmp_path / "file" / "lake")]
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith("error: [Errno")
