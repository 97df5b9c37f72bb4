"""Who gets which worker: two for each function, never more than the bound, least recently used out first."""

import threading
import time
from collections import Counter, defaultdict
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


class PoolBusyError(RuntimeError):
    """No worker came free in time; on AWS this is a throttled invocation."""


class Pool(Generic[W]):
    """`bound` is asked each time, since it grows with the number of functions deployed."""

    def __init__(self, bound: Callable[[], int], per_function: int = 2, patience: float = 60.0) -> None:
        self._bound = bound
        self._per_function = per_function
        self._patience = patience
        self._changed = threading.Condition()
        self._idle: dict[str, list[W]] = defaultdict(list)
        self._taken: Counter[str] = Counter()
        self._closed = False

    def acquire(self, name: str, fingerprint: str, start: Callable[[], W]) -> W:
        """An idle worker of this very deploy, or a new one once there is room for it.

        PoolBusyError when neither turns up within the pool's patience.
        """
        deadline = time.monotonic() + self._patience
        leaving: list[W] = []
        try:
            with self._changed:
                worker = self._wait_for_place(name, fingerprint, leaving, deadline)
                self._taken[name] += 1
        finally:
            for old in leaving:
                old.kill()
        if worker is not None:
            return worker
        try:
            return start()
        except BaseException:
            self._free_place(name)
            raise

    def release(self, worker: W, *, usable: bool) -> None:
        """Give a worker back; one that is not usable (timed out, exited) is ended."""
        with self._changed:
            self._taken[worker.name] -= 1
            keep = usable and not self._closed
            if keep:
                worker.last_used = time.monotonic()
                self._idle[worker.name].append(worker)
            self._changed.notify_all()
        if not keep:
            worker.kill()

    def drop(self, name: str) -> None:
        """End the idle workers of a function that was deleted."""
        with self._changed:
            leaving = self._idle.pop(name, [])
            self._changed.notify_all()
        for worker in leaving:
            worker.kill()

    def close(self) -> None:
        """End every idle worker; those at work are ended when they come back."""
        with self._changed:
            self._closed = True
            leaving = [worker for workers in self._idle.values() for worker in workers]
            self._idle.clear()
            self._changed.notify_all()
        for worker in leaving:
            worker.kill()

    def size(self) -> int:
        with self._changed:
            return self._total()

    def _wait_for_place(self, name: str, fingerprint: str, leaving: list[W], deadline: float) -> W | None:
        while True:
            if self._closed:
                raise PoolBusyError("the engine is stopping")
            self._expel_outdated(name, fingerprint, leaving)
            if self._idle[name]:
                return self._idle[name].pop()
            if self._taken[name] < self._per_function and self._make_room(leaving):
                return None
            left = deadline - time.monotonic()
            if left <= 0:
                raise PoolBusyError(f"no worker for {name!r} came free in {self._patience:g} s")
            self._changed.wait(left)

    def _expel_outdated(self, name: str, fingerprint: str, leaving: list[W]) -> None:
        kept = [w for w in self._idle[name] if w.fingerprint == fingerprint and w.is_alive()]
        leaving += [w for w in self._idle[name] if w not in kept]
        self._idle[name] = kept

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
        with self._changed:
            self._taken[name] -= 1
            self._changed.notify_all()
