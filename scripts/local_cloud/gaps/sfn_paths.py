"""Gap: a path that leads nowhere reads as null, and IsPresent is false for a null, so broken runs succeed.

docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (States.Runtime) and
docs.aws.amazon.com/step-functions/latest/dg/state-choice.html (any other test needs a value).
"""

import json
from collections.abc import Mapping
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import function_at


def install(context: Context) -> None:
    from ministack.services import stepfunctions as sfn

    resolve = function_at(sfn, "_resolve_path", "path", "data")
    tokens_of = function_at(sfn, "_parse_jsonpath_tokens", "path")
    evaluate = function_at(sfn, "_evaluate_rule", "rule", "data", "ctx")

    def resolve_existing(path: Any, data: Any) -> Any:
        if not isinstance(path, str) or not path.startswith("$") or path == "$":
            return resolve(path, data)
        tokens = tokens_of(path)
        if tokens is None:
            raise sfn._ExecutionError(
                "States.Runtime", f"The local engine does not understand the path '{path}'"
            )
        if not leads_somewhere(tokens, data):
            given = json.dumps(data, default=str)[:500]
            raise sfn._ExecutionError(
                "States.Runtime", f"The JSONPath '{path}' could not be found in the input '{given}'"
            )
        return resolve(path, data)

    def evaluate_presence(rule: Mapping[str, Any], data: Any, ctx: Any = None) -> Any:
        if "IsPresent" not in rule:
            return evaluate(rule, data, ctx)
        variable = rule["Variable"]
        in_context = variable.startswith("$$")
        tokens = tokens_of(variable[1:] if in_context else variable)
        return leads_somewhere(tokens or [], ctx if in_context else data) == rule["IsPresent"]

    sfn._resolve_path = resolve_existing
    sfn._evaluate_rule = evaluate_presence


def leads_somewhere(tokens: Any, data: Any) -> bool:
    """Whether a path without wildcards ends at a value, null included; one with wildcards always does."""
    for kind, value in tokens:
        if kind == "wildcard":
            return True
        if kind == "field":
            if not isinstance(data, dict) or value not in data:
                return False
        elif not isinstance(data, list) or not -len(data) <= value < len(data):
            return False
        data = data[value]
    return True
