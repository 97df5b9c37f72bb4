"""Gap: a history shows nothing inside a Map or a Parallel, and a Lambda task by another service's names.

docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html has the types and
`previousEventId`, which orders what ran side by side. Each branch has its own context object,
too (the engine's share one, whose `$$.State` is whichever branch came last):
…/latest/dg/input-output-contextobject.html
"""

import contextvars
import copy
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.gaps.sfn_runs import RunEndedError
from scripts.local_cloud.seams import function_at

_previous: contextvars.ContextVar[tuple[str, int]] = contextvars.ContextVar("previous", default=("", 0))
_scope: contextvars.ContextVar[tuple[str, str]] = contextvars.ContextVar("scope", default=("", ""))
_numbering = threading.Lock()
_SIMPLE = ("Pass", "Choice", "Wait")


def install(context: Context) -> None:
    from ministack.services import stepfunctions as sfn

    _numbered_events(sfn)
    _states_of_branches(sfn)
    _parallel(sfn)
    _map(sfn)


def _numbered_events(sfn: Any) -> None:
    add = function_at(sfn, "_add_event", "execution", "event_type", "details")

    def add_in_order(execution: Mapping[str, Any], event_type: str, details: Any = None) -> Any:
        event_type, details = as_lambda(event_type, details or {})
        arn = execution["executionArn"]
        with _numbering:
            of, before = _previous.get()
            before = before if of == arn else len(execution["events"])
            event = add(execution, event_type, {"previousEventId": before, **details})
        _previous.set((arn, event["id"]))
        return event

    sfn._add_event = add_in_order


def as_lambda(event_type: str, details: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """`TaskFailed` of a function's own ARN is `LambdaFunctionFailed`, with that event's fields."""
    what = event_type.removeprefix("Task")
    given = details.get(f"task{what}EventDetails")
    if not given or ":lambda:" not in given.get("resource", "") or ":states:::" in given["resource"]:
        return event_type, details
    if given.get("error") == "States.Timeout":
        what = "TimedOut"
    fields = ("resource",) if what == "Scheduled" else ("output", "error", "cause")
    kept = {field: given[field] for field in fields if field in given}
    return f"LambdaFunction{what}", {f"lambdaFunction{what}EventDetails": kept}


def _states_of_branches(sfn: Any) -> None:
    run = function_at(sfn, "_run_sub_machine", "states", "start_at", "input_data", "execution", "ctx")
    for kind in ("task", "parallel", "map"):
        function_at(sfn, f"_execute_{kind}", "state_def", "raw_input", "execution", "ctx")
    for kind in _SIMPLE:
        function_at(sfn, f"_execute_{kind.lower()}", "state_def", "raw_input", "ctx")

    def run_recorded(states: Any, start_at: str, input_data: Any, execution: Any, ctx: Any) -> Any:
        kind, owner = _scope.get()
        if not kind:
            return run(states, start_at, input_data, execution, ctx)
        ctx = {**ctx, "State": dict(ctx.get("State", {}))}
        if kind == "Parallel":
            return walk(states, start_at, input_data, execution, ctx)
        item = {"name": owner, "index": ctx["Map"]["Item"]["Index"]}
        with _told(sfn, execution, "MapIteration", item):
            return walk(states, start_at, input_data, execution, ctx)

    def walk(states: Any, name: str | None, data: Any, execution: Any, ctx: Any) -> Any:
        data = copy.deepcopy(data)
        while name:
            if execution["status"] != "RUNNING":
                raise RunEndedError(f"execution is {execution['status']}")
            state = states[name]
            kind = state["Type"]
            ctx["State"] = {"Name": name, "EnteredTime": sfn.now_iso(), "RetryCount": 0}
            entered = {"name": name, "input": json.dumps(data)}
            sfn._add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": entered})
            if kind == "Fail":
                raise sfn._ExecutionError(*sfn._fail_state_error(state, data, ctx))
            here, name = name, None
            if kind == "Succeed":
                data = sfn._apply_output_path(state, sfn._apply_input_path(state, data, ctx), ctx)
            else:
                execute = getattr(sfn, f"_execute_{kind.lower()}")
                given = (state, data, ctx) if kind in _SIMPLE else (state, data, execution, ctx)
                data, name = execute(*given)
            exited = {"name": here, "output": json.dumps(data)}
            sfn._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": exited})
        return data

    sfn._run_sub_machine = run_recorded


def _parallel(sfn: Any) -> None:
    run = function_at(sfn, "_run_parallel_branches", "state_def", "raw_input", "execution", "ctx")

    def run_told(state_def: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        with _told(sfn, execution, "ParallelState"), _inside("Parallel", ctx["State"]["Name"]):
            return run(state_def, raw_input, execution, ctx)

    sfn._run_parallel_branches = run_told


def _map(sfn: Any) -> None:
    run = function_at(sfn, "_run_map_items", "state_def", "raw_input", "execution", "ctx")
    function_at(sfn, "_apply_input_path", "state_def", "data", "ctx")
    function_at(sfn, "_resolve_path_or_ctx", "path", "data", "ctx")

    def run_told(state_def: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        processor = state_def.get("Iterator") or state_def.get("ItemProcessor", {})
        if (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED":
            with _inside("", ""):  # its items are executions of their own
                return run(state_def, raw_input, execution, ctx)
        length = {}
        if "Items" not in state_def:  # JSONPath
            data = sfn._apply_input_path(state_def, raw_input, ctx)
            items = sfn._resolve_path_or_ctx(state_def.get("ItemsPath", "$"), data, ctx)
            length = {"length": len(items) if isinstance(items, list) else 1}
        with _told(sfn, execution, "MapState", length), _inside("Map", ctx["State"]["Name"]):
            return run(state_def, raw_input, execution, ctx)

    sfn._run_map_items = run_told


@contextmanager
def _inside(kind: str, owner: str) -> Iterator[None]:
    """What a thread that starts from here works for."""
    token = _scope.set((kind, owner))
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def _told(sfn: Any, execution: Any, what: str, details: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Started, then Succeeded or Failed; only an iteration names itself in all of them."""

    def tell(ending: str) -> None:
        field = f"{what[0].lower()}{what[1:]}{ending}EventDetails"
        if execution["status"] != "RUNNING":
            return
        shown = {field: details} if details and (ending == "Started" or "index" in details) else None
        sfn._add_event(execution, what + ending, shown)

    tell("Started")
    try:
        yield
    except Exception:
        tell("Failed")
        raise
    tell("Succeeded")
