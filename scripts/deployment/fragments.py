"""Reads CloudFormation fragments, one file a room, and merges them into one template."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from scripts.deployment.errors import DeploymentError

try:
    from yaml import CSafeLoader as SafeLoader  # ten times as fast
except ImportError:  # an installation without libyaml
    from yaml import SafeLoader  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parents[2]
FRAGMENTS = ROOT / "scripts" / "cloudformation"
SECTIONS = ("Parameters", "Mappings", "Conditions", "Resources", "Outputs")
REPEATABLE = ("Parameters", "Conditions")

Template = dict[str, Any]


def base(folder: Path = FRAGMENTS) -> Template:
    """The template of everything that exists before the functions do."""
    return load(folder / "base")


def bindings(folder: Path = FRAGMENTS) -> Template:
    """The template of everything that needs a function's ARN."""
    return load(folder / "bindings")


def load(folder: Path) -> Template:
    """The files of a folder as one template; raises DeploymentError where two of them disagree."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise DeploymentError(f"no fragments in {str(folder)!r}")
    return merge((path.name, read(path)) for path in files)


def read(path: Path) -> Template:
    """One fragment with its short tags (`!Sub`) written out (`{"Fn::Sub": …}`)."""
    try:
        template: Template = yaml.load(path.read_text(), Loader=_Loader)
    except yaml.YAMLError as error:
        raise DeploymentError(f"{path.name} is not YAML: {error}") from error
    unknown = set(template) - set(SECTIONS)
    if unknown:
        raise DeploymentError(f"{path.name} has unknown sections {sorted(unknown)!r}")
    return template


def merge(fragments: Iterable[tuple[str, Mapping[str, Any]]]) -> Template:
    """One template of all; a name declared twice is refused, but identical parameters and conditions."""
    merged: Template = {"AWSTemplateFormatVersion": "2010-09-09"}
    owner: dict[tuple[str, str], str] = {}
    for file, fragment in fragments:
        for section in SECTIONS:
            for name, body in (fragment.get(section) or {}).items():
                known = merged.setdefault(section, {})
                if name in known and not (section in REPEATABLE and _agree(known[name], body)):
                    raise DeploymentError(f"{section} {name!r} is in {owner[section, name]} and in {file}")
                known[name] = {**known[name], **body} if name in known else body
                owner.setdefault((section, name), file)
    return merged


def _agree(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether no key that both declare differs: a description or a default may stand in one file only."""
    return all(one[key] == other[key] for key in one.keys() & other.keys())


class _Loader(SafeLoader):
    """YAML with CloudFormation's short tags and our `!File`."""


def _short_tag(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    value = _value(loader, node)
    if suffix == "File":
        return _definition(ROOT / value)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


def _definition(path: Path) -> str:
    """A state machine's definition without its white space: a template has little room."""
    try:
        return json.dumps(json.loads(path.read_text()), separators=(",", ":"))
    except OSError as error:
        raise DeploymentError(f"no file {str(path.relative_to(ROOT))!r}, which a fragment names") from error
    except ValueError as error:
        raise DeploymentError(f"{str(path.relative_to(ROOT))!r} is not JSON: {error}") from error


def _value(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _short_tag)
