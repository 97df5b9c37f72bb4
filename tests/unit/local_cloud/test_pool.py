"""The pool of workers: two for a function, a bound for all, the least recently used goes first."""

import threading
from collections.abc import Callable

import pytest

from scripts.local_cloud.workers.pool import Pool, PoolBusyError


class FakeWorker:
    def __init__(self, name: str, fingerprint: str = "v1") -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.last_used = 0.0
        self.killed = False

    def is_alive(self) -> bool:
        return not self.killed

    def kill(self) -> None:
        self.killed = True


def pool(bound: int = 4, patience: float = 0.05) -> Pool[FakeWorker]:
    return Pool(lambda: bound, 2, patience)


def starts(name: str, fingerprint: str = "v1") -> Callable[[], FakeWorker]:
    return lambda: FakeWorker(name, fingerprint)


def test_idle_worker_is_used_again() -> None:
    workers = pool()
    first = workers.acquire("f", "v1", starts("f"))
    workers.release(first, usable=True)
    assert workers.acquire("f", "v1", starts("f")) is first


def test_third_call_of_a_function_waits_for_one_of_its_two_workers() -> None:
    workers = pool(patience=5)
    first, _ = (workers.acquire("f", "v1", starts("f")) for _ in range(2))
    got: list[FakeWorker] = []
    waiter = threading.Thread(target=lambda: got.append(workers.acquire("f", "v1", starts("f"))))
    waiter.start()
    workers.release(first, usable=True)
    waiter.join(5)
    assert got == [first]


def test_every_one_of_many_callers_gets_its_turn() -> None:
    workers, served = pool(bound=2, patience=10), []

    def work(name: str) -> None:
        for _ in range(20):
            worker = workers.acquire(name, "v1", starts(name))
            workers.release(worker, usable=True)
            served.append(name)

    callers = [threading.Thread(target=work, args=(f"f{n % 5}",)) for n in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(20)
    assert len(served) == 400
    assert workers.size() <= 2


def test_full_pool_never_starts_another_and_says_so_in_the_end() -> None:
    workers = pool(bound=1)
    workers.acquire("f", "v1", starts("f"))
    with pytest.raises(PoolBusyError, match="'g'"):
        workers.acquire("g", "v1", starts("g"))
    assert workers.size() == 1


def test_least_recently_used_idle_worker_makes_room() -> None:
    workers = pool(bound=2)
    old, new = workers.acquire("a", "v1", starts("a")), workers.acquire("b", "v1", starts("b"))
    workers.release(old, usable=True)
    workers.release(new, usable=True)
    workers.acquire("c", "v1", starts("c"))
    assert (old.killed, new.killed, workers.size()) == (True, False, 2)


def test_worker_of_an_old_deploy_is_not_used_again() -> None:
    workers = pool()
    old = workers.acquire("f", "v1", starts("f"))
    workers.release(old, usable=True)
    new = workers.acquire("f", "v2", starts("f", "v2"))
    assert (old.killed, new.fingerprint) == (True, "v2")


def test_workers_of_a_deleted_function_end() -> None:
    workers = pool()
    gone, kept = workers.acquire("a", "v1", starts("a")), workers.acquire("b", "v1", starts("b"))
    workers.release(gone, usable=True)
    workers.release(kept, usable=True)
    workers.drop(lambda name: name == "a")
    assert (gone.killed, kept.killed, workers.size()) == (True, False, 1)


def test_worker_that_failed_to_start_leaves_its_place_free() -> None:
    workers = pool(bound=1)

    def fail() -> FakeWorker:
        raise OSError("no process")

    with pytest.raises(OSError, match="no process"):
        workers.acquire("f", "v1", fail)
    assert workers.acquire("f", "v1", starts("f")).name == "f"


def test_closed_pool_ends_idle_and_returning_workers() -> None:
    workers = pool()
    idle, busy = workers.acquire("a", "v1", starts("a")), workers.acquire("b", "v1", starts("b"))
    workers.release(idle, usable=True)
    workers.close()
    workers.release(busy, usable=True)
    assert idle.killed
    assert busy.killed


def test_worker_that_died_while_idle_is_never_handed_out() -> None:
    workers = pool(bound=1)
    first = workers.acquire("f", "v1", starts("f"))
    workers.release(first, usable=True)
    first.killed = True
    second = workers.acquire("f", "v1", starts("f"))
    assert second is not first
    assert workers.size() == 1
