"""From services' replies to HTTP answers; what was just committed is published before the client hears."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalice import Response

from chalicelib import logs
from chalicelib.domain.commands import Reply
from chalicelib.handlers import local_run, problems, stage
from chalicelib.handlers.http import Call, ok

if TYPE_CHECKING:
    from chalicelib.bootstrap import Services


def placed(services: "Services", reply: Reply) -> Response:
    """The answer to POST /orders, with where its order is.

    `Location` is relative to the request's own address, so it holds behind any stage path or proxy.
    """
    response = answered(services, reply)
    response.headers["Location"] = f"./orders/{reply.body['orderId']}"
    return response


def answered(services: "Services", reply: Reply) -> Response:
    """The reply of a command; a reply from an earlier request says so and publishes nothing."""
    if reply.replayed:
        return ok(reply.body, reply.status, {"Idempotency-Replayed": "true"})
    publish_now(services, reply.body["orderId"])
    return ok(reply.body, reply.status)


def publish_now(services: "Services", order_id: str) -> None:
    """Relay the order's events; a failure costs only time: the scheduled relay sends them later."""
    try:
        with logs.bound(order_id=order_id):
            services.relay_outbox(order_id=order_id)
    except Exception as error:
        logs.warning("relay after the request failed", error, order_id=order_id)


def health(call: Call, found: Mapping[str, Any]) -> Response:
    """200 while every check is well, else a 503 problem that carries the same checks."""
    if found["status"] == "ok":
        return ok(found)
    hint = f": {local_run.HINT}" if stage.beside_the_engine() else ""
    error = problems.UnavailableError(f"at least one check failed{hint}")
    answer = problems.response(error, call.path, call.correlation_id)
    answer.body = json.dumps(json.loads(answer.body) | {"checks": found["checks"]})
    return answer
