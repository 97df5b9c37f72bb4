"""Reads an order that another sender wrote (no envelope, not our API) as a command."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from chalicelib.domain.commands import (
    ADMISSION_SUBJECT,
    REFERENCE,
    REFERENCE_WORDS,
    TOKEN,
    CustomerInput,
    LineInput,
    PlaceOrder,
    correlation_of,
)
from chalicelib.domain.errors import FieldProblem, InvalidOrderError
from chalicelib.domain.json_values import is_too_deep
from chalicelib.domain.visible import is_visible

MISCELLANEOUS = "Miscellaneous"
LONGEST_TEXT = 200
LONGEST_REFERENCE = 64
LONGEST_TOKEN = 100
TOKEN_WORDS = f"must be 1 to {LONGEST_TOKEN} visible ASCII characters without spaces"
_ORDER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def foreign_order(detail: Mapping[str, Any]) -> PlaceOrder:
    """The command of `{"orderId", "customer", "amount", "items": [{"product", "quantity"}]}`.

    It is paid with the token at `payment.token`, as in the API's body, or with `paymentToken`.
    Its id is its key. Without items the amount is for one unit of the product Miscellaneous.
    Raises InvalidOrderError naming every bad field.
    """
    problems: list[FieldProblem] = []
    if is_too_deep(detail):
        raise InvalidOrderError("the order cannot be admitted", [FieldProblem("/", "nests too deeply")])
    order_id = detail.get("orderId")
    if not isinstance(order_id, str) or not _ORDER_ID.fullmatch(order_id):
        problems.append(FieldProblem("/orderId", "must be 1 to 64 letters, digits, dots, dashes"))
    amount = _decimal(detail.get("amount"), "/amount", problems)
    customer = _customer(detail.get("customer"), problems)
    currency = detail.get("currency")
    if currency is not None and not _is_text(currency):
        problems.append(FieldProblem("/currency", "must be text"))
    token = _token(detail, problems)
    lines = _lines(detail.get("items"), amount, problems)
    if problems:
        raise InvalidOrderError("the order cannot be admitted", problems)
    canonical = json.dumps(dict(detail), sort_keys=True, default=str)
    return PlaceOrder(
        subject=ADMISSION_SUBJECT,
        customer=customer,
        lines=lines,
        correlation_id=correlation_of(detail) or str(order_id),
        idempotency_key=str(order_id),
        fingerprint=hashlib.sha256(canonical.encode()).hexdigest(),
        amount=amount,
        currency=currency,
        payment_token=token,
        order_id=str(order_id),
        admitted=True,
    )


def _token(detail: Mapping[str, Any], problems: list[FieldProblem]) -> str | None:
    """The one payment token of both places; whoever names two must mean the same."""
    payment = detail.get("payment")
    full = payment.get("token") if isinstance(payment, Mapping) else None
    if payment is not None and not _is_token(full):
        problems.append(FieldProblem("/payment/token", TOKEN_WORDS))
    short = detail.get("paymentToken")
    if short is not None and not _is_token(short):
        problems.append(FieldProblem("/paymentToken", TOKEN_WORDS))
    elif short is not None and payment is not None and short != full:
        problems.append(FieldProblem("/paymentToken", "disagrees with /payment/token"))
    return short if payment is None else full


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TOKEN and bool(re.fullmatch(TOKEN, value))


def _customer(value: Any, problems: list[FieldProblem]) -> CustomerInput:
    given = {"name": value} if isinstance(value, str) else value
    if not isinstance(given, Mapping) or not _is_text(given.get("name")):
        problems.append(FieldProblem("/customer", "must be a name"))
        return CustomerInput("?")
    id = given.get("id")
    if id is not None and not _is_reference(id):
        problems.append(FieldProblem("/customer/id", f"must be 1 to 64 {REFERENCE_WORDS}"))
        id = None
    texts = {field: given[field] for field in ("email", "phone") if _is_text(given.get(field))}
    return CustomerInput(given["name"].strip(), id, **texts)


def _is_reference(value: Any) -> bool:
    """As the API takes it: it goes into every event, so it must name nobody."""
    return isinstance(value, str) and len(value) <= LONGEST_REFERENCE and bool(re.fullmatch(REFERENCE, value))


def _lines(value: Any, amount: Decimal | None, problems: list[FieldProblem]) -> tuple[LineInput, ...]:
    if not value and amount is not None:
        return (LineInput(MISCELLANEOUS, 1),)
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        problems.append(FieldProblem("/items", "must be a list, or an amount must be given"))
        return ()
    return tuple(_line(index, item, problems) for index, item in enumerate(value))


def _line(index: int, item: Any, problems: list[FieldProblem]) -> LineInput:
    fields = item if isinstance(item, Mapping) else {}
    product, quantity = fields.get("product"), fields.get("quantity", 1)
    if not _is_text(product):
        problems.append(FieldProblem(f"/items/{index}/product", "must be a product's id or name"))
        product = MISCELLANEOUS
    if not isinstance(quantity, int) or isinstance(quantity, bool):
        problems.append(FieldProblem(f"/items/{index}/quantity", "must be an integer"))
        quantity = 1
    return LineInput(
        str(product), quantity, _decimal(fields.get("unitPrice"), f"/items/{index}/unitPrice", problems)
    )


def _is_text(value: Any) -> bool:
    """Something to read, short enough to keep, without control characters or lone surrogates."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not is_visible(value):
        return False
    return not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value)


def _decimal(value: Any, field: str, problems: list[FieldProblem]) -> Decimal | None:
    """A float is read by its shortest decimal form: 149.99 is 149.99, not its binary neighbour."""
    if value is None:
        return None
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        problems.append(FieldProblem(field, "must be a decimal number, not negative"))
        return None
    return amount
