"""What every event door shares: the services, and ids bound to the log lines of one piece of work.

Chalice points Lambda at the blueprint's own function, so `app.py` is not imported there and its
middleware does not run: what each event needs is done by `traced`, under the Chalice decorator.
"""

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chalicelib import bootstrap, logs
from chalicelib.domain.commands import correlation_of, plain_id
from chalicelib.domain.json_values import parsed

if TYPE_CHECKING:
    from chalicelib.bootstrap import Services

Door = Callable[..., Any]


def services() -> "Services":
    """The use cases of this process, built at first use."""
    return bootstrap.services()


def traced(door: Door) -> Door:
    """Binds the ids to every log line, logs what the door answered, and a fault before AWS sees it."""

    @functools.wraps(door)
    def entered(event: Any, *given: Any) -> Any:
        # A direct invocation may bring any JSON value: its door refuses what is no object.
        payload = event if isinstance(event, Mapping) else getattr(event, "to_dict", dict)()
        context = given[0] if given else event.context
        request = {"function": door.__name__, "request_id": getattr(context, "aws_request_id", None)}
        with logs.bound(**request, **ids_of(payload)):
            try:
                answer = door(event, *given)
            except Exception as fault:
                logs.error("function failed", fault)
                raise
            if isinstance(answer, Mapping) and "outcome" in answer:
                with logs.bound(**ids_of(answer)):  # of a foreign order they are known only now
                    logs.info("task done", outcome=answer["outcome"])
            return answer

    return entered


def ids_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Order, correlation and execution ids of a task, an envelope, a bus event or a stopped execution."""
    inner: Any = payload.get("order") or payload.get("detail") or payload
    inner = inner if isinstance(inner, Mapping) else payload
    order = _object(inner["input"]) if isinstance(inner.get("input"), str) else inner
    return {
        "order_id": plain_id(order.get("orderId")),
        "correlation_id": correlation_of(order),
        "execution": _text(payload.get("execution") or inner.get("executionArn")),
    }


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = parsed(text)
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
