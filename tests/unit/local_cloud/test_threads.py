"""The crew of threads: a task has one of its own while it runs, waits for no other, and gets a kept one."""

import contextvars
import threading
from concurrent.futures import wait

import pytest

from scripts.local_cloud.threads import Crew, Executor, Loan
from tests.contract.cloud import eventually

_scope = contextvars.ContextVar("scope", default="none")


def test_task_that_waits_for_a_later_task_is_not_in_its_way() -> None:
    crew, first, done = Crew(), threading.Event(), threading.Event()

    def earlier() -> None:
        assert first.wait(5)
        done.set()

    crew.run(earlier)
    crew.run(first.set)
    assert done.wait(5)


def test_thread_is_kept_for_the_next_task() -> None:
    crew, seen = Crew(), []
    for _ in range(20):
        loan = Loan(crew, lambda: seen.append(threading.get_ident()))
        loan.start()
        loan.join(5)
        eventually(lambda: crew.idle == 1, 5)
    assert len(set(seen)) == 1


def test_task_sees_nothing_of_the_context_of_the_one_before() -> None:
    crew, seen = Crew(), []

    def look() -> None:
        seen.append(_scope.get())
        _scope.set("dirty")

    for _ in range(5):
        loan = Loan(crew, look)
        loan.start()
        loan.join(5)
    assert seen == ["none"] * 5


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_task_that_raises_harms_no_other() -> None:
    crew, done = Crew(), threading.Event()

    def fail() -> None:
        raise ValueError("bad")

    broken = Loan(crew, fail)
    broken.start()
    broken.join(5)
    Loan(crew, done.set).start()
    assert done.wait(5)
    assert not broken.is_alive()


def test_idle_thread_leaves_and_is_replaced() -> None:
    crew, done = Crew(idle_seconds=0.2), threading.Event()
    crew.run(threading.Event().set)
    eventually(lambda: crew.idle == 1, 5)
    eventually(lambda: crew.idle == 0, 5)
    crew.run(done.set)
    assert done.wait(5)


def test_executor_runs_no_more_at_once_than_it_was_told_and_all_of_them() -> None:
    guard, running, most = threading.Lock(), 0, 0
    barrier = threading.Barrier(2)

    def task(number: int) -> int:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        barrier.wait(5)  # passes only if two run at once
        with guard:
            running -= 1
        return number

    with Executor(Crew(), 2) as pool:
        futures = [pool.submit(task, number) for number in range(10)]
        wait(futures, 10)
    assert [future.result() for future in futures] == list(range(10))
    assert most == 2


def test_executor_hands_on_what_its_task_raised() -> None:
    def fail() -> None:
        raise KeyError("x")

    with Executor(Crew(), 1) as pool:
        assert isinstance(pool.submit(fail).exception(5), KeyError)
