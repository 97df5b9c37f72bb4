"""Every HTTP error answer: RFC 9457 problem+json, made in one place from any error."""

import json
import re
from typing import Any

from chalice import Response

from chalicelib import logs
from chalicelib.domain.errors import (
    ConfigurationError,
    FieldProblem,
    MalformedRequestError,
    RefusedError,
    RequestInProgressError,
    TransientError,
)
from chalicelib.handlers import local_run, stage

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:problem:orders:"
RETRY_AFTER_SECONDS = 1


class PayloadTooLargeError(MalformedRequestError):
    slug, status, title = "payload-too-large", 413, "The body is too large"


class UnsupportedMediaTypeError(MalformedRequestError):
    slug, status, title = "unsupported-media-type", 415, "The body must be application/json"


class MethodNotAllowedError(RefusedError):
    slug, status, title = "method-not-allowed", 405, "This method is not offered here"


class UnavailableError(RefusedError):
    slug, status, title = "unavailable", 503, "The service cannot answer now"


class InternalError(RefusedError):
    slug, status, title = "internal-error", 500, "The service failed"


FROM_CHALICE: dict[int, type[RefusedError]] = {
    400: MalformedRequestError,
    405: MethodNotAllowedError,
    415: UnsupportedMediaTypeError,
}


def refusal_of(error: Exception) -> RefusedError:
    """What the caller may know: refusals as they are, faults logged and told without their insides."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, TransientError):
        logs.warning("request failed for now", error)
        said = "a part of the service does not answer; try again with the same key"
        return UnavailableError(f"{error}: {local_run.HINT}" if stage.beside_the_engine() else said)
    if isinstance(error, ConfigurationError):
        logs.error("stage is not configured", error)
        said = "this stage is not configured; its operator finds the names in the log"
        return UnavailableError(f"{error}: {local_run.HINT}" if stage.beside_the_engine() else said)
    logs.error("request failed", error)
    return InternalError("the fault was logged under this correlation id; try again with the same key")


def document(error: RefusedError, instance: str, correlation_id: str) -> dict[str, Any]:
    """The members of RFC 9457, plus `correlationId` and, where fields are at fault, `errors`."""
    out: dict[str, Any] = {
        "type": TYPE_PREFIX + error.slug,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": instance,
        "correlationId": correlation_id,
    }
    if error.fields:
        out["errors"] = [_fault(one) for one in error.fields]
    return out


def response(error: RefusedError, instance: str, correlation_id: str) -> Response:
    headers: dict[str, str | list[str]] = {"Content-Type": MEDIA_TYPE}
    if isinstance(error, RequestInProgressError | UnavailableError):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="orders"'
    body = json.dumps(document(error, instance, correlation_id))
    return Response(body=body, status_code=error.status, headers=headers)


def _fault(one: FieldProblem) -> dict[str, str]:
    """A bad field with its place: a JSON pointer into the body, or a header's or parameter's name."""
    where, _, name = one.field.partition(":")
    if where in ("header", "parameter"):
        return {where: name, "detail": one.problem}
    return {"pointer": pointer(one.field), "detail": one.problem}


def pointer(path: str) -> str:
    """`items[0].quantity` or `/items/0/quantity` → `#/items/0/quantity` (RFC 6901, as RFC 9457 shows it)."""
    if path.startswith(("#", "/")):
        return "#" + path.removeprefix("#")
    return "#/" + "/".join(re.findall(r"[^.\[\]]+", path)) if path else "#"
