"""Compares what the functions did with what their policies say: the engine's book against policy documents.

The engine, started with enforcement, denies by itself and writes every decision to `iam-calls.jsonl`; this
finds the denials, judges calls against other documents, and lists grants that nothing used.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, order=True)
class Call:
    """One authorised or refused action; `caller` is `role/NAME`, or a service principal."""

    caller: str
    action: str
    resource: str
    allowed: bool


@dataclass(frozen=True, order=True)
class Grant:
    """One action on one resource pattern that a policy document allows."""

    action: str
    resource: str


def read_calls(book: Path) -> list[Call]:
    """The distinct calls of the engine's book, in order of caller, action and resource."""
    lines = book.read_text(encoding="utf-8").splitlines() if book.exists() else []
    return sorted({Call(**json.loads(line)) for line in lines})


def denied(calls: Iterable[Call]) -> list[Call]:
    return [call for call in calls if not call.allowed]


def grants(document: Mapping[str, Any]) -> list[Grant]:
    """Every pair of action and resource that the Allow statements of a policy document give."""
    statements = document.get("Statement", [])
    found = [
        Grant(action, resource)
        for statement in (statements if isinstance(statements, list) else [statements])
        if statement.get("Effect") == "Allow"
        for action in _several(statement.get("Action"))
        for resource in _several(statement.get("Resource", "*"))
    ]
    return sorted(set(found))


def allows(documents: Sequence[Mapping[str, Any]], call: Call) -> bool:
    """Whether identity policies allow a call: a Deny wins; conditions are not weighed."""
    statements = [
        statement
        for document in documents
        for statement in _several(document.get("Statement", []))
        if _covers(statement, call)
    ]
    effects = {statement["Effect"] for statement in statements}
    return effects == {"Allow"}


def unused(documents: Sequence[Mapping[str, Any]], calls: Sequence[Call]) -> list[Grant]:
    """The grants of a role's policies that none of its recorded calls needed."""
    every = sorted({grant for document in documents for grant in grants(document)})
    return [grant for grant in every if not any(_matches_grant(grant, call) for call in calls)]


def _covers(statement: Mapping[str, Any], call: Call) -> bool:
    if "NotResource" in statement and any(
        _like(r, call.resource) for r in _several(statement["NotResource"])
    ):
        return False
    actions, resources = _several(statement.get("Action")), _several(statement.get("Resource", "*"))
    return any(_matches_grant(Grant(a, r), call) for a in actions for r in resources)


def _matches_grant(grant: Grant, call: Call) -> bool:
    return _like(grant.action.lower(), call.action.lower()) and _like(grant.resource, call.resource)


def _like(pattern: str, value: str) -> bool:
    """IAM's wildcards: `*` for any text, `?` for one character."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
