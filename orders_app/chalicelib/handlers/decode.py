"""From HTTP to commands: strict bodies, headers and query parameters, every fault named at once."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from chalicelib.domain import money
from chalicelib.domain.commands import CancelOrder, CustomerInput, LineInput, ListOrders, PlaceOrder
from chalicelib.domain.errors import (
    FieldProblem,
    InvalidOrderError,
    InvalidQueryError,
    MalformedRequestError,
    UnknownOrderError,
)
from chalicelib.domain.order import Status
from chalicelib.handlers import json_text, shapes, text
from chalicelib.handlers.body import raw_body, read_body
from chalicelib.handlers.http import Call
from chalicelib.handlers.schema import Faults

KEY_HEADER = "Idempotency-Key"
LIST_PARAMETERS = ("status", "customer", "cursor", "limit")
MAX_PAGE = 100


def place_order(call: Call) -> PlaceOrder:
    """The command of POST /orders. Raises a RefusedError that names every bad field."""
    key = idempotency_key(call)
    faults = Faults()
    body = read_body(call, shapes.PLACE_ORDER, faults)
    if not faults.found:
        check_amounts(body, faults)
    if faults.found:
        raise refused(faults)
    fields = order_fields(body)
    return PlaceOrder(
        subject=call.caller.subject,
        correlation_id=call.correlation_id,
        idempotency_key=key,
        fingerprint=fingerprint(fields),
        **fields,
    )


@contextmanager
def fields_as_sent(call: Call) -> Iterator[None]:
    """The service names fields in one way; the client hears of them as it spelled them."""
    try:
        yield
    except InvalidOrderError as error:
        body = json_text.parse(raw_body(call))
        error.fields = tuple(FieldProblem(as_sent(one.field, body), one.problem) for one in error.fields)
        raise


def as_sent(field: str, body: dict[str, Any]) -> str:
    """`/amount` → `/total` and `/items/0/product` → `/items/0/productId` where that was sent."""
    if field == "/amount" and "amount" not in body and "total" in body:
        return "/total"
    line = re.fullmatch(r"/items/(\d+)/product", field)
    if line and "productId" in body["items"][int(line[1])]:
        return f"{field}Id"
    return field


def cancel_order(call: Call, order_id: str) -> CancelOrder:
    """The command of POST /orders/{id}/cancel; its body may be absent."""
    key = idempotency_key(call)
    faults = Faults()
    body = read_body(call, shapes.CANCEL_ORDER, faults) if raw_body(call) else {}
    if faults.found:
        raise refused(faults)
    command = CancelOrder(known_form(order_id), call.caller, call.correlation_id, **body, idempotency_key=key)
    return command if key is None else replace(command, fingerprint=digest({"reason": command.reason}))


def list_orders(call: Call) -> ListOrders:
    """The query of GET /orders; a repeated, empty or unknown parameter is refused."""
    problems: list[FieldProblem] = []
    given: dict[str, str] = {}
    for name in call.request.query_params or ():
        values = call.query(name)
        fault = parameter_fault(name, values)
        if fault is None:
            given[name] = values[0].strip()
        else:
            problems.append(FieldProblem(f"parameter:{name[:64]}", fault))
    if problems:
        raise InvalidQueryError("some query parameters are not valid", problems)
    return ListOrders(
        viewer=call.caller,
        status=given.get("status"),
        customer=given.get("customer"),
        cursor=given.get("cursor"),
        limit=int(given.get("limit", "50")),
    )


def parameter_fault(name: str, values: list[str]) -> str | None:
    """Why a query parameter of GET /orders is refused, or None."""
    if name not in LIST_PARAMETERS:
        return f"is not known; there are {', '.join(LIST_PARAMETERS)}"
    if len(values) != 1:
        return "is given more than once"
    fault = text.fault(values[0], 500)
    if fault is None and name == "status" and values[0].strip() not in [*Status]:
        fault = f"must be one of {', '.join(Status)}"
    if fault is None and name == "limit" and not is_page_size(values[0].strip()):
        fault = f"must be an integer between 1 and {MAX_PAGE}"
    return fault


def is_page_size(value: str) -> bool:
    return re.fullmatch(r"[0-9]{1,3}", value, re.ASCII) is not None and 1 <= int(value) <= MAX_PAGE


def known_form(order_id: str) -> str:
    """The order id, refused as unknown when no order can have it (the database is not asked)."""
    if text.fault(order_id, 64, "order") is not None:
        raise UnknownOrderError("there is no order with this id")
    return order_id


def idempotency_key(call: Call) -> str | None:
    """The request's key: 1 to 255 visible ASCII characters, or None when none is sent."""
    key = call.header(KEY_HEADER)
    if key is not None and not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        fault = FieldProblem(f"header:{KEY_HEADER}", "must be 1 to 255 visible ASCII characters")
        raise MalformedRequestError("a header is not valid", [fault])
    return key


def check_amounts(body: dict[str, Any], faults: Faults) -> None:
    """Faults that no single field shows: digits of the currency, two totals."""
    if "amount" in body and "total" in body and body["amount"] != body["total"]:
        faults.add("/total", "disagrees with amount")
    currency = body.get("currency")
    if currency is not None and currency not in money.DIGITS:
        faults.add("/currency", "is not a currency that is settled here")
    elif currency is not None:
        amounts = [(f"/{name}", body[name]) for name in ("amount", "total") if name in body]
        prices = [(f"/items/{i}/unitPrice", line.get("unitPrice")) for i, line in enumerate(body["items"])]
        for at, amount in amounts + prices:
            check_digits(amount, currency, at, faults)


def check_digits(amount: Decimal | None, currency: str, at: str, faults: Faults) -> None:
    try:
        money.to_minor(amount or 0, currency)
    except ValueError as error:
        faults.add(at, f"{error} ({currency})")


def order_fields(body: dict[str, Any]) -> dict[str, Any]:
    """A valid body as the fields of PlaceOrder."""
    customer, shipping = body["customer"], body.get("shipping")
    return {
        "customer": CustomerInput(**(customer if isinstance(customer, dict) else {"name": customer})),
        "lines": tuple(
            LineInput(line.get("productId") or line["product"], line["quantity"], line.get("unitPrice"))
            for line in body["items"]
        ),
        "amount": body.get("amount", body.get("total")),
        "currency": body.get("currency"),
        "payment_token": body.get("payment", {}).get("token"),
        "region": (shipping or {}).get("region"),
        "shipping": shipping,
    }


def fingerprint(fields: dict[str, Any]) -> str:
    """The same for bodies that mean the same, however they are spaced, ordered or spelled in JSON."""
    plain = fields | {
        "customer": asdict(fields["customer"]),
        "lines": [asdict(one) for one in fields["lines"]],
    }
    return digest(plain)


def digest(plain: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=_canonical).encode()).hexdigest()


def _canonical(value: Any) -> str:
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def refused(faults: Faults) -> InvalidOrderError:
    problems = [FieldProblem(one["pointer"], one["detail"]) for one in faults.found]
    return InvalidOrderError("some fields of the body are not valid", problems)
