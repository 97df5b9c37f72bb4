"""The edges of a state machine: all that its definition has, and those that an execution's history took.

An edge is (state, how), how being `Next`, `Choices[i]`, `Default`, `Catch[i]`, `Retry[i]` or `entered`.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Edge = tuple[str, str]
State = Mapping[str, Any]
Event = Mapping[str, Any]


def scopes(machine: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The states of the machine, then those of each branch and item processor, at any depth."""
    yield machine["States"]
    for state in machine["States"].values():
        for inner in [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor")])]:
            yield from scopes(inner)


def all_states(machine: Mapping[str, Any]) -> dict[str, Any]:
    """State by name; AWS wants every name once in the whole machine."""
    return {name: state for scope in scopes(machine) for name, state in scope.items()}


def all_edges(machine: Mapping[str, Any]) -> set[Edge]:
    found: set[Edge] = set()
    for name, state in all_states(machine).items():
        found.add((name, "entered"))
        found |= {(name, field) for field in ("Next", "Default") if field in state}
        for field in ("Choices", "Catch", "Retry"):
            found |= {(name, f"{field}[{number}]") for number, _ in enumerate(state.get(field, []))}
    return found


def edges_taken(machine: Mapping[str, Any], history: Sequence[Event]) -> set[Edge]:
    """AssertionError where the history went another way than the definition says."""
    states, by_id = all_states(machine), {event["id"]: event for event in history}
    found: set[Edge] = set()
    for event in history:
        before = by_id.get(event.get("previousEventId", 0))
        if event["type"].endswith("StateEntered"):
            target = event["stateEnteredEventDetails"]["name"]
            found.add((target, "entered"))
            if before and before["type"].endswith("StateExited"):
                found.add(_left(states, before, by_id, target))
        elif event["type"].endswith("Scheduled") and before and _failed(before):
            source = _entry(before, by_id)["stateEnteredEventDetails"]["name"]
            found.add((source, f"Retry[{_rule(states[source]['Retry'], _error(before))}]"))
    return found


def tries_of(history: Sequence[Event]) -> Counter[str]:
    """How often each task was tried, all entries of it taken together."""
    by_id = {event["id"]: event for event in history}
    tried = [event for event in history if event["type"].endswith("Scheduled")]
    return Counter(_entry(event, by_id)["stateEnteredEventDetails"]["name"] for event in tried)


def _left(states: Mapping[str, State], left: Event, by_id: Mapping[int, Event], target: str) -> Edge:
    """The edge by which the history went from the state that was left to the target."""
    source = left["stateExitedEventDetails"]["name"]
    state, last = states[source], by_id[left["previousEventId"]]
    if state["Type"] == "Choice":
        given = json.loads(_entry(left, by_id)["stateEnteredEventDetails"]["input"])
        number = next((n for n, rule in enumerate(state["Choices"]) if _holds(rule, given)), None)
        way = "Default" if number is None else f"Choices[{number}]"
        leads = state["Default"] if number is None else state["Choices"][number]["Next"]
    elif _failed(last):
        number = _rule(state["Catch"], _error(last))
        way, leads = f"Catch[{number}]", state["Catch"][number]["Next"]
    else:
        way, leads = "Next", state["Next"]
    assert leads == target, (source, way, target)
    return source, way


def _entry(event: Event, by_id: Mapping[int, Event]) -> Event:
    while not event["type"].endswith("StateEntered"):
        event = by_id[event["previousEventId"]]
    return event


def _failed(event: Event) -> bool:
    return str(event["type"]).endswith(("Failed", "TimedOut"))


def _error(event: Event) -> str | None:
    """The error's name; none for a Map or a Parallel that failed."""
    details = [value for key, value in event.items() if key.endswith("EventDetails")]
    return details[0].get("error") if details else None


def _rule(rules: Sequence[Mapping[str, Any]], error: str | None) -> int:
    """The first rule for the error."""
    return next(n for n, rule in enumerate(rules) if {error, "States.ALL"} & set(rule["ErrorEquals"]))


def _holds(rule: Mapping[str, Any], given: Any) -> bool:
    if "And" in rule:
        return all(_holds(one, given) for one in rule["And"])
    if "Not" in rule:
        return not _holds(rule["Not"], given)
    for step in rule["Variable"].split(".")[1:]:
        if not isinstance(given, Mapping) or step not in given:
            return not rule.get("IsPresent", True)
        given = given[step]
    return bool(rule["IsPresent"] if "IsPresent" in rule else given == rule["StringEquals"])
