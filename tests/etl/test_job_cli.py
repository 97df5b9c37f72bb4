"""The job on local files, as a newcomer runs it."""

import codecs
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from etl import glue
from etl.job import main
from tests.etl.lake import Lake

SAMPLES = Path(__file__).parents[2] / "etl" / "samples"
SALES, CUSTOMERS = str(SAMPLES / "sales_data.csv"), str(SAMPLES / "customer_data.csv")
HEADER = "order_id,customer_id,product_id,quantity,price,order_date,region\n"
Run = Callable[..., dict[str, object]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def job(*sales: str, customers: Sequence[str] = (CUSTOMERS,), code: int = 0) -> dict[str, object]:
        report = tmp_path / "report.json"
        arguments = ["--sales", *sales, "--customers", *customers, "--output", str(tmp_path / "lake")]
        assert main([*arguments, "--report", str(report), "--as-of", "2024-12-31"]) == code
        return json.loads(report.read_text()) if code == 0 else {}

    return job


def test_the_currency_that_all_is_settled_in_is_an_argument(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.csv"
    path.write_text(f"{HEADER.strip()},currency\n1,C001,P1,1,1.00,2024-01-01,North,EUR\n")
    arguments = ["--sales", str(path), "--output", str(tmp_path / "lake")]
    assert main([*arguments, "--currency", "USD"]) == 0
    assert "quarantined currency_foreign: 1" in capsys.readouterr().out
    assert main([*arguments, "--currency", "EUR"]) == 0
    assert "accepted 1 + quarantined 0" in capsys.readouterr().out
    assert main([*arguments, "--currency", "euro"]) == 2
    assert "currency 'euro' is not a code such as 'EUR'" in capsys.readouterr().err


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


def test_a_column_of_any_name_is_read_and_kept(run: Run, tmp_path: Path) -> None:
    names = [
        "odd\\name",
        "",
        "it's",
        "a,b",
        'say "it"',
        "a.b",
        "select",
        "ſ",
        "{}",
        "$1",
        "%s",
        "[0]",
        "`",
        "*",
    ]
    files = []
    for number, name in enumerate(names):
        header = "order_id,customer_id,quantity,price,order_date," + csv_field(name)
        files.append(tmp_path / f"{number}.csv")
        files[-1].write_text(f"{header}\n{number},C001,1,2.50,2024-01-01,x\n")
    assert run(*map(str, files))["quarantined"] == 0
    kept = Lake(tmp_path / "lake").silver("extra")
    assert sorted(json.dumps({name.replace(" ", "_"): "x"}) for name in names) == sorted(
        json.dumps(json.loads(extra)) for (extra,) in kept
    )


def csv_field(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if set(value) & set(',"') else value


def test_a_file_of_any_name_is_read_whether_plain_or_not(run: Run, tmp_path: Path) -> None:
    names = ["a b", "a'b", 'a"b', "a\\b", "a[1]", "a*", "{a}", "a?", "ä%20;#$", "a:b"]
    files = [tmp_path / f"{name}.{kind}.csv" for name in names for kind in ("plain", "quoted")]
    for number, file in enumerate(files):
        region = "N" if "plain" in file.name else '"N"'
        file.write_text(HEADER + f"{number},C001,P,1,2.50,2024-01-01,{region}\n")
    (tmp_path / "a1.plain.csv").write_text("what a pattern would match, too\n")
    report = run(*map(str, files))
    assert (report["accepted"], report["quarantined"]) == (7 + len(files), 0)
    assert sorted(Lake(tmp_path / "lake").silver("source")) == sorted((str(file),) for file in files)


def test_a_byte_order_mark_before_plain_or_quoted_csv_changes_nothing(run: Run, tmp_path: Path) -> None:
    for number, row in enumerate(("1,C001,P,1,2.50,2024-01-01,N\n", '2,C001,P,1,2.50,2024-01-01,"N"\n')):
        (tmp_path / f"{number}.csv").write_bytes(codecs.BOM_UTF8 + (HEADER + row).encode())
    report = run(str(tmp_path / "0.csv"), str(tmp_path / "1.csv"))
    assert (report["accepted"], report["quarantined"]) == (9, 0)
    assert Lake(tmp_path / "lake").revenue() == Decimal("5.00")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sales", SALES, "--output", "{}", "--run-id", "a b"], "run id 'a b' is not made of letters"),
        (["--sales", SALES, "--output", "{}", "--run-id", "../x"], "run id '../x' is not made of letters"),
        (["--database_name", "x", "--output", "{}"], "--database_name needs an --output in S3"),
        (
            ["--database_name", "x", "--output", "s3://b/p"],
            "You must specify a region. Set AWS_DEFAULT_REGION",
        ),
    ],
)
def test_an_argument_that_cannot_be_is_one_clear_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    glue.glue_client.cache_clear()
    assert main([a.replace("{}", str(tmp_path / "lake")) for a in arguments]) in (1, 2)
    assert capsys.readouterr().err.startswith(f"error: {said}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--output", ""], "--output is needed"),
        *(
            (["--output", "{}", "--max-quarantined-share", share], f"{share!r} is not a number from 0 to 1")
            for share in ("nan", "-1", "7", "inf", "a fifth")
        ),
    ],
)
def test_an_argument_that_means_nothing_is_refused_before_anything_is_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main(["--sales", SALES, *(a.replace("{}", str(tmp_path / "lake")) for a in arguments)])
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_spark_that_is_not_installed_is_one_clear_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    assert main(["--engine", "spark", "--sales", SALES, "--output", str(tmp_path / "lake")]) == 2
    assert "pip install -r etl/requirements-spark.txt" in capsys.readouterr().err


def test_a_missing_file_is_one_clear_sentence(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("/no/such/file.csv", code=2)
    assert capsys.readouterr().err == "error: no such file: '/no/such/file.csv'\n"


def test_what_is_no_file_is_not_said_to_be_missing(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        run(str(path), code=2)
        assert capsys.readouterr().err == f"error: not a file: {str(path)!r}\n"


def test_an_unknown_column_is_kept_and_reported(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sales = tmp_path / "s.csv"
    sales.write_text(
        "order_id,customer_id,quantity,price,order_date,coupon\n1,C001,1,2.50,2024-01-01,SPRING\n"
    )
    report = run(str(sales))
    noted = next(f for f in report["files"] if f["kind"] == "sales")  # type: ignore[attr-defined]
    assert noted["unknown_columns"] == ["coupon"]
    assert "region" in noted["missing_columns"]
    assert Lake(tmp_path / "lake").silver("extra") == [('{"coupon":"SPRING"}',)]
    told = capsys.readouterr().out
    assert f"  unknown columns in {sales}: coupon, kept in extra\n" in told
    left_out = "currency, line_amount, line_number, product_id, region"
    assert f"  optional columns that {sales} leaves out: {left_out}" in told


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


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_sales_among_the_customers_are_quarantined_and_change_no_customer(
    run: Run, tmp_path: Path, kind: str
) -> None:
    names, values = (
        (HEADER.strip() + ",status").split(","),
        ["9", "C001", "P", "1", "2.00", "2024-01-01", "N", "completed"],
    )
    wrong = tmp_path / f"customer_orders.{kind}"
    row = json.dumps(dict(zip(names, values, strict=True)))
    wrong.write_text(row if kind == "jsonl" else ",".join(names) + "\n" + ",".join(values))
    report = run(SALES, customers=(CUSTOMERS, str(wrong)))
    assert report["quarantined_by_rule"] == {"wrong_kind": 1}
    assert Lake(tmp_path / "lake").customer_metrics()[0][:3] == ("C001", "John Smith", "active")


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


def test_an_order_of_an_unknown_customer_counts_in_daily_sales_only(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sales = tmp_path / "s.csv"
    sales.write_text(HEADER + "1,C999,P,1,5.00,2024-01-01,\n")
    report = run(str(sales))
    lake = Lake(tmp_path / "lake")
    assert lake.daily_sales() == [(date(2024, 1, 1), "unknown", Decimal("5.00"), 1, 1)]
    assert lake.customer_metrics() == []
    assert report["warnings_by_rule"] == {"customer_unknown": 1, "region_missing": 1}
    assert "  warned customer_unknown: 1 (sold to a customer of no file yet" in capsys.readouterr().out
    assert lake.silver("warned") == [("region_missing",)]


def test_too_many_rejects_stop_the_run_before_publishing(run: Run, tmp_path: Path) -> None:
    sales = tmp_path / "s.csv"
    sales.write_text(HEADER + "x,C001,P,zero,5.00,2024-01-01,N\n" * 200)
    run(str(sales), code=3)
    assert not (tmp_path / "lake" / "_published.json").exists()
    assert not (tmp_path / "lake" / "daily_sales").exists()
    assert list((tmp_path / "lake" / "quarantine").rglob("sales.jsonl"))


def test_good_customers_and_good_files_do_not_outweigh_bad_sales(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good, many = tmp_path / "bad.csv", tmp_path / "good.csv", tmp_path / "customers.csv"
    bad.write_text(HEADER + "x,C001,P,zero,5.00,2024-01-01,N\n" * 50 + "7,C001,P,1,5.00,2024-01-01,N\n" * 100)
    good.write_text(HEADER + "8,C001,P,1,5.00,2024-01-01,N\n" * 400)
    many.write_text("customer_id,name\n" + "".join(f"D{n},N\n" for n in range(1000)))
    run(str(bad), str(good), customers=[str(many)], code=3)
    assert f"50 of 150 rows of {bad} are quarantined, more than 20%" in capsys.readouterr().err
    bad.write_text(HEADER + "x,C001,P,zero,5.00,2024-01-01,N\n" * 200)
    good.write_text(HEADER + "8,C001,P,1,5.00,2024-01-01,N\n" * 99)
    run(str(bad), str(good), customers=[str(many)], code=3)
    assert "200 of 299 rows are quarantined (sales); 200 of 200 rows of" in capsys.readouterr().err


def test_a_small_bad_file_among_good_ones_is_no_reason_to_stop(run: Run, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text(HEADER + "x,C001,P,zero,5.00,2024-01-01,N\n" * 99)
    good.write_text(HEADER + "8,C001,P,1,5.00,2024-01-01,N\n" * 400)
    assert run(str(bad), str(good))["quarantined"] == 99


def test_an_output_that_cannot_be_written_is_one_clear_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    arguments = ["--sales", SALES, "--customers", CUSTOMERS, "--output", str(tmp_path / "file" / "lake")]
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith("error: [Errno")
