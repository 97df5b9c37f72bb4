"""Joins base, bindings and functions into one template: parameters become references to what makes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scripts.deployment.errors import DeploymentError
from scripts.deployment.fragments import SECTIONS, Template

_VARIABLE = re.compile(r"\$\{(?!!)([A-Za-z0-9]+)\}")


def joined(base: Template, bindings: Template, functions: Mapping[str, str], stage: str) -> Template:
    """One template of both. `functions` maps `ClaimOrderFunctionArn` to the logical id `ClaimOrder`."""
    values: dict[str, Any] = {"Stage": stage, "RestApiId": {"Ref": "RestAPI"}}
    values.update({name: {"Fn::GetAtt": [logical, "Arn"]} for name, logical in functions.items()})
    base_wired = substituted(base, {"Stage": stage})
    for name, output in base_wired.get("Outputs", {}).items():
        if name in bindings.get("Parameters", {}):
            values[name] = output["Value"]
    bindings_wired = substituted(bindings, values)
    one: Template = {"AWSTemplateFormatVersion": "2010-09-09"}
    for section in SECTIONS:
        left, right = base_wired.get(section, {}), bindings_wired.get(section, {})
        clash = [name for name in left.keys() & right.keys() if left[name] != right[name]]
        if clash:
            raise DeploymentError(f"{section} {clash!r} differ between base and bindings")
        one[section] = {**left, **right}
    one["Conditions"] = {
        **base.get("Conditions", {}),
        **bindings.get("Conditions", {}),
    }  # these may ask for the stage
    one["Parameters"] = {name: body for name, body in one["Parameters"].items() if name not in values}
    one["Parameters"]["Stage"] = {"Type": "String", "Default": stage, "AllowedValues": [stage]}
    open_ends = [name for name, body in one["Parameters"].items() if name.endswith("FunctionArn")]
    if open_ends:
        raise DeploymentError(f"the app has no functions for the parameters {', '.join(sorted(open_ends))}")
    return {section: body for section, body in one.items() if body}


def substituted(node: Any, values: Mapping[str, Any]) -> Any:
    """The tree with `Ref` to a name replaced by its value, inside `Fn::Sub` too."""
    if isinstance(node, list):
        return [substituted(one, values) for one in node]
    if not isinstance(node, Mapping):
        return node
    if node.keys() == {"Ref"} and node["Ref"] in values:
        return values[node["Ref"]]
    if node.keys() == {"Fn::Sub"}:
        return _sub(node["Fn::Sub"], values)
    return {key: substituted(value, values) for key, value in node.items()}


def _sub(argument: Any, values: Mapping[str, Any]) -> Any:
    """`Fn::Sub` with its variables replaced; what cannot stand in a text goes into its map."""
    text, given = (argument, {}) if isinstance(argument, str) else argument
    variables = {name: substituted(value, values) for name, value in given.items()}

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name in given or name not in values:
            return match[0]
        value = values[name]
        if isinstance(value, str):
            return value
        if value.keys() == {"Ref"}:
            return f"${{{value['Ref']}}}"
        if value.keys() == {"Fn::GetAtt"}:
            return f"${{{'.'.join(value['Fn::GetAtt'])}}}"
        variables[name] = value
        return match[0]

    replaced = _VARIABLE.sub(replace, text)
    if "${" not in replaced:
        return replaced
    return {"Fn::Sub": [replaced, variables] if variables else replaced}
