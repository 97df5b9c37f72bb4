"""Walks an ASL definition with scripted tasks or real ones: a small interpreter of the states that we use."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Answer = Mapping[str, Any] | Exception
Function = Callable[[Mapping[str, Any]], Any]


@dataclass
class Walk:
    """What happened: states entered (Map items included), the tasks' inputs, and how it ended."""

    execution: str
    functions: Mapping[str, Function]
    states: list[str] = field(default_factory=list)
    inputs: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    error: str | None = None

    @property
    def end(self) -> str:
        return self.states[-1]

    def input_of(self, state: str) -> Mapping[str, Any]:
        return next(given for name, given in self.inputs if name == state)

    def filled(self, template: Mapping[str, Any], data: Any, item: Any = None) -> dict[str, Any]:
        """`Parameters` and `ItemSelector`: a key that ends in `.$` has a path for its value."""
        return {
            key.removesuffix(".$"): self.at(value, data, item) if key.endswith(".$") else value
            for key, value in template.items()
        }

    def at(self, path: str, data: Any, item: Any = None) -> Any:
        context = {"$$.Execution.Id": self.execution, "$$.Map.Item.Value": item}
        if path in context:
            return context[path]
        for step in path.split(".")[1:]:
            data = data[step]
        return data


def walk(
    machine: Mapping[str, Any],
    data: Mapping[str, Any],
    tasks: Mapping[str, Sequence[Answer] | Function],
    execution: str = "execution-1",
) -> Walk:
    """Each task is called, or takes its next scripted answer, the last one again and again; nothing waits."""
    functions = {state: task if callable(task) else _script(task) for state, task in tasks.items()}
    trace = Walk(execution, functions)
    _run(machine, dict(data), trace)
    return trace


def _script(answers: Sequence[Answer]) -> Function:
    waiting = list(answers)

    def answer(given: Mapping[str, Any]) -> Any:
        said = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(said, Exception):
            raise said
        return said

    return answer


def _run(machine: Mapping[str, Any], data: Any, trace: Walk) -> Any:
    """The output of the machine, or of one branch; `trace.error` says whether it failed."""
    name = machine["StartAt"]
    while True:
        state = machine["States"][name]
        trace.states.append(name)
        trace.error = state.get("Error") if state["Type"] == "Fail" else trace.error
        caught: str | None = None
        if state["Type"] == "Choice":
            caught = _choice(state, data, trace)
        elif state["Type"] == "Task":
            data, caught = _task(name, state, data, trace)
        elif state["Type"] == "Map":
            for item in trace.at(state["ItemsPath"], data):
                _run(state["ItemProcessor"], trace.filled(state["ItemSelector"], data, item), trace)
        elif state["Type"] == "Parallel":
            data, caught = _parallel(state, data, trace)
        if "OutputPath" in state:
            data = trace.at(state["OutputPath"], data)
        if state["Type"] in ("Succeed", "Fail") or (caught is None and state.get("End")):
            return data
        name = caught or state["Next"]


def _parallel(state: Mapping[str, Any], data: Any, trace: Walk) -> tuple[Any, str | None]:
    """The branches' outputs in their order; the first that fails stops the others and is caught."""
    outputs = []
    for branch in state["Branches"]:
        outputs.append(_run(branch, data, trace))
        if trace.error is not None:
            fault, trace.error = {"Error": trace.error, "Cause": "…"}, None
            return {**data, state["Catch"][-1]["ResultPath"].removeprefix("$."): fault}, state["Catch"][-1][
                "Next"
            ]
    return outputs, None


def _choice(state: Mapping[str, Any], data: Any, trace: Walk) -> str:
    for rule in state["Choices"]:
        if trace.at(rule["Variable"], data) == rule["StringEquals"]:
            return str(rule["Next"])
    return str(state["Default"])


def _task(name: str, state: Mapping[str, Any], data: Any, trace: Walk) -> tuple[Any, str | None]:
    """The task's answer, or what was caught and where that leads; retries are by the error's exact name."""
    given = trace.filled(state["Parameters"], data) if "Parameters" in state else data
    tries = [0] * len(state.get("Retry", []))
    while True:
        trace.inputs.append((name, given))
        try:
            return _placed(state, data, trace.functions[name](given)), None
        except Exception as fault:
            error = type(fault).__name__
        rules = [n for n, rule in enumerate(state.get("Retry", [])) if error in rule["ErrorEquals"]]
        if not rules or tries[rules[0]] >= state["Retry"][rules[0]]["MaxAttempts"]:
            catcher = next(c for c in state["Catch"] if {error, "States.ALL"} & set(c["ErrorEquals"]))
            fault_field = catcher["ResultPath"].removeprefix("$.")
            return {**data, fault_field: {"Error": error, "Cause": "…"}}, catcher["Next"]
        tries[rules[0]] += 1
        trace.states.append(name)  # a retry is a transition too


def _placed(state: Mapping[str, Any], data: Any, answer: Any) -> Any:
    """`ResultPath` puts the answer beside the input; without one it takes the input's place."""
    path = state.get("ResultPath")
    return answer if path is None else {**data, path.removeprefix("$."): answer}
