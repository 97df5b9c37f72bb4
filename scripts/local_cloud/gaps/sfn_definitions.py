"""Gap: definitions are stored unread: a Next to nowhere or an unknown field fails late or silently.

Refuses what AWS refuses (docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html), and
aloud what AWS can do and this engine cannot: at CreateStateMachine, UpdateStateMachine, in CloudFormation.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import function_at

_TYPES = {"Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"}
_NOT_HERE = (
    "Credentials",
    "ItemBatcher",
    "ResultWriter",
    "TimeoutSecondsPath",
    "HeartbeatSeconds",
    "HeartbeatSecondsPath",
)
Diagnostic = tuple[str, str, str]


def install(context: Context) -> None:
    from ministack.core.responses import error_response_json, json_response
    from ministack.services import stepfunctions
    from ministack.services.cloudformation import provisioners

    validate = function_at(stepfunctions, "_validate_definition_jsonata", "definition_str")
    function_at(stepfunctions, "_validate_state_machine_definition", "data")
    create = function_at(stepfunctions, "_create_state_machine", "data")
    definition_of = function_at(provisioners, "_sfn_definition", "props")

    def first_fault(definition: Any) -> str | None:
        found = diagnostics(definition)
        if not found:
            return validate(definition)  # type: ignore[no-any-return]
        code, message, location = found[0]
        return f"Invalid State Machine Definition: '{code}: {message} at {location}'"

    def create_checked(data: Mapping[str, Any]) -> Any:
        if "definition" not in data:
            return error_response_json("ValidationException", "definition is required", 400)
        return create(data)

    def check(data: Mapping[str, Any]) -> Any:
        found = [
            {"severity": "ERROR", "code": code, "message": message, "location": location}
            for code, message, location in diagnostics(data.get("definition"))
        ]
        return json_response({"result": "FAIL" if found else "OK", "diagnostics": found, "truncated": False})

    def definition_checked(props: Mapping[str, Any]) -> Any:
        definition = definition_of(props)
        if fault := first_fault(definition):
            raise ValueError(f"{fault} (Service: AWSStepFunctions; Error Code: InvalidDefinition)")
        return definition

    stepfunctions._validate_definition_jsonata = first_fault
    stepfunctions._create_state_machine = create_checked
    stepfunctions._validate_state_machine_definition = check
    provisioners._sfn_definition = definition_checked


def diagnostics(definition: Any) -> list[Diagnostic]:
    """What is wrong with a definition: (code, message, location) in document order."""
    try:
        machine = json.loads(definition)
    except (TypeError, ValueError) as error:
        return [("INVALID_JSON_DESCRIPTION", f"This is not valid JSON: {error}", "/")]
    if not isinstance(machine, dict):
        return [("SCHEMA_VALIDATION_FAILED", "A definition is an object", "/")]
    found = list(_machine(machine, "", machine.get("QueryLanguage", "JSONPath")))
    return found + list(_duplicates(machine, "", set()))


def _machine(machine: Mapping[str, Any], path: str, language: str) -> Iterator[Diagnostic]:
    states = machine.get("States")
    if not isinstance(states, dict) or not states:
        yield "SCHEMA_VALIDATION_FAILED", "The field 'States' is required", path or "/"
        return
    start = machine.get("StartAt")
    if start not in states:
        yield "MISSING_TRANSITION_TARGET", f"Missing 'StartAt' target: {start}", f"{path}/StartAt"
    for name, state in states.items():
        here = f"{path}/States/{name}"
        yield from _state(state, states, here, state.get("QueryLanguage", language))


def _state(
    state: Mapping[str, Any], states: Mapping[str, Any], here: str, language: str
) -> Iterator[Diagnostic]:
    kind = state.get("Type")
    if kind not in _TYPES:
        yield "SCHEMA_VALIDATION_FAILED", f"Unknown state type: {kind}", f"{here}/Type"
        return
    if kind == "Task" and not state.get("Resource"):
        yield "SCHEMA_VALIDATION_FAILED", "The field 'Resource' is required", here
    ends = kind in ("Succeed", "Fail", "Choice")
    if not ends and ("Next" in state) == bool(state.get("End")):
        yield "SCHEMA_VALIDATION_FAILED", "A state has either 'Next' or 'End': true", here
    for target, where in _targets(state, here):
        if target not in states:
            yield "MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {target}", where
    for field in _NOT_HERE:
        if field in state:
            yield "NOT_IN_LOCAL_ENGINE", f"The local engine does not do {field}", f"{here}/{field}"
    if language == "JSONPath" and (variable := _variable(state, here)):
        yield "NOT_IN_LOCAL_ENGINE", "The local engine has no variables in JSONPath states", variable
    yield from _branches(state, here, language)


def _targets(state: Mapping[str, Any], here: str) -> Iterator[tuple[Any, str]]:
    if "Next" in state:
        yield state["Next"], f"{here}/Next"
    if "Default" in state:
        yield state["Default"], f"{here}/Default"
    for field in ("Choices", "Catch"):
        for number, rule in enumerate(state.get(field) or []):
            yield rule.get("Next"), f"{here}/{field}[{number}]/Next"


def _branches(state: Mapping[str, Any], here: str, language: str) -> Iterator[Diagnostic]:
    for where, inner in _scopes(state, here):
        yield from _machine(inner, where, language)


def _scopes(state: Mapping[str, Any], here: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The machines inside of a state, and where they are."""
    for number, branch in enumerate(state.get("Branches") or []):
        yield f"{here}/Branches[{number}]", branch
    for field in ("Iterator", "ItemProcessor"):
        if isinstance(state.get(field), dict):
            yield f"{here}/{field}", state[field]


def _duplicates(machine: Mapping[str, Any], path: str, seen: set[str]) -> Iterator[Diagnostic]:
    """Names that a state of the machine has already, those inside of Map and Parallel counted in."""
    states = machine.get("States")
    for name, state in states.items() if isinstance(states, dict) else ():
        here = f"{path}/States/{name}"
        if name in seen:
            yield "DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", here
        seen.add(name)
        for where, inner in _scopes(state, here):
            yield from _duplicates(inner, where, seen)


def _variable(state: Mapping[str, Any], here: str) -> str | None:
    """Where a JSONPath state sets or reads a variable (`$name`), if anywhere."""
    if "Assign" in state:
        return f"{here}/Assign"
    fields = ("InputPath", "OutputPath", "ItemsPath", "Parameters", "ItemSelector", "ResultSelector")
    return next((f"{here}/{field}" for field in fields if _reads_variable(state.get(field))), None)


def _reads_variable(template: Any, is_path: bool = True) -> bool:
    if isinstance(template, dict):
        return any(_reads_variable(value, key.endswith(".$")) for key, value in template.items())
    if isinstance(template, list):
        return any(_reads_variable(value, False) for value in template)
    return is_path and isinstance(template, str) and template[:1] == "$" and template[1:2].isalpha()
