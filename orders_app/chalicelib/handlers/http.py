"""The door of every route: who calls, under which correlation id, and with which scopes."""

import functools
import os
import re
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalice import Response
from chalice.app import Request

from chalicelib.domain.commands import CORRELATION_ID, Principal
from chalicelib.domain.errors import (
    FieldProblem,
    ForbiddenError,
    MalformedRequestError,
    UnauthenticatedError,
)
from chalicelib.handlers import local_run, problems, stage

if TYPE_CHECKING:
    from chalicelib.bootstrap import Services

READ, WRITE, OPS = "orders:read", "orders:write", "ops"
LOCAL_PRINCIPAL = Principal(subject="local", scopes=frozenset({READ, WRITE, OPS}))
CORRELATION_HEADER = "X-Correlation-Id"
_CORRELATION_ID = re.compile(CORRELATION_ID)


@dataclass(frozen=True)
class Call:
    """One HTTP request as the routes see it."""

    request: Request
    correlation_id: str
    principal: Principal | None
    provider: "Callable[[], Services]"

    @property
    def services(self) -> "Services":
        """The use cases, built at the first call that needs them."""
        if stage.beside_the_engine():
            local_run.require(os.environ)
        return self.provider()

    @property
    def caller(self) -> Principal:
        """Who asks; only routes behind a scope may use it."""
        if self.principal is None:
            raise UnauthenticatedError("send a token as `Authorization: Bearer …`")
        return self.principal

    @property
    def path(self) -> str:
        context = self.request.context
        asked = str(context.get("path") or self.request.path)
        # API Gateway puts the name of its stage before it, which is no part of what the client asked for.
        stage = f"/{context.get('stage')}/"
        return asked[len(stage) - 1 :] if asked.startswith(stage) else asked

    def header(self, name: str) -> str | None:
        value = self.request.headers.get(name)
        return value if isinstance(value, str) else None

    def query(self, name: str) -> list[str]:
        """Every value given for a query parameter."""
        params = self.request.query_params
        return params.getlist(name) if params and name in params else []


current: ContextVar[Call] = ContextVar("call")
View = Callable[..., Response]


def open_call(request: Request, provider: "Callable[[], Services]") -> Call:
    """The call of a request; an unusable correlation id is replaced here and refused by `door`."""
    sent = str(request.headers.get(CORRELATION_HEADER, ""))
    made = sent if _CORRELATION_ID.fullmatch(sent) else str(uuid.uuid4())
    return Call(request, made, principal_of(request.context), provider)


def principal_of(context: Mapping[str, Any]) -> Principal | None:
    """Who the authorizer says it is; in the open stage everybody is the local operator."""
    if stage.is_open(stage.current()):
        return LOCAL_PRINCIPAL
    known = context.get("authorizer") or {}
    subject = known.get("subject")
    return Principal(subject, frozenset(str(known.get("scopes", "")).split())) if subject else None


def door(scope: str | None = None) -> Callable[[View], View]:
    """Lets a call with `scope` (or `ops`) in, and turns whatever is raised into an RFC 9457 answer."""

    def build(view: View) -> View:
        @functools.wraps(view)
        def entered(**captured: str) -> Response:
            call = current.get()
            try:
                check_correlation_id(call)
                if scope is not None:
                    check_scope(call.caller, scope)
                return view(call, **captured)
            except Exception as error:
                return problems.response(problems.refusal_of(error), call.path, call.correlation_id)

        return entered

    return build


def check_scope(caller: Principal, scope: str) -> None:
    """The gateway caches the authorizer's answer for all routes: scopes are checked here, for each call."""
    if not caller.scopes & {scope, OPS}:
        raise ForbiddenError(f"the token lacks the scope {scope}")


def check_correlation_id(call: Call) -> None:
    if call.header(CORRELATION_HEADER) not in (None, call.correlation_id):
        fault = "must be 1 to 128 letters, digits and . _ : -, the first a letter or digit"
        raise MalformedRequestError(
            "a header is not valid", [FieldProblem(f"header:{CORRELATION_HEADER}", fault)]
        )


def ok(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(body, {"Content-Type": "application/json", **(headers or {})}, status)
