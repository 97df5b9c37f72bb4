"""The deployed policies while everything runs: nothing is denied, nothing is granted for nothing.

It runs last of all, so that it sees what every live test of the session did.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from scripts.local_cloud.iam_check import Call, Grant, allows, denied, read_calls, unused
from tests.e2e.traffic import Traffic
from tests.live import Platform

pytestmark = [pytest.mark.e2e, pytest.mark.closing]
REASONS = Path(__file__).with_name("unused_grants.json")
Documents = dict[str, list[Mapping[str, Any]]]


@dataclass(frozen=True)
class Reason:
    """Why grants to `role` may go unused; all three are patterns with `*`."""

    role: str
    action: str
    resource: str
    reason: str

    def covers(self, role: str, grant: Grant) -> bool:
        pairs = ((role, self.role), (grant.action, self.action), (grant.resource, self.resource))
        return all(fnmatchcase(value, pattern) for value, pattern in pairs)


@pytest.fixture
def calls(platform: Platform, traffic: Traffic) -> list[Call]:
    return read_calls(platform.engine.iam_calls)


@pytest.fixture
def documents(platform: Platform) -> Documents:
    """The policies as they are deployed, by role."""
    iam = platform.client("iam")
    roles = [
        role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]
    ]
    return {
        role: [
            iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
        for role in roles
        if role.startswith("orders-")
    }


def reasons() -> list[Reason]:
    return [Reason(**one) for one in json.loads(REASONS.read_text())]


def of(role: str, calls: list[Call]) -> list[Call]:
    return [call for call in calls if call.caller == f"role/{role}"]


def granted(documents: Documents) -> Iterator[tuple[str, Grant]]:
    for role, policies in documents.items():
        yield from ((role, grant) for grant in unused(policies, []))


def test_nothing_that_the_platform_does_is_denied(calls: list[Call]) -> None:
    assert len(calls) > 200
    assert denied(calls) == []


def test_every_unused_grant_has_its_reason(calls: list[Call], documents: Documents) -> None:
    found = [
        (role, grant)
        for role, policies in documents.items()
        for grant in unused(policies, of(role, calls))
        if not any(reason.covers(role, grant) for reason in reasons())
    ]
    assert found == []


def test_every_reason_speaks_of_something_that_is_granted(documents: Documents) -> None:
    idle = [
        one for one in reasons() if not any(one.covers(role, grant) for role, grant in granted(documents))
    ]
    assert idle == []


def test_any_used_action_taken_out_of_a_policy_would_be_missed(
    calls: list[Call], documents: Documents
) -> None:
    for role, policies in documents.items():
        mine = of(role, calls)
        assert all(allows(policies, call) for call in mine), role
        for action in {call.action for call in mine}:
            poorer = [without(document, action) for document in policies]
            assert not all(allows(poorer, call) for call in mine), (role, action)


def without(document: Mapping[str, Any], action: str) -> Mapping[str, Any]:
    """The policy with one action fewer."""
    statements = []
    for statement in document["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        kept = [one for one in actions if one.lower() != action.lower()]
        statements += [{**statement, "Action": kept}] if kept else []
    return {**document, "Statement": statements}
