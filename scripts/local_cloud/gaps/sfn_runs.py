"""Gap: a run has no time limit, outlives a stop, is never forgotten; retries lack cap and jitter.

docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (retriers, and what States.ALL does
not catch) and …/statemachine-structure.html (TimeoutSeconds of the machine).
"""

import contextvars
import functools
import heapq
import inspect
import itertools
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import SeamError, function_at

log = logging.getLogger("local_cloud.sfn_runs")
_ENGINE_CAP = 60.0  # the engine waits no longer than this between attempts; the rest is waited for here
_START_PAUSE = 0.15
_RUNS_KEPT = 5_000
_forgetting = threading.Lock()
_run_of_thread: contextvars.ContextVar["Mapping[str, Any] | None"] = contextvars.ContextVar(
    "run", default=None
)


class RunEndedError(Exception):
    """The execution was stopped or timed out: nothing of it may go on."""


def install(context: Context) -> None:
    from ministack.services import stepfunctions as sfn

    _time_limits(sfn)
    _stop_at_once(sfn)
    _retriers(sfn)
    _lambda_errors(sfn)
    _forget_old_runs(sfn)
    _prompt_start(sfn)


def _time_limits(sfn: Any) -> None:
    start = function_at(sfn, "_start_execution", "data")
    limits = _Limits()

    def start_with_limit(data: Mapping[str, Any]) -> Any:
        answer = start(data)
        arn = json.loads(answer[2]).get("executionArn") if answer[0] == 200 else None
        execution = sfn._executions.get(arn) if arn else None
        if execution is not None:
            machine = sfn._state_machines[execution["stateMachineArn"]]
            seconds = _limit_of(machine["definition"])
            if seconds:
                run = contextvars.copy_context().run
                limits.add(seconds, functools.partial(run, _time_out, sfn, str(arn)))
        return answer

    sfn._start_execution = start_with_limit


@functools.lru_cache(64)
def _limit_of(definition: str) -> float:
    """Seconds that an execution may take, 0 for any; a definition is long, and every start asks."""
    return float(json.loads(definition).get("TimeoutSeconds") or 0)


class _Limits:
    """Calls what is due, in one thread for all executions: one for each would stay until its limit."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, seconds: float, call: Callable[[], None]) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), call))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="sfn-limits")
                self._thread.start()
            elif self._due[0][2] is call:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                call = heapq.heappop(self._due)[2]
            try:
                call()
            except Exception:
                log.exception("ending an execution at its limit failed")


def _time_out(sfn: Any, arn: str) -> None:
    execution = sfn._executions.get(arn)
    if execution is None or execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", stopDate=sfn.now_iso(), error="States.Timeout", cause=None)
    sfn._add_event(
        execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
    )
    sfn._emit_execution_status_event(execution)


def _stop_at_once(sfn: Any) -> None:
    fail = function_at(sfn, "_fail_execution", "execution", "error", "cause")
    task = function_at(sfn, "_execute_task", "state_def", "raw_input", "execution", "ctx")
    invoke = function_at(sfn, "_invoke_resource", "resource", "input_data")

    def fail_running(execution: Mapping[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    def task_of_running(state_def: Any, raw_input: Any, execution: Mapping[str, Any], ctx: Any) -> Any:
        _require_running(execution)
        token = _run_of_thread.set(execution)
        try:
            return task(state_def, raw_input, execution, ctx)
        finally:
            _run_of_thread.reset(token)

    def invoke_of_running(resource: str, input_data: Any) -> Any:
        execution = _run_of_thread.get()
        if execution is not None:
            _require_running(execution)
        return invoke(resource, input_data)

    sfn._fail_execution = fail_running
    sfn._execute_task = task_of_running
    sfn._invoke_resource = invoke_of_running


def current_execution() -> Mapping[str, Any] | None:
    """The execution for which this thread is working."""
    return _run_of_thread.get()


def _require_running(execution: Mapping[str, Any]) -> None:
    if execution["status"] != "RUNNING":
        raise RunEndedError(f"execution is {execution['status']}")


def _retriers(sfn: Any) -> None:
    find = function_at(sfn, "_find_matching_retrier", "retriers", "error", "retry_counts")
    matches = function_at(sfn, "_error_matches", "error_equals", "error")

    def find_with_delay(retriers: Any, error: str, retry_counts: Mapping[int, int]) -> Any:
        retrier, index = find(retriers, error, retry_counts)
        if retrier is None:
            return retrier, index
        pause = delay(retrier, retry_counts.get(index, 0), random.uniform)
        if pause > _ENGINE_CAP:
            sfn._scaled_sleep(pause - _ENGINE_CAP)
            pause = _ENGINE_CAP
        return {**retrier, "IntervalSeconds": pause, "BackoffRate": 1.0}, index

    def matches_as_aws(error_equals: Sequence[str], error: str) -> bool:
        if error in ("States.Runtime", "States.DataLimitExceeded") and error not in error_equals:
            return False
        return bool(matches(error_equals, error))

    sfn._find_matching_retrier = find_with_delay
    sfn._error_matches = matches_as_aws


def delay(retrier: Mapping[str, Any], earlier: int, uniform: Callable[[float, float], float]) -> float:
    """Seconds before the next attempt, after `earlier` retries of this retrier."""
    pause = float(retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** earlier)
    if "MaxDelaySeconds" in retrier:
        pause = min(pause, float(retrier["MaxDelaySeconds"]))
    return uniform(0.0, pause) if retrier.get("JitterStrategy") == "FULL" else pause


def _lambda_errors(sfn: Any) -> None:
    """A throttled call carries no errorType; its service exception's name is what a Retry names."""
    call = function_at(sfn, "_call_lambda", "func_ref", "event")

    def call_with_names(func_ref: str, event: Any) -> Any:
        try:
            return call(func_ref, event)
        except sfn._ExecutionError as error:
            if error.error == "Lambda.Unknown" and "TooManyRequestsException" in str(error.cause):
                raise sfn._ExecutionError("Lambda.TooManyRequestsException", error.cause) from error
            raise

    sfn._call_lambda = call_with_names


def _forget_old_runs(sfn: Any) -> None:
    """AWS keeps histories for 90 days; a laptop keeps the last few thousand, so that memory has a bound."""
    start = function_at(sfn, "_start_execution", "data")

    def start_and_forget(data: Mapping[str, Any]) -> Any:
        if len(sfn._executions._data) > _RUNS_KEPT:
            with _forgetting:
                ended = [k for k, run in list(sfn._executions._data.items()) if run["status"] != "RUNNING"]
                for key in ended[: _RUNS_KEPT // 10]:
                    sfn._executions._data.pop(key, None)
        return start(data)

    sfn._start_execution = start_and_forget


def _prompt_start(sfn: Any) -> None:
    """The engine dawdles before the first state; every order would pay for it."""
    if f"time.sleep({_START_PAUSE})" not in inspect.getsource(sfn._run_execution):
        raise SeamError("stepfunctions._run_execution no longer pauses before its first state")

    class Clock:
        def __getattr__(self, name: str) -> Any:
            return getattr(time, name)

        @staticmethod
        def sleep(seconds: float) -> None:
            if seconds != _START_PAUSE:
                time.sleep(seconds)

    sfn.time = Clock()
