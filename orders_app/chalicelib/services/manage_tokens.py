"""Adds, lists and revokes tokens; whoever makes a token keeps it, only its hash comes here."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chalicelib.domain import events
from chalicelib.domain.commands import ADMISSION_SUBJECT
from chalicelib.domain.errors import FieldProblem, InvalidQueryError
from chalicelib.services.ports import Clock, UnitOfWorkFactory

SCOPES = ("orders:read", "orders:write", "ops")
TAKEN = ("local", ADMISSION_SUBJECT)
ID_DIGITS = 12


def manage_tokens(uow: UnitOfWorkFactory, clock: Clock, request: Mapping[str, Any]) -> dict[str, Any]:
    """`{"action": "add" | "list" | "revoke", …}`; answers figures. Raises InvalidQueryError."""
    actions = {"add": _add, "list": _list, "revoke": _revoke}
    action = actions.get(str(request.get("action")))
    if action is None:
        raise _refused("action", f"must be one of {', '.join(actions)}")
    return action(uow, clock, request)


def _add(uow: UnitOfWorkFactory, clock: Clock, request: Mapping[str, Any]) -> dict[str, Any]:
    """{"tokenHash": hex SHA-256, "subject", "scopes", "days" or null}"""
    digest, subject, scopes = (request.get(name) for name in ("tokenHash", "subject", "scopes"))
    days = request.get("days")
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise _refused("tokenHash", "must be a hex SHA-256")
    if not isinstance(subject, str) or not re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", subject):
        raise _refused("subject", "must be 1 to 64 letters, digits and . _ : - (no name, no mail)")
    if subject in TAKEN:
        raise _refused("subject", f"{subject!r} is taken by the platform")
    if not isinstance(scopes, list) or not scopes or not set(scopes) <= set(SCOPES):
        raise _refused("scopes", f"must be some of {', '.join(SCOPES)}")
    if days is not None and not (isinstance(days, int) and 1 <= days <= 3660):
        raise _refused("days", "must be an integer between 1 and 3660")
    expires = None if days is None else clock() + timedelta(days=days)
    with uow() as tx:
        tx.tokens.add(digest, subject, sorted(set(scopes)), expires)
    return {"id": digest[:ID_DIGITS], "expiresAt": expires and events.timestamp(expires)}


def _list(uow: UnitOfWorkFactory, clock: Clock, request: Mapping[str, Any]) -> dict[str, Any]:
    with uow() as tx:
        known = tx.tokens.known()
    return {
        "tokens": [
            {
                "id": digest[:ID_DIGITS],
                "subject": subject,
                "scopes": list(scopes),
                "expiresAt": expires and events.timestamp(expires),
            }
            for digest, subject, scopes, expires in known
        ]
    }


def _revoke(uow: UnitOfWorkFactory, clock: Clock, request: Mapping[str, Any]) -> dict[str, Any]:
    """{"id": as listed}; exactly one token must have it."""
    wanted = str(request.get("id"))
    with uow() as tx:
        found = [digest for digest, *_ in tx.tokens.known() if digest[:ID_DIGITS] == wanted]
        if len(found) != 1:
            raise _refused("id", "is no token's; list shows them")
        tx.tokens.remove(found[0])
    return {"revoked": wanted}


def _refused(name: str, problem: str) -> InvalidQueryError:
    return InvalidQueryError(f"{name} {problem}", [FieldProblem(f"parameter:{name}", problem)])
