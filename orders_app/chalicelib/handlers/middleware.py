"""Around every HTTP request: correlation id, headers of answers, one line in the access log."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from chalice import Response
from chalice.app import Request

from chalicelib import logs
from chalicelib.handlers import http, problems, text

if TYPE_CHECKING:
    from chalicelib.bootstrap import Services

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}


Middleware = Callable[[Request, Callable[[Request], Response]], Response]


def around(services: "Callable[[], Services]") -> Middleware:
    """Chalice's HTTP middleware; routes get the use cases from `services`."""

    def on_http_request(request: Request, get_response: Callable[[Request], Response]) -> Response:
        started = time.perf_counter()
        call = http.open_call(request, services)
        token = http.current.set(call)
        try:
            with logs.bound(correlation_id=call.correlation_id):
                response = in_our_words(get_response(request), call)
                _log(request, response, started)
        finally:
            http.current.reset(token)
        response.headers.update(SECURITY_HEADERS | {http.CORRELATION_HEADER: call.correlation_id})
        return response

    return on_http_request


def in_our_words(response: Response, call: http.Call) -> Response:
    """Chalice's own refusals (`{"Code", "Message"}`) as problem+json; everything else untouched."""
    if response.status_code < 400 or response.headers.get("Content-Type") == problems.MEDIA_TYPE:
        return response
    message = response.body.get("Message", "") if isinstance(response.body, dict) else ""
    kind = problems.FROM_CHALICE.get(response.status_code, problems.InternalError)
    if kind is problems.InternalError:
        message = "the fault was logged under this correlation id"
    said = problems.response(kind(message), call.path, call.correlation_id)
    said.headers.update({k: v for k, v in response.headers.items() if k != "Content-Type"})
    return said


def _log(request: Request, response: Response, started: float) -> None:
    with logs.bound(order_id=order_id(request, response)):
        logs.info(
            "request",
            method=request.method,
            route=request.path,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
        )


def order_id(request: Request, response: Response) -> str | None:
    """The order that the request is about; what a client wrote in its place stays out of the log."""
    body = response.body if isinstance(response.body, dict) else {}
    found = (request.uri_params or {}).get("order_id") or body.get("orderId")
    return found if found and text.fault(found, 64, "order") is None else None
