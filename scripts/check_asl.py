"""Checks the state machines without running them: `python -m scripts.check_asl [FILE…]`, exit 1 on findings.

Finds what AWS would accept and regret later: a Retry that names no real error, a fault without a way out,
a task without a timeout, a state nobody reaches, personal data in a task's input.
"""

import functools
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.session import Session

from chalicelib.domain import errors

ROOT = Path(__file__).resolve().parent.parent
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html and
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html; newer Lambda runtimes
# report a timeout and a dead process by names of their own instead of Lambda.Unknown.
KNOWN_ERRORS = frozenset(
    {f"States.{name}" for name in ("ALL", "Timeout", "TaskFailed", "HeartbeatTimeout", "Permissions")}
    | {f"Lambda.{name}" for name in (
        "ServiceException", "AWSLambdaException", "SdkClientException", "TooManyRequestsException",
        "ClientExecutionTimeoutException", "Unknown",
    )}
    | {"Sandbox.Timedout", "Runtime.ExitError"}
)  # fmt: skip
NEVER_RETRIED = frozenset({"States.ALL", "States.TaskFailed"})
PERSONAL = re.compile(r"(?i)(customer(?!Id)|\bname\b|mail|phone|address|shipping|token|card)")
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
ENDS = frozenset({"Succeed", "Fail"})

State = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


def check(machine: Mapping[str, Any], known_placeholders: frozenset[str] | None = None) -> list[Finding]:
    """Every finding about one definition; placeholders are checked if those that have a value are given."""
    findings = list(_check_graph("", machine, machine.get("States", {})))
    # Unique in the machine: https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html
    for name, times in Counter(_state_names(machine)).items():
        if times > 1:
            findings.append(Finding("machine", f"{times} states are named {name!r}"))
    if not isinstance(machine.get("TimeoutSeconds"), int):
        findings.append(Finding("machine", "has no TimeoutSeconds"))
    if known_placeholders is not None:
        for name in sorted(set(PLACEHOLDER.findall(json.dumps(machine))) - known_placeholders):
            findings.append(Finding("machine", f"placeholder {name!r} has no value"))
    return findings


def transient_errors() -> frozenset[str]:
    """The exact class names that the app raises for faults that may pass: what Retry may name."""
    return frozenset(_names(errors.TransientError)) - {"TransientError"}


def _state_names(graph: Mapping[str, Any]) -> Iterator[str]:
    """The names of all states, those inside of Map and Parallel too."""
    for name, state in graph.get("States", {}).items():
        yield name
        for inner in (*state.get("Branches", ()), state.get("ItemProcessor", {})):
            yield from _state_names(inner)


def _check_graph(path: str, graph: Mapping[str, Any], states: Mapping[str, State]) -> Iterator[Finding]:
    start = graph.get("StartAt")
    if start not in states:
        yield Finding(path or "machine", f"StartAt {start!r} does not exist")
    for name, state in states.items():
        where = f"{path}{name}"
        for target in _targets(state):
            if target not in states:
                yield Finding(where, f"Next {target!r} does not exist")
        for rule in CHECKS:
            yield from (Finding(where, problem) for problem in rule(state))
        if "ItemProcessor" in state:
            inner = state["ItemProcessor"]
            yield from _check_graph(f"{where}/", inner, inner.get("States", {}))
        for branch in state.get("Branches", []):
            yield from _check_graph(f"{where}/", branch, branch.get("States", {}))
    for name in sorted(set(states) - _reachable(start, states)):
        yield Finding(f"{path}{name}", "is never reached")


def _targets(state: State) -> list[str]:
    targets = [state[key] for key in ("Next", "Default") if key in state]
    return targets + [rule["Next"] for key in ("Choices", "Catch") for rule in state.get(key, [])]


def _reachable(start: Any, states: Mapping[str, State]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in states and name not in seen:
            seen.add(name)
            waiting += _targets(states[name])
    return seen


def _ends(state: State) -> Iterator[str]:
    kind = state.get("Type")
    if kind in ENDS or kind == "Choice":
        if "Next" in state or "End" in state:
            yield f"a {kind} cannot have Next or End"
        if kind == "Choice" and "Default" not in state:
            yield "has no Default: an unforeseen outcome would end as States.NoChoiceMatched"
        if kind == "Fail" and not (state.get("Error") and state.get("Cause")):
            yield "fails without Error and Cause"
    elif ("Next" in state) == bool(state.get("End")):
        yield "needs either Next or End"


def _timeout(state: State) -> Iterator[str]:
    if state.get("Type") == "Task" and not isinstance(state.get("TimeoutSeconds"), int):
        yield "has no TimeoutSeconds"


def _catches(state: State) -> Iterator[str]:
    if state.get("Type") not in ("Task", "Map", "Parallel"):
        return
    catchers = state.get("Catch", [])
    if not catchers or "States.ALL" not in catchers[-1]["ErrorEquals"]:
        yield "has no Catch of States.ALL as its last"
    for catcher in catchers:
        if "ResultPath" not in catcher:
            yield "a Catch without ResultPath loses the order's ids"


def _retries(state: State) -> Iterator[str]:
    if state.get("Type") != "Task":
        return
    if not state.get("Retry"):
        yield "has no Retry"
    for rule in state.get("Retry", []):
        for field in ("IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds"):
            if field not in rule:
                yield f"a Retry has no {field}"
        if rule.get("JitterStrategy") != "FULL":
            yield "a Retry has no jitter"
        for name in sorted(NEVER_RETRIED & set(rule["ErrorEquals"])):
            yield f"retries {name!r}, which holds faults that no retry passes"


def _error_names(state: State) -> Iterator[str]:
    for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
        for name in rule["ErrorEquals"]:
            if name not in KNOWN_ERRORS | transient_errors() and not _is_of_service(name, state):
                yield f"ErrorEquals {name!r} is no error that anything raises"


def _is_of_service(name: str, state: State) -> bool:
    """`Glue.ConcurrentRunsExceededException` on a task of `arn:aws:states:::glue:startJobRun.sync`."""
    task = re.match(r"arn:[\w${}:-]*:states:::(aws-sdk:)?(\w+):", str(state.get("Resource", "")))
    return task is not None and name in _errors_of_service(task[2].lower(), sdk=task[1] is not None)


@functools.cache
def _errors_of_service(service: str, *, sdk: bool) -> frozenset[str]:
    """What Step Functions names the service's errors: those of its API's model, and the one for all others.

    The names are those of the SDK for Java: version 2 behind `aws-sdk:` (`Glue.GlueException`), version 1
    behind the optimised integrations (`Glue.AWSGlueException`, `SNS.AmazonSNSException`):
    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
    """
    model = Session().get_service_model(service)
    prefix = str(model.service_id).replace(" ", "")
    others = [f"AWS{prefix}Exception", f"Amazon{prefix}Exception"]
    if sdk:
        prefix = re.sub("[A-Z]{2,}", lambda capitals: capitals[0].capitalize(), prefix)
        others = [f"{prefix}Exception"]
    modelled = [
        re.sub("(Exception|Fault)?$", "Exception", shape.name, count=1) for shape in model.error_shapes
    ]
    return frozenset(f"{prefix}.{name}" for name in modelled + others)


def _personal_data(state: State) -> Iterator[str]:
    for field in ("Parameters", "ItemSelector"):
        for key, value in _leaves(state.get(field, {})):
            if PLACEHOLDER.fullmatch(str(value)):
                continue  # a name of ours, fixed when the machine is made
            if PERSONAL.search(key) or PERSONAL.search(str(value)):
                yield f"{field} {key!r} would carry personal data"


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, name)
    else:
        yield key, value


def _names(cls: type[Exception]) -> Iterator[str]:
    yield cls.__name__
    for child in cls.__subclasses__():
        yield from _names(child)


CHECKS: Sequence[Callable[[State], Iterator[str]]] = (
    _ends, _timeout, _catches, _retries, _error_names, _personal_data,
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    files = [Path(name) for name in (sys.argv[1:] if argv is None else argv)]
    found = 0
    for file in files or sorted((ROOT / "statemachines").glob("*.asl.json")):
        for finding in check(json.loads(file.read_text())):
            found += 1
            print(f"{file.name}: {finding}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
