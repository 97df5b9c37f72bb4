"""Everything at once through the deployed platform: API, bus, workflows, queues; the ledger judges.

The figures are printed with the seed that made them; STORM_SEED repeats one.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from scripts.local_run.environment import ROOT
from scripts.local_run.outside import Answer, delivered, ledger, wait_until
from scripts.local_run.story import SETTLED
from tests.live import Platform, impatient, started

pytestmark = pytest.mark.e2e
CLIENTS = 8
SCARCE = "Signed Print"
TOKENS = (
    *["tok_approve"] * 6, "tok_slow", "tok_decline", "tok_insufficient_funds", "tok_capture_refused",
    "tok_timeout_after_charge_once", "tok_timeout_before_charge_once", "tok_error_after_charge_once",
)  # fmt: skip
Fault = Callable[[Platform, random.Random], None]


class Storm:
    """Clients that place, repeat and cancel; what each does follows from the seed alone."""

    def __init__(self, platform: Platform, orders: int, seed: int) -> None:
        self.platform, self.orders, self.seed = platform, orders, seed
        self.accepted: dict[str, str] = {}  # key → order id
        self.doubled: list[str] = []
        self.refused: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()  # requests that got no answer, or that of a fault
        self._lock = threading.Lock()

    def rage(self, faults: dict[int, Fault]) -> None:
        """All orders by eight clients; a fault strikes when that many orders are accepted."""
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            work = [pool.submit(self._client, number) for number in range(CLIENTS)]
            for count, fault in sorted(faults.items()):
                wait_until(lambda: len(self.accepted), lambda made, count=count: made >= count, "orders", 120)  # type: ignore[misc]
                fault(self.platform, random.Random(self.seed + count))
            for done in work:
                done.result()

    def _client(self, client: int) -> None:
        mine: list[str] = []
        for number in range(client, self.orders, CLIENTS):
            chance = random.Random(self.seed * 100_003 + number)
            key, body = f"storm-{self.seed}-{number}", an_order(chance, number)
            for _ in range(chance.choice((1, 1, 1, 2, 3))):
                mine.append(self._place(key, body))
            if chance.random() < 0.2:
                self._cancel(chance.choice(mine[-6:]))

    def _place(self, key: str, body: dict[str, Any]) -> str:
        """A customer who got no answer, or a fault, asks again with the same key."""
        answer = self._ask(lambda: self.platform.api.post("/orders", body, {"Idempotency-Key": key}))
        assert answer.status == 202, answer
        order_id = str(answer.body["orderId"])
        with self._lock:
            if self.accepted.setdefault(key, order_id) != order_id:
                self.doubled.append(key)
        return order_id

    def _cancel(self, order_id: str) -> None:
        answer = self._ask(lambda: self.platform.api.post(f"/orders/{order_id}/cancel", {"reason": "storm"}))
        assert answer.status in (200, 202, 409), answer
        with self._lock:
            self.refused[answer.status] += 1

    def _ask(self, request: Callable[[], Answer], seconds: float = 90) -> Answer:
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = request()
            except OSError:
                answer = Answer(503, {})
            if answer.status < 500 and answer.body.get("type") != "urn:problem:orders:request-in-progress":
                return answer
            if answer.status >= 500:
                with self._lock:
                    self.faults[str(answer)] += 1
            assert time.monotonic() < deadline, answer
            threading.Event().wait(0.05)


def an_order(chance: random.Random, number: int) -> dict[str, Any]:
    if chance.random() < 0.3:
        items = [{"product": SCARCE, "quantity": chance.randint(1, 4)}]
    else:
        pair = chance.sample(("Widget", "Mouse"), 2)
        items = [{"product": product, "quantity": chance.randint(1, 3)} for product in pair]
    customer = {
        "id": f"S{number}",
        "name": "Storm",
        "email": f"s{number}@example.com",
        "phone": "+15550001111",
    }
    return {"customer": customer, "items": items, "payment": {"token": chance.choice(TOKENS)}}


# --- judging ------------------------------------------------------------------------------------------------


def stock(platform: Platform) -> dict[str, int]:
    return dict(platform.rows("SELECT id, available FROM products WHERE stocked"))


def letters(platform: Platform) -> Counter[str]:
    """Messages in each dead-letter queue, those too that somebody is looking at."""
    urls = platform.client("sqs").list_queues()["QueueUrls"]
    found = [url.rsplit("/", 1)[-1].removesuffix("-local") for url in urls if "-dlq-" in url]
    return +Counter({name: platform.depth(name) for name in found})


def at_rest(platform: Platform, orders: list[str], seconds: float, tend: Callable[[], None]) -> None:
    def moving() -> tuple[int, ...]:
        tend()
        [found] = platform.rows(
            "SELECT (SELECT count(*) FROM orders WHERE id = ANY(%(ids)s) AND status <> ALL(%(ended)s)),"
            " (SELECT count(*) FROM effects e JOIN orders o ON o.id = e.order_id WHERE o.id = ANY(%(ids)s)"
            "  AND e.state <> 'undone' AND o.status NOT IN ('completed', 'compensation_failed')),"
            " (SELECT count(*) FROM notifications WHERE state = 'claimed' AND order_id = ANY(%(ids)s)),"
            " (SELECT count(*) FROM outbox WHERE published_at IS NULL)",
            {"ids": orders, "ended": list(SETTLED)},
        )
        running = platform.client("stepfunctions").list_executions(
            stateMachineArn=platform.machine(), statusFilter="RUNNING"
        )["executions"]
        queued = platform.depth("order-processing-queue") + platform.depth("lake-export-queue")
        return (*found, len(running), queued)

    wait_until(moving, lambda left: not any(left), "rest", seconds)


def judge(storm: Storm, opening: dict[str, int], dead: Counter[str]) -> dict[str, Any]:
    """The figures; everything that must be 0 is asserted to be 0."""
    platform, ids = storm.platform, sorted(set(storm.accepted.values()))
    rows = platform.rows("SELECT id, status, total_minor FROM orders WHERE id = ANY(%s)", ids)
    money, posts = ledger(platform.database_url), Counter(delivered(platform.endpoint))
    captures = {one: [e for e in money.get(one, []) if e.kind == "capture"] for one in ids}
    charged = {one: [e.amount for e in captures[one] if e.state == "approved"] for one in ids}
    refunded = {one: sum(e.amount for e in money.get(one, []) if e.kind == "refund") for one in ids}
    sold = platform.rows(
        "SELECT product_id, sum(quantity) FROM order_lines l JOIN orders o ON o.id = l.order_id"
        " WHERE o.status = 'completed' AND o.id = ANY(%s) GROUP BY 1", ids,
    )  # fmt: skip
    now = stock(platform)
    wrong_stock = {
        product: (opening[product], int(units), now[product])
        for product, units in sold
        if opening[product] - int(units) != now[product]
    }
    wrong_money = [
        (one, status)
        for one, status, total in rows
        if sum(charged[one]) - refunded[one] != (total if status == "completed" else 0)
    ]
    figures = {
        "seed": storm.seed,
        "orders": len(rows),
        "lost": storm.orders - len(rows),
        "doubled": len(storm.doubled),
        "charged twice": sum(len(amounts) > 1 for amounts in charged.values()),
        "wrong money": wrong_money,
        "wrong stock": wrong_stock,
        "oversold": sum(units < 0 for units in now.values()),
        "stuck": sum(status not in SETTLED for _, status, _ in rows),
        "undo failed": sum(status == "compensation_failed" for _, status, _ in rows),
        "told twice": sum(count > 1 for post, count in posts.items() if any(i in post.text for i in ids)),
        "dead letters": dict(letters(platform) - dead),
    }
    told = {**figures, **Counter(status for _, status, _ in rows), "cancel answers": dict(storm.refused)}
    wrong = {key: value for key, value in figures.items() if value and key not in ("seed", "orders")}
    assert wrong == {}, f"seed {storm.seed}: {told}"
    assert sum(sum(amounts) for amounts in charged.values()) - sum(refunded.values()) == sum(
        total for _, status, total in rows if status == "completed"
    )
    return told


def read_model(platform: Platform) -> list[list[tuple[Any, ...]]]:
    tables = ("read_model.orders", "read_model.sales")
    return [platform.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]


def check_read_model(platform: Platform) -> None:
    """Made again from the log by the operators' command it equals the live one."""
    live = read_model(platform)
    command = [sys.executable, "-m", "scripts.rebuild_read_model", "--stage", "local"]
    platform.rows("UPDATE read_model.orders SET status = 'nonsense'")
    done = subprocess.run(command, cwd=ROOT, env=platform.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert read_model(platform) == live


def seed() -> int:
    return int(os.environ.get("STORM_SEED") or random.SystemRandom().randrange(10**6))


def test_a_storm_of_200_orders_loses_doubles_oversells_and_strands_nothing(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.rows("UPDATE products SET available = 40 WHERE name = %s", SCARCE)
    opening, dead, begun = stock(platform), letters(platform), time.monotonic()
    storm = Storm(platform, 200, seed())
    storm.rage({})
    assert not storm.faults, "where nothing fails no customer has to ask again"
    # As the schedule does every minute; test_schedules.py holds that to it.
    at_rest(platform, list(storm.accepted.values()), 120, lambda: platform.invoke("relay-outbox"))
    figures = judge(storm, opening, dead)
    with capsys.disabled():
        print(f"\nstorm through the engine, {time.monotonic() - begun:.1f} s: {figures}")
    check_read_model(platform)


# --- the slow one: with faults ------------------------------------------------------------------------------


def crash_database(platform: Platform, chance: random.Random) -> None:
    platform.server.crash()
    platform.server.start()


def lose_database(platform: Platform, chance: random.Random, seconds: float = 20) -> None:
    """It stays away until something died of that, as an asynchronous call does after its two retries."""
    platform.server.crash()
    deadline = time.monotonic() + seconds
    while not letters(platform) and time.monotonic() < deadline:
        threading.Event().wait(0.2)
    platform.server.start()


def operator(platform: Platform, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.redrive", "--stage", "local", *command],
        cwd=ROOT, env=platform.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def redriven(platform: Platform) -> str:
    """What an operator does when the faults are over: looks, and takes every letter back where it belongs."""
    told = operator(platform, "list")
    for queue in letters(platform):
        operator(platform, "redrive", queue, "--reason", "the storm is over")
    return told


def kill_workers(platform: Platform, chance: random.Random) -> None:
    """kill -9 of some of this engine's own function processes, as when a host dies."""
    shown = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(platform.engine.pid)], capture_output=True, text=True, check=True
    ).stdout
    workers = [int(pid) for pid in shown.split()]
    for pid in chance.sample(workers, min(8, len(workers))):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def own_platform() -> Iterator[Platform]:
    """A platform of this test's own: it is broken. Its sweeper looks at once, not after two minutes."""
    with (
        tempfile.TemporaryDirectory(prefix="orders-storm-", ignore_cleanup_errors=True) as folder,
        started(Path(folder)) as platform,
        impatient(platform, 3),
    ):
        sqs = platform.client("sqs")
        for name in ("order-processing-queue", "lake-export-queue"):  # what a killed consumer had comes back
            sqs.set_queue_attributes(QueueUrl=platform.queue(name), Attributes={"VisibilityTimeout": "20"})
        yield platform


@pytest.mark.slow
def test_a_storm_with_a_dying_database_and_dying_functions_strands_nothing(
    own_platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    platform, orders = own_platform, 500
    opening, begun = stock(platform), time.monotonic()
    storm = Storm(platform, orders, seed())
    storm.rage({100: kill_workers, 200: crash_database, 300: kill_workers, 400: lose_database})

    def tend() -> None:
        for schedule in ("sweep-orders", "relay-outbox", "expire-reservations"):
            platform.invoke(schedule)

    at_rest(platform, list(storm.accepted.values()), 600, tend)
    told = redriven(platform)
    at_rest(platform, list(storm.accepted.values()), 600, tend)
    figures = judge(storm, opening, Counter())
    with capsys.disabled():
        print(f"\nstorm with faults, {time.monotonic() - begun:.1f} s: {figures}\n{told}")
    check_read_model(platform)
