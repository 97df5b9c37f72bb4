"""The OpenAPI 3.1 document, generated from the routes that are registered and the shapes that are read."""

from collections.abc import Mapping
from typing import Any

from chalice.app import RouteEntry

from chalicelib.handlers.openapi_components import COMPONENTS, EXAMPLES
from chalicelib.handlers.openapi_operations import OPERATIONS, Operation

VERSION = "1.0.0"
Routes = Mapping[str, Mapping[str, RouteEntry]]


def document(routes: Routes) -> dict[str, Any]:
    """The whole document; a route without its entry in OPERATIONS is a KeyError, so none is left out."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Orders",
            "version": VERSION,
            "description": (
                "Place orders once, see where they are, cancel them while that is allowed. "
                "Every error is an RFC 9457 problem. In the stage `local` no token is asked for."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            path: {method.lower(): operation(path, entry) for method, entry in sorted(routes[path].items())}
            for path in sorted(routes)
        },
        "components": COMPONENTS,
    }


def operation(path: str, entry: RouteEntry) -> dict[str, Any]:
    """One operation of one path."""
    known: Operation = OPERATIONS[entry.view_name]
    parameters = [{"$ref": "#/components/parameters/OrderId"}] if entry.view_args else []
    parameters += [{"$ref": f"#/components/parameters/{name}"} for name in known.parameters]
    out: dict[str, Any] = {
        "operationId": entry.view_name,
        "summary": known.summary,
        "description": known.description,
        "parameters": [*parameters, {"$ref": "#/components/parameters/CorrelationId"}],
        "responses": {str(known.status): success(known)} | refusals(known, path),
        "security": [{"token": [known.scope]}] if known.scope else [],
    }
    if known.body:
        out["requestBody"] = request_body(known)
    return out


def request_body(known: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{known.body}"}}
    if known.examples:
        content["examples"] = {name: {"value": EXAMPLES[name]} for name in known.examples}
    return {"required": known.body_required, "content": {"application/json": content}}


def success(known: Operation) -> dict[str, Any]:
    content = {
        "schema": {"$ref": f"#/components/schemas/{known.answer}"} if known.answer else {"type": "object"}
    }
    if known.example:
        content["example"] = EXAMPLES[known.example]
    headers = {"X-Correlation-Id": {"$ref": "#/components/headers/CorrelationId"}}
    headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in known.headers}
    return {"description": known.outcome, "headers": headers, "content": {"application/json": content}}


def refusals(known: Operation, path: str) -> dict[str, Any]:
    """The error answers: what the operation names, and what every secured operation may say."""
    statuses = {**known.refusals, 500: "The service failed; the fault was logged.", 503: "Try again later."}
    if known.scope:
        statuses |= {401: "No token, or one that is not known.", 403: f"The token lacks `{known.scope}`."}
    return {
        str(status): {
            "description": words,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, words in sorted(statuses.items())
    }
