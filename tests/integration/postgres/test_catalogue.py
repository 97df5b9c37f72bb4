"""The catalogue comes from an operator's file; what orders hold is never given away."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chalicelib.domain.errors import InvalidQueryError
from chalicelib.services.manage_catalogue import manage_catalogue
from scripts import catalogue
from scripts.deployment.errors import DeploymentError
from scripts.local_run.outside import wait_until
from tests.fakes import START
from tests.shop import Shop

Load = Callable[..., list[str]]
HEADER = "id,name,price,stock,retired\n"


@pytest.fixture
def load(shop: Shop, tmp_path: Path) -> Load:
    """Runs the command on a file of these lines; answers what it says."""

    def run(lines: str, *options: str) -> list[str]:
        file = tmp_path / "catalogue.csv"
        file.write_text(HEADER + lines)
        args = catalogue.arguments(["--stage", "local", *options, str(file)])
        try:
            return catalogue.changed(shop.services.manage_catalogue, args).splitlines()
        except DeploymentError as error:
            return [f"error: {error}"]

    return run


def product(shop: Shop, id: str) -> Any:
    found = "SELECT name, price_minor, orderable, available, reserved FROM products WHERE id = %s"
    return shop.query(found, id)[0]


FILE = "P-1001,Widget,79.5,7,\nP-1003,Gaming Console,399.99,,yes\nP-3001,Étui,12,40,\n"


def test_prices_names_stock_and_what_is_retired_come_from_the_file(shop: Shop, load: Load) -> None:
    assert load(FILE) == [
        "change P-1001 Widget: price 74.99 USD to 79.50 USD",
        "change P-1003 Gaming Console: retired",
        "add    P-3001 Étui: 12.00 USD, stock 40",
    ]
    assert product(shop, "P-1001") == ("Widget", 7950, True, 1_000_000, 0)
    assert product(shop, "P-1003") == ("Gaming Console", 39999, False, 1_000_000, 0)
    assert product(shop, "P-3001") == ("Étui", 1200, True, 40, 0)


def test_same_file_again_changes_nothing(load: Load) -> None:
    load(FILE, "--set-stock")
    assert load(FILE, "--set-stock") == ["nothing to change"]


def test_dry_run_says_the_same_and_changes_nothing(shop: Shop, load: Load) -> None:
    planned = load(FILE, "--dry-run", "--retire-others")
    assert product(shop, "P-1001")[1] == 7499
    assert load(FILE, "--retire-others") == planned


def test_retire_others_leaves_only_what_the_file_names(shop: Shop, load: Load) -> None:
    load(FILE, "--retire-others")
    offered = [one["productId"] for one in shop.services.list_products()["products"]]
    assert offered == ["P-1001", "P-3001"]


def test_stock_that_is_there_is_set_only_when_asked_and_includes_what_orders_hold(
    shop: Shop, load: Load
) -> None:
    with shop.adapters.uow() as tx:
        assert tx.stock.reserve(shop.place(), {"P-2001": 3}, START) == []
    assert load("P-2001,Signed Print,120,50,\n") == ["nothing to change"]
    assert load("P-2001,Signed Print,120,50,\n", "--set-stock") == [
        "change P-2001 Signed Print: stock 100 (3 of it held) to 50"
    ]
    assert shop.stock("Signed Print") == (47, 3)


def test_stock_below_what_orders_hold_is_refused(shop: Shop, load: Load) -> None:
    with shop.adapters.uow() as tx:
        tx.stock.reserve(shop.place(), {"P-2001": 3}, START)
    [said] = load("P-2001,Signed Print,1,2,\n", "--set-stock")
    assert said == "error: line 2: orders hold 3 of P-2001, more than 2"
    assert product(shop, "P-2001") == ("Signed Print", 12000, True, 97, 3)


def test_all_faults_of_a_file_are_named_at_once_and_nothing_is_changed(shop: Shop, load: Load) -> None:
    [said] = load("P-1001,Widget,7.999,,\n,X,1,-1,maybe\nP-1002,\u200b,-1,,\nP-1,A,1,,\nP-1,a,1,,\n")
    for fault in (
        "line 2: price '7.999' in USD: has more than 2 decimal places",
        "line 3: id ''",
        "line 3: stock '-1'",
        "line 3: retired is 'maybe'",
        "line 4: name '\\u200b'",
        "line 4: price '-1' is below zero",
        "line 6: its id stands on an earlier line",
        "line 6: its name stands on an earlier line",
    ):
        assert fault in said, fault
    assert product(shop, "P-1001")[1] == 7499


def test_name_of_another_product_is_refused(load: Load) -> None:
    assert load("P-3001,widget,1,1,\n") == ["error: line 2: the name 'widget' is that of P-1001"]


def test_uncounted_product_has_no_stock_to_set(load: Load) -> None:
    [said] = load("P-0000,Miscellaneous,1,5,yes\n", "--set-stock")
    assert said == "error: line 2: P-0000 is sold without counting, it has no stock"


@pytest.mark.parametrize(("currency", "price", "minor"), [("JPY", "7499", 7499), ("KWD", "7.499", 7499)])
def test_price_is_in_the_currency_of_the_stage(shop: Shop, currency: str, price: str, minor: int) -> None:
    settings = replace(shop.services.settings, currency=currency)
    row = {"line": 2, "id": "P-9", "name": "N", "price": price, "stock": "1", "retired": ""}
    said = manage_catalogue(shop.adapters.uow, settings, {"products": [row], "apply": True})
    assert said == {"changes": [f"add    P-9 N: {price} {currency}, stock 1"]}
    assert product(shop, "P-9")[1] == minor
    with pytest.raises(InvalidQueryError, match="decimal places"):
        manage_catalogue(shop.adapters.uow, settings, {"products": [{**row, "price": "0.0001"}]})


@pytest.mark.parametrize(
    ("content", "problem"),
    [("id,name\n", "the columns are"), (HEADER + "P-1,A,1\n", "line 2 has 3 columns, not 5"),
     (HEADER + '"P-1,A,1,,\n', "cannot be read"), ("", "the columns are")],
)  # fmt: skip
def test_file_of_another_form_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    file = tmp_path / "f.csv"
    file.write_text(content)
    with pytest.raises(DeploymentError, match=problem):
        catalogue.read(file)


def test_empty_file_is_refused(load: Load) -> None:
    assert load("") == ["error: the file names no product"]


def test_command_works_on_a_database_at_hand(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.csv"
    file.write_text(HEADER + "P-1001,Widget,80,,\n")
    command = [sys.executable, "-m", "scripts.catalogue", "--stage", "local", "--database-url", shop.url]
    done = subprocess.run([*command, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout == "change P-1001 Widget: price 74.99 USD to 80.00 USD\n"
    assert product(shop, "P-1001")[1] == 8000


def test_deployed_function_brings_it_in(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "local")
    from chalicelib.handlers import failures

    monkeypatch.setattr(failures, "services", lambda: shop.services)
    row = {"line": 2, "id": "P-9", "name": "N", "price": "1", "stock": "", "retired": ""}
    answer = failures.migrate({"catalogue": {"products": [row], "apply": True}}, None)
    assert answer == {"changes": ["add    P-9 N: 1.00 USD, stock 0"]}
    assert product(shop, "P-9") == ("N", 100, True, 0, 0)


def test_stock_is_what_the_file_says_though_units_leave_meanwhile(
    shop: Shop, load: Load, database_url: str
) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
    with psycopg.connect(database_url) as sale, ThreadPoolExecutor(1) as operator:
        sale.execute("UPDATE products SET available = available - 3 WHERE id = 'P-1001'")
        loaded = operator.submit(load, "P-1001,Widget,74.99,500,\n", "--set-stock")
        wait_until(lambda: shop.query(waiting, "%products%")[0][0], bool, "the operator waits for the sale")
        sale.commit()
        assert loaded.result() == ["change P-1001 Widget: stock 999997 (0 of it held) to 500"]
    assert product(shop, "P-1001")[3] == 500
