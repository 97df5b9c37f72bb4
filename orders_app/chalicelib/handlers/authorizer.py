"""Bearer tokens: the authorizer of every stage but `local`, and the function that hands them out."""

import re
from collections.abc import Mapping
from typing import Any

from chalice import AuthResponse, Blueprint
from chalice.app import AuthRequest

from chalicelib import logs
from chalicelib.domain.commands import Principal
from chalicelib.handlers import stage
from chalicelib.handlers.doors import services, traced

authorizers = Blueprint(__name__)
token_functions = Blueprint(__name__)
TTL_SECONDS = 60  # a revoked token may live this long in the gateway's cache


class UnauthorizedError(Exception):
    """API Gateway answers 401 when an authorizer fails with exactly the message `Unauthorized`."""


@authorizers.authorizer(ttl_seconds=TTL_SECONDS, name="token-authorizer")
def token_authorizer(request: AuthRequest) -> AuthResponse:
    """Allows every route: the gateway caches this answer across routes, so scopes are checked at the door."""
    principal = principal_of(request.token)
    if principal is None:
        logs.info("token refused")
        raise UnauthorizedError("Unauthorized")
    context = {"subject": principal.subject, "scopes": " ".join(sorted(principal.scopes))}
    return AuthResponse(routes=["*"], principal_id=principal.subject, context=context)


def principal_of(header: str) -> Principal | None:
    """Whose token the header carries (`Bearer …`), or None; a fault is logged and fails the authorizer."""
    token = re.fullmatch(r"bearer +([!-~]{1,512})", header.strip(), re.IGNORECASE)
    if token is None:
        return None
    try:
        return services().authenticate(token[1])
    except Exception as fault:
        logs.error("authorizer failed", fault)
        raise


@token_functions.lambda_function(name="manage-tokens")
@traced
def manage_tokens(event: Mapping[str, Any], context: object) -> Mapping[str, Any]:
    """Who may invoke this function hands out tokens: IAM decides. It gets hashes, never a token."""
    return services().manage_tokens(event)


protected = None if stage.is_open(stage.current()) else token_authorizer
