"""Everything at once: threads, cancellations, repeats, gateway faults, a database killed in between.

The gateway's own ledger judges. The figures are printed with the seed that made them.
"""

import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from chalicelib.domain.errors import OrdersError, TransientError
from scripts.local_cloud.postgres import PostgresServer
from tests.faults.proof import ENDED, bring_to_rest, check_at_rest, stock_of
from tests.shop import Shop, lines

ORDERS, THREADS, RESTARTS = 160, 6, 2
TOKENS = (
    "tok_approve", "tok_approve", "tok_approve", "tok_decline", "tok_timeout_after_charge_once",
    "tok_timeout_before_charge_once", "tok_error_after_charge", "tok_capture_refused",
)  # fmt: skip


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server of this test's own: it is killed."""
    with (
        tempfile.TemporaryDirectory(prefix="orders-pg-", ignore_cleanup_errors=True) as folder,
        PostgresServer(Path(folder)) as server,
    ):
        yield server


def test_a_storm_loses_doubles_oversells_and_strands_nothing(
    own_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    with Shop(own_server.url()) as shop:
        shop.services.migrate()
        shop.set_stock("Signed Print", 20)
        opening = stock_of(shop)
        accepted = weather_the_storm(shop, own_server, seed)
        bring_to_rest(shop, rounds=40)
        figures = count(shop, accepted, opening)
        with capsys.disabled():
            print(f"\nstorm with seed {seed}: {figures}")
        check_at_rest(shop, opening)
        assert (figures["lost"], figures["charged twice"], figures["oversold"], figures["stuck"]) == (
            0,
            0,
            0,
            0,
        )
        live = read_model_of(shop, random.Random(seed))
        shop.services.rebuild_read_model()
        assert shop.read_model() == live


def weather_the_storm(shop: Shop, server: PostgresServer, seed: int) -> set[str]:
    """Place, run and cancel orders from several threads while the database dies; answers accepted ids."""
    accepted: list[str] = []
    passed = threading.Semaphore(0)

    def one_customer(number: int) -> None:
        chance = random.Random(seed * 1000 + number)
        wanted = lines(("Signed Print", 1)) if chance.random() < 0.3 else lines(("Widget", 1), ("Laptop", 1))
        order = {"idempotency_key": f"key-{number}", "payment_token": chance.choice(TOKENS), "lines": wanted}
        accepted.append(ask_until_answered(lambda: shop.place(**order)))
        for _ in range(chance.randint(0, 2)):
            attempt(lambda: accepted.append(shop.place(**order)))
        passed.release()
        for id in accepted[-2:]:
            attempt(partial(shop.run, id, f"exec-{number}-{chance.random()}"))
            if chance.random() < 0.25:
                attempt(partial(shop.cancel, id))
                attempt(partial(shop.run_cancellation, id, f"cancel-{number}"))

    with ThreadPoolExecutor(THREADS) as pool:
        work = [pool.submit(one_customer, number) for number in range(ORDERS)]
        for _ in range(RESTARTS):
            for _ in range(ORDERS // (RESTARTS + 1)):
                passed.acquire()
            server.crash()
            server.start()
        for done in work:
            done.result()
    shop.close()  # what the dead server left
    return set(accepted)


def ask_until_answered(place: Callable[[], str], seconds: float = 30.0) -> str:
    """A customer who got no answer asks again with the same key."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return place()
        except TransientError:
            assert time.monotonic() < deadline, "nobody answers"
            threading.Event().wait(0.02)


def attempt(action: Callable[[], object]) -> None:
    """A caller that is refused, or whose database died, goes on with the next thing."""
    try:
        action()
    except OrdersError:
        return


def count(shop: Shop, accepted: set[str], opening: dict[str, int]) -> dict[str, object]:
    rows = shop.query("SELECT id, status FROM orders")
    twice = shop.query(
        "SELECT order_ref FROM gateway.ledger WHERE kind = 'capture' AND state = 'approved'"
        " GROUP BY order_ref HAVING count(*) > 1"
    )
    [(sold,)] = shop.query(
        "SELECT coalesce(sum(quantity), 0) FROM order_lines l JOIN orders o ON o.id = l.order_id"
        " WHERE product_id = 'P-2001' AND status = 'completed'"
    )
    return {
        "orders": len(rows),
        "lost": len(accepted - {order_id for order_id, _ in rows}),
        "charged twice": len(twice),
        "oversold": max(0, sold - opening["P-2001"]),
        "stuck": sum(status not in ENDED for _, status in rows),
        **Counter(status for _, status in rows),
    }


def read_model_of(shop: Shop, chance: random.Random) -> dict[str, list[tuple[object, ...]]]:
    """The read model after every message came one to five times in any order."""
    messages = [envelope for envelope in shop.bus.accepted for _ in range(chance.randint(1, 5))]
    chance.shuffle(messages)
    for start in range(0, len(messages), 50):
        shop.consume(messages[start : start + 50])
    return shop.read_model()
