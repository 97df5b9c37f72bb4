"""Decodes what comes to the messaging doors: batches, workflow tasks, alerts, the parameters of the list."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain import events
from chalicelib.domain.errors import FieldProblem, InvalidQueryError
from chalicelib.handlers import text
from chalicelib.handlers.decode import MAX_PAGE, is_page_size
from chalicelib.handlers.http import Call
from chalicelib.services.messages.drain_messages import DrainTask
from chalicelib.services.messages.list_messages import ListMessages
from chalicelib.services.messages.model import KINDS, Received, Selection
from chalicelib.services.messages.route_alarms import Notice

PARAMETERS = ("type", "since", "until", "cursor", "limit")
drain_task = DrainTask.read


def received(batch: Mapping[str, Any]) -> list[Received]:
    return [Received(record["messageId"], record["body"]) for record in batch["Records"]]


def notices(event: Mapping[str, Any]) -> list[Notice]:
    """Every record of an SNS invocation."""
    told = [record["Sns"] for record in event["Records"]]
    return [Notice(one["MessageId"], one.get("Subject"), one["Message"]) for one in told]


def list_messages(call: Call) -> ListMessages:
    """The query of GET /messages. Raises InvalidQueryError naming every bad parameter."""
    problems: list[FieldProblem] = []
    given: dict[str, str] = {}
    for name in call.request.query_params or ():
        values = call.query(name)
        fault = _fault(name, values)
        if fault is None:
            given[name] = values[0].strip()
        else:
            problems.append(FieldProblem(f"parameter:{name[:64]}", fault))
    if problems:
        raise InvalidQueryError("some query parameters are not valid", problems)
    selection = Selection(
        given.get("type"), _time(given.get("since")), _time(given.get("until")),
        limit=int(given.get("limit", "50")),
    )  # fmt: skip
    return ListMessages(selection, given.get("cursor"))


def _fault(name: str, values: list[str]) -> str | None:
    if name not in PARAMETERS:
        return f"is not known; there are {', '.join(PARAMETERS)}"
    if len(values) != 1:
        return "is given more than once"
    value = values[0].strip()
    fault = text.fault(values[0], 500)
    if fault is None and name == "type" and value not in KINDS:
        fault = f"must be one of {', '.join(KINDS)}"
    if fault is None and name in ("since", "until") and not _is_time(value):
        fault = "must be a time with its zone, as 2025-01-31T00:00:00Z"
    if fault is None and name == "limit" and not is_page_size(value):
        fault = f"must be an integer between 1 and {MAX_PAGE}"
    return fault


def _is_time(value: str) -> bool:
    try:
        return events.parse_timestamp(value).tzinfo is not None
    except ValueError:
        return False


def _time(value: str | None) -> datetime | None:
    return None if value is None else events.parse_timestamp(value)
