"""Who gets which worker: two for each function, never more than the bound, least recently used out first."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Member(Protocol):
    """What the pool needs to know of a worker."""

    name: str
    fingerprint: str
    last_used: float

    def is_alive(self) -> bool: ...

    def kill(self) -> None: ...


W = TypeVar("W", bound=Member)


_LOOK_AGAIN = 0.5


class PoolBusyError(RuntimeError):
    """No worker came free in time; on AWS this is a throttled invocation."""


class Pool(Generic[W]):
    """`bound` is asked each time, since it grows with the number of functions deployed."""

    def __init__(self, bound: Callable[[], int], per_function: int = 2, patience: float = 300.0) -> None:
        self._bound = bound
        self._per_function = per_function
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, threading.Condition]] = deque()
        self._idle: dict[str, list[W]] = {}
        self._taken: Counter[str] = Counter()
        self._closed = False

    def acquire(self, name: str, fingerprint: str, start: Callable[[], W]) -> W:
        """An idle worker of this very deploy, or a new one once there is room for it.

        PoolBusyError when neither turns up within the pool's patience.
        """
        deadline = time.monotonic() + self._patience
        worker = self._take(name, fingerprint, deadline)
        while worker is not None and not worker.is_alive():  # asked outside of the lock: it is a system call
            self.release(worker, usable=False)
            worker = self._take(name, fingerprint, deadline)
        if worker is not None:
            return worker
        try:
            return start()
        except BaseException:
            self._free_place(name)
            raise

    def release(self, worker: W, *, usable: bool) -> None:
        """Give a worker back; one that is not usable (timed out, exited) is ended."""
        with self._lock:
            self._taken[worker.name] -= 1
            keep = usable and not self._closed
            if keep:
                worker.last_used = time.monotonic()
                self._idle.setdefault(worker.name, []).append(worker)
            self._wake_next(worker.name)
        if not keep:
            worker.kill()

    def drop(self, belongs: Callable[[str], bool]) -> None:
        """End the idle workers of every function whose name `belongs`: it was deleted or deployed anew."""
        with self._lock:
            names = [name for name in self._idle if belongs(name)]
            leaving = [worker for name in names for worker in self._idle.pop(name)]
            for worker in leaving:
                self._wake_next(worker.name)
        for worker in leaving:
            worker.kill()

    def close(self) -> None:
        """End every idle worker; those at work are ended when they come back."""
        with self._lock:
            self._closed = True
            leaving = [worker for workers in self._idle.values() for worker in workers]
            self._idle.clear()
            while self._waiting:
                self._waiting.popleft()[1].notify()
        for worker in leaving:
            worker.kill()

    def size(self) -> int:
        with self._lock:
            return self._total()

    def _take(self, name: str, fingerprint: str, deadline: float) -> W | None:
        """An idle worker, or None: start one, there is a place for it."""
        leaving: list[W] = []
        try:
            with self._lock:
                worker = self._wait_for_place(name, fingerprint, leaving, deadline)
                self._taken[name] += 1
        finally:
            for old in leaving:
                old.kill()
        return worker

    def _wait_for_place(self, name: str, fingerprint: str, leaving: list[W], deadline: float) -> W | None:
        while True:
            if self._closed:
                raise PoolBusyError("the engine is stopping")
            self._expel_outdated(name, fingerprint, leaving)
            if idle := self._idle.get(name):
                return idle.pop()
            if self._taken[name] < self._per_function and self._make_room(leaving):
                return None
            left = deadline - time.monotonic()
            if left <= 0:
                raise PoolBusyError(f"no worker for {name!r} came free in {self._patience:g} s")
            turn = (name, threading.Condition(self._lock))
            self._waiting.append(turn)
            turn[1].wait(min(left, _LOOK_AGAIN))
            if turn in self._waiting:
                self._waiting.remove(turn)

    def _wake_next(self, name: str) -> None:
        """One place came free: it is for the longest waiting call of this function, else of any."""
        turn = next((turn for turn in self._waiting if turn[0] == name), None)
        if turn is None and self._waiting:
            turn = self._waiting[0]
        if turn is not None:
            self._waiting.remove(turn)
            turn[1].notify()

    def _expel_outdated(self, name: str, fingerprint: str, leaving: list[W]) -> None:
        idle = self._idle.get(name, [])
        leaving += [worker for worker in idle if worker.fingerprint != fingerprint]
        self._idle[name] = [worker for worker in idle if worker.fingerprint == fingerprint]

    def _make_room(self, leaving: list[W]) -> bool:
        if self._total() < self._bound():
            return True
        idle = [worker for workers in self._idle.values() for worker in workers]
        if not idle:
            return False
        oldest = min(idle, key=lambda worker: worker.last_used)
        self._idle[oldest.name].remove(oldest)
        leaving.append(oldest)
        return True

    def _total(self) -> int:
        return sum(self._taken.values()) + sum(map(len, self._idle.values()))

    def _free_place(self, name: str) -> None:
        with self._lock:
            self._taken[name] -= 1
            self._wake_next(name)
