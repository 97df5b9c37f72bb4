"""The JSON services of the engine from inside: an action takes a request, answers status and body."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Response = tuple[int, dict[str, str], bytes]
Action = Callable[[dict[str, Any]], Response]
Handler = Callable[[str, str, Mapping[str, str], bytes, Mapping[str, Any]], Awaitable[Response]]


class ServiceError(Exception):
    """An error answer; `code` is the exception name of the AWS API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def action_of(headers: Mapping[str, str]) -> str:
    """The API action that a JSON-protocol request names."""
    return headers.get("x-amz-target", "").rpartition(".")[2]


def call(action: Action, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of one of the engine's own actions; its error answer is raised."""
    status, _, body = action(dict(request))
    answer: dict[str, Any] = json.loads(body or b"{}")
    if status >= 300:
        raise ServiceError(
            answer.get("__type", "InternalServiceException").rpartition("#")[2],
            answer.get("message") or answer.get("Message") or "",
        )
    return answer


def reply(answer: Mapping[str, Any]) -> Response:
    from ministack.core.responses import json_response

    return json_response(dict(answer))  # type: ignore[no-any-return]


def refusal(error: ServiceError, **extra: Any) -> Response:
    from ministack.core.responses import error_response_json

    return error_response_json(error.code, str(error), 400, extra=extra or None)  # type: ignore[no-any-return]


def page(
    items: list[Any], request: Mapping[str, Any], default: int = 100
) -> tuple[list[Any], dict[str, str]]:
    """One page of a list, and the NextToken if there is more."""
    token = str(request.get("NextToken") or "0")
    if not token.isdigit():
        raise ServiceError("InvalidInputException", f"Invalid NextToken {token!r}")
    start = int(token)
    end = start + int(request.get("MaxResults") or default)
    return items[start:end], {"NextToken": str(end)} if end < len(items) else {}
