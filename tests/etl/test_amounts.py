"""Amounts of every size: what the API takes reaches the lake, and what is too large stops no other row."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain import events, money
from chalicelib.services import lake_records
from etl.errors import InputError
from etl.manifest import SourceFile
from etl.pipeline import run
from tests.etl.builders import csv_file, json_file, line, manifest_of
from tests.etl.lake import Lake

TOO_LARGE = line("2", quantity=9999999, price="999999999.99")


def completed(minor: int, currency: str) -> dict[str, Any]:
    amount = money.to_text(minor, currency)
    sold = {"lineNumber": 1, "productId": "P1", "quantity": 1, "unitPrice": amount, "lineAmount": amount}
    data = {"orderVersion": 5, "customerId": "C001", "placedAt": "2024-01-15T10:00:00Z", "region": "North"}
    data |= {"currency": currency, "lines": [sold]}
    return {"id": f"e{minor}", "orderId": str(minor), "type": events.COMPLETED, "data": data}


@pytest.mark.parametrize("currency", sorted(money.SETTLED))
def test_the_smallest_and_the_largest_order_of_every_currency_reach_the_lake(
    tmp_path: Path, currency: str
) -> None:
    amounts = (1, money.LARGEST_AMOUNT - 1, money.LARGEST_AMOUNT)
    rows = [record for minor in amounts for record in lake_records.records(completed(minor, currency))]
    report = run(manifest_of(tmp_path / "lake", json_file(tmp_path / "orders.jsonl", rows)))
    assert report.quarantined_by_rule == {}
    assert Lake(tmp_path / "lake").revenue() == sum(Decimal(money.to_text(m, currency)) for m in amounts)


def test_a_row_whose_amount_is_beyond_every_order_is_quarantined_alone(tmp_path: Path) -> None:
    rows = [line("1"), TOO_LARGE, TOO_LARGE, line("3", price="1000000000000.01"), line("4", price="1e12")]
    rows += [line("5", quantity=9999999, price="9999999999999.99")]  # no product of decimal(18,2)
    rows += [line(f"6{n}", price="", line_amount=f"1000000000000.0{n}") for n in (0, 1)]
    report = run(manifest_of(tmp_path / "lake", csv_file(tmp_path / "s.csv", rows)))
    assert report.quarantined_by_rule == {"amount_too_large": 5, "price_invalid": 1}
    assert Lake(tmp_path / "lake").revenue() == Decimal("1000000000010.00")


@pytest.mark.parametrize(("days", "told"), [(1, "a day 2024-01-01 add"), (30, "a customer of part")])
def test_sums_that_no_table_can_hold_stop_the_run_and_leave_the_lake_alone(
    tmp_path: Path, days: int, told: str
) -> None:
    good = csv_file(tmp_path / "good.csv", [line("1"), line("2", order_date="2024-01-01")])
    lake = tmp_path / "lake"
    run(manifest_of(lake, customers_of_the_lines(tmp_path), good))
    before = Lake(lake).tables()
    with pytest.raises(InputError, match=f"{told}.* more than decimal"):
        run(manifest_of(lake, too_many(tmp_path, days), run_id="run-2"))
    assert Lake(lake).tables() == before
    run(manifest_of(lake, csv_file(tmp_path / "later.csv", [line("7")]), run_id="run-3"))
    assert Lake(lake).revenue() == Decimal("30.00")


def customers_of_the_lines(folder: Path) -> SourceFile:
    return csv_file(folder / "customers.csv", [{"customer_id": "C001", "name": "Ada"}], kind="customers")


def too_many(folder: Path, days: int) -> SourceFile:
    """10,001 of the largest lines that are taken, of one customer, spread over the days."""
    first = date(2024, 1, 1)
    rows = [
        line(f"m{n}", price="1000000000000.00", order_date=str(first + timedelta(n % days)))
        for n in range(10_001)
    ]
    return csv_file(folder / "many.csv", rows)


def test_rows_in_another_currency_are_not_added_up_as_the_stages_own(tmp_path: Path) -> None:
    currencies = {"1": "USD", "2": "usd", "3": None, "4": "EUR", "5": "JPY", "6": "US dollars"}
    rows = [line(order, currency=currency) for order, currency in currencies.items()]
    file = json_file(tmp_path / "orders.jsonl", rows)
    report = run(manifest_of(tmp_path / "lake", file, currency="USD"))
    assert report.quarantined_by_rule == {"currency_foreign": 3}
    assert Lake(tmp_path / "lake").revenue() == Decimal("30.00")
    anything = run(manifest_of(tmp_path / "any", file))
    assert anything.quarantined == 0


def test_a_currency_that_is_none_is_one_clear_sentence(tmp_path: Path) -> None:
    for wrong in ("usd", "US'D", "", 7, ["USD"]):
        with pytest.raises(InputError, match="is not a code such as 'EUR'"):
            run(manifest_of(tmp_path / "lake", csv_file(tmp_path / "s.csv", [line()]), currency=wrong))
