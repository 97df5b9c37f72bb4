"""Lake revenue is the payment ledger, to the cent, after a storm of orders; and a million rows at once."""

import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from scripts.local_run.outside import ledger, wait_until
from tests.integration.pipeline.deployed import HEADER, ended, idle, number, run_of, upload
from tests.live import Platform

ORDERS = 120
TOKENS = ("tok_approve",) * 5 + ("tok_decline", "tok_capture_refused", "tok_timeout_after_charge_once")
PRODUCTS = ("Mouse", "Widget", "Laptop")


@pytest.mark.e2e
def test_after_a_storm_of_orders_the_lake_holds_what_the_bank_kept(platform: Platform) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    bodies = [
        {
            "customer": {"id": f"C-storm-{chance.randrange(12)}", "name": "Storm", "email": "s@example.com"},
            "items": [
                {"product": name, "quantity": 1} for name in chance.sample(PRODUCTS, chance.choice((1, 2)))
            ],
            "payment": {"token": chance.choice(TOKENS)},
        }
        for _ in range(ORDERS)
    ]
    with ThreadPoolExecutor(4) as pool:
        orders = list(pool.map(platform.place, bodies))
    statuses = {order_id: platform.settled(order_id, seconds=300) for order_id in orders}
    completed = [order_id for order_id in orders if statuses[order_id] == "completed"]
    for order_id in completed[::4]:
        assert platform.api.post(f"/orders/{order_id}/cancel", None).status in (200, 202)
        platform.settled(order_id, "refunded", seconds=300)
    assert len(completed) > 20

    def differences() -> tuple[Decimal, Decimal]:
        """Gold from silver, which may be while a late export is published, and the lake from the bank."""
        return gold_from_silver(), in_the_lake() - at_the_bank(platform)

    idle(platform)
    wait_until(differences, lambda found: not any(found), "the lake's agreement with the ledger", 300)
    idle(platform)
    assert not any(differences())
    outcomes = sorted({*statuses.values(), "refunded"})
    print(f"storm {seed}: {ORDERS} orders, {', '.join(outcomes)}; lake {in_the_lake()}, difference 0.00")
    answer = platform.invoke("check-etl-run", {})
    failed = [one for one in answer["findings"] if not one["passed"]]
    assert failed == []


OURS = "from sales where source like '%/raw-data/orders/%'"


def in_the_lake() -> Decimal:
    """Revenue of the platform's own orders."""
    return Decimal(number(f"select sum(line_amount) {OURS} and status = 'completed'"))


def gold_from_silver() -> Decimal:
    """By how much they differ on the days of those orders."""
    days = f"select distinct cast(order_date as varchar) {OURS}"
    gold = number(f"select sum(daily_revenue) from daily_sales where order_date in ({days})")
    silver = number(
        "select sum(line_amount) from sales where coalesce(status, 'completed') = 'completed'"
        f" and cast(order_date as varchar) in ({days})"
    )
    return Decimal(gold) - Decimal(silver)


def at_the_bank(platform: Platform) -> Decimal:
    entries = [
        entry
        for found in ledger(platform.database_url).values()
        for entry in found
        if entry.state == "approved"
    ]
    captured = sum(entry.amount for entry in entries if entry.kind == "capture")
    refunded = sum(entry.amount for entry in entries if entry.kind == "refund")
    return Decimal(captured - refunded) / 100


@pytest.mark.slow
@pytest.mark.e2e
def test_a_million_rows_go_the_deployed_way(platform: Platform) -> None:
    rows = 1_000_000
    lines = (
        f"M{n:07},C{n % 1000:03},P{n % 50},1,2.50,2023-{n % 12 + 1:02}-{n % 28 + 1:02},North\n"
        for n in range(rows)
    )
    key = upload(platform, "raw-data/million.csv", (HEADER + "".join(lines)).encode())
    run = ended(platform, key, 900)
    assert run["state"] == "succeeded", run
    found = run_of(platform, key)
    assert found is not None
    print(f"{rows} rows on {found['engine']}")
    told = number("select sum(daily_revenue) from daily_sales where order_date like '2023-%'")
    assert told == "2500000.00"
