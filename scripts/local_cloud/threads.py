"""Threads that are kept for the next task: the engine starts one for each task, and starting costs most."""

import contextvars
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any

_IDLE_SECONDS = 10.0


class Crew:
    """Runs tasks at once, on an idle thread if there is one. Unbounded: a task may wait for another one."""

    def __init__(self, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._idle: list[queue.SimpleQueue[Callable[[], object]]] = []
        self._guard = threading.Lock()

    def run(self, task: Callable[[], object]) -> None:
        """Begin `task` now, in a context of its own, as a new thread would. It must not raise."""
        with self._guard:
            inbox = self._idle.pop() if self._idle else None
        if inbox is None:
            inbox = queue.SimpleQueue()
            threading.Thread(target=self._work, args=(inbox,), daemon=True, name="crew").start()
        inbox.put(task)

    @property
    def idle(self) -> int:
        """How many threads wait for a task."""
        with self._guard:
            return len(self._idle)

    def _work(self, inbox: "queue.SimpleQueue[Callable[[], object]]") -> None:
        task: Callable[[], object] | None = inbox.get()
        while task is not None:
            contextvars.Context().run(task)
            task = None  # what it holds is free while this thread idles
            with self._guard:
                self._idle.append(inbox)
            task = self._next(inbox)

    def _next(self, inbox: "queue.SimpleQueue[Callable[[], object]]") -> Callable[[], object] | None:
        try:
            return inbox.get(timeout=self._idle_seconds)
        except queue.Empty:
            with self._guard:
                if inbox in self._idle:
                    self._idle.remove(inbox)
                    return None
            return inbox.get()  # chosen while it was about to leave


class Loan:
    """What the engine uses of `threading.Thread`, on a thread of the crew."""

    def __init__(
        self,
        crew: Crew,
        target: Callable[..., object],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
        name: str | None = None,
    ) -> None:
        self._crew, self._call = crew, (target, args, kwargs or {})
        self._begun, self._ended = False, threading.Event()
        self.name, self.daemon = name or "crew", daemon

    def start(self) -> None:
        self._begun = True
        self._crew.run(self._run)

    def is_alive(self) -> bool:
        return self._begun and not self._ended.is_set()

    def join(self, timeout: float | None = None) -> None:
        self._ended.wait(timeout)

    def _run(self) -> None:
        target, args, kwargs = self._call
        try:
            target(*args, **kwargs)
        except Exception as error:  # as a thread of its own would: reported, and nobody else is disturbed
            traceback = error.__traceback__
            given = threading.ExceptHookArgs((type(error), error, traceback, threading.current_thread()))
            threading.excepthook(given)
        finally:
            self._ended.set()


class Executor:
    """What the engine uses of `ThreadPoolExecutor`, on threads of the crew, at most `max_workers` at once."""

    def __init__(self, crew: Crew, max_workers: int) -> None:
        self._crew, self._free = crew, max_workers
        self._waiting: deque[Callable[[], None]] = deque()
        self._pending: set[Future[Any]] = set()
        self._changed = threading.Condition()

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()

        def task() -> None:
            try:
                result = call(*args, **kwargs)
            except BaseException as error:
                self._end(future)
                future.set_exception(error)
            else:
                self._end(future)
                future.set_result(result)

        future.set_running_or_notify_cancel()
        with self._changed:
            self._pending.add(future)
            if not self._free:
                self._waiting.append(task)
                return future
            self._free -= 1
        self._crew.run(task)
        return future

    def shutdown(self, wait: bool = True) -> None:
        with self._changed:
            while wait and self._pending:
                self._changed.wait()

    def __enter__(self) -> "Executor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()

    def _end(self, future: "Future[Any]") -> None:
        with self._changed:
            self._pending.discard(future)
            self._changed.notify_all()
            following = self._waiting.popleft() if self._waiting else None
            if following is None:
                self._free += 1
        if following is not None:
            self._crew.run(following)
