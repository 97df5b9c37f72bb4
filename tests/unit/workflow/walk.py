"""Walks an ASL definition with scripted task answers: a small interpreter of the states that we use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Answer = Mapping[str, Any] | Exception


@dataclass
class Walk:
    """What happened: states entered (Map items included), the tasks' inputs, and how it ended."""

    states: list[str] = field(default_factory=list)
    inputs: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    error: str | None = None

    @property
    def end(self) -> str:
        return self.states[-1]

    def input_of(self, state: str) -> Mapping[str, Any]:
        return next(given for name, given in self.inputs if name == state)


def walk(
    machine: Mapping[str, Any], data: Mapping[str, Any], answers: Mapping[str, Sequence[Answer]]
) -> Walk:
    """Each task takes its next scripted answer, the last one again and again; delays are not waited for."""
    trace = Walk()
    waiting = {state: list(script) for state, script in answers.items()}
    _run(machine, dict(data), waiting, trace)
    return trace


def _run(machine: Mapping[str, Any], data: Any, answers: dict[str, list[Answer]], trace: Walk) -> Any:
    name = machine["StartAt"]
    while True:
        state = machine["States"][name]
        trace.states.append(name)
        if state["Type"] == "Succeed":
            return data
        if state["Type"] == "Fail":
            trace.error = state["Error"]
            return data
        if state["Type"] == "Choice":
            name = next(
                (
                    rule["Next"]
                    for rule in state["Choices"]
                    if data[rule["Variable"][2:]] == rule["StringEquals"]
                ),
                state["Default"],
            )
            continue
        caught: str | None = None
        if state["Type"] == "Task":
            data, caught = _task(name, state, data, answers, trace)
        elif state["Type"] == "Map":
            for item in _at(state["ItemsPath"], data, data):
                _run(state["ItemProcessor"], _filled(state["ItemSelector"], data, item), answers, trace)
        if caught is None and state.get("End"):
            return data
        name = caught or state["Next"]


def _task(
    name: str, state: Mapping[str, Any], data: Any, answers: dict[str, list[Answer]], trace: Walk
) -> tuple[Any, str | None]:
    given = _filled(state["Parameters"], data, None) if "Parameters" in state else data
    tries: dict[int, int] = {}
    while True:
        trace.inputs.append((name, given))
        script = answers[name]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if not isinstance(answer, Exception):
            return answer, None
        error = type(answer).__name__
        for index, rule in enumerate(state.get("Retry", [])):
            if error in rule["ErrorEquals"] and tries.get(index, 0) < rule["MaxAttempts"]:
                tries[index] = tries.get(index, 0) + 1
                trace.states.append(name)  # a retry is a transition too
                break
        else:
            catcher = next(c for c in state["Catch"] if {error, "States.ALL"} & set(c["ErrorEquals"]))
            return {**data, catcher["ResultPath"][2:]: {"Error": error, "Cause": "…"}}, catcher["Next"]


def _filled(template: Mapping[str, Any], data: Any, item: Any) -> dict[str, Any]:
    return {
        key.removesuffix(".$"): _at(value, data, item) if key.endswith(".$") else value
        for key, value in template.items()
    }


def _at(path: str, data: Any, item: Any) -> Any:
    context = {"$$.Execution.Id": "execution-1", "$$.Map.Item.Value": item}
    if path in context:
        return context[path]
    for step in path.split(".")[1:]:
        data = data[step]
    return data
