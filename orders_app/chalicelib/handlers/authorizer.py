"""The token authorizer of every stage but `local`: who the bearer token belongs to, and its scopes."""

from typing import Any

from chalice import AuthResponse, Blueprint
from chalice.app import AuthRequest

from chalicelib import logs
from chalicelib.handlers import stage
from chalicelib.handlers.doors import services

authorizers = Blueprint(__name__)
TTL_SECONDS = 60  # a revoked token may live this long in the gateway's cache


class UnauthorizedError(Exception):
    """API Gateway answers 401 when an authorizer fails with exactly the message `Unauthorized`."""


def token_authorizer(request: AuthRequest) -> AuthResponse:
    """Allows every route: the gateway caches this answer across routes, so scopes are checked at the door."""
    scheme, _, token = request.token.strip().partition(" ")
    principal = services().authenticate(token.strip()) if scheme.lower() == "bearer" and token else None
    if principal is None:
        logs.info("token refused")
        raise UnauthorizedError("Unauthorized")
    context = {"subject": principal.subject, "scopes": " ".join(sorted(principal.scopes))}
    return AuthResponse(routes=["*"], principal_id=principal.subject, context=context)


def _registered() -> Any:
    """The authorizer to give to routes, or None where the stage is open."""
    if stage.is_open(stage.current()):
        return None
    return authorizers.authorizer(ttl_seconds=TTL_SECONDS, name="token-authorizer")(token_authorizer)


protected = _registered()
