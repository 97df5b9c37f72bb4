"""What an order's lines cost: the catalogue is the authority; a declared amount counts where allowed."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain import money
from chalicelib.domain.errors import FieldProblem, InvalidOrderError
from chalicelib.domain.order import Line


@dataclass(frozen=True)
class Wanted:
    """One requested line with what the catalogue says of it; prices in minor units, None: not given."""

    product_id: str
    quantity: int
    list_price: int | None
    unit_price: int | None = None


def price(wanted: Sequence[Wanted], amount: int | None, *, allow_declared: bool, currency: str) -> list[Line]:
    """The priced lines, in order. Raises InvalidOrderError naming every field that disagrees.

    With `allow_declared` an order that gives an amount and no unit price may differ from the catalogue: its
    amount is allocated to the lines in proportion to their list value, the remainder to the first.
    """
    declared_only = amount is not None and all(line.unit_price is None for line in wanted)
    listed = [line.list_price * line.quantity if line.list_price is not None else None for line in wanted]
    known = [value for value in listed if value is not None]
    complete = len(known) == len(listed)
    if declared_only and amount is not None and allow_declared and not (complete and sum(known) == amount):
        parts = money.allocate(amount, [value or 0 for value in listed] if complete else [0] * len(listed))
        return [
            Line(number, line.product_id, line.quantity, part // line.quantity, part)
            for number, (line, part) in enumerate(zip(wanted, parts, strict=True), start=1)
        ]
    problems = _disagreements(wanted, currency)
    if complete and amount is not None and amount != sum(known):
        problems.append(FieldProblem("/amount", f"the catalogue says {money.to_text(sum(known), currency)}"))
    if problems:
        raise InvalidOrderError("the prices disagree with the catalogue", problems)
    return [
        Line(
            number,
            line.product_id,
            line.quantity,
            line.list_price or 0,
            (line.list_price or 0) * line.quantity,
        )
        for number, line in enumerate(wanted, start=1)
    ]


def _disagreements(wanted: Sequence[Wanted], currency: str) -> list[FieldProblem]:
    problems = []
    for index, line in enumerate(wanted):
        if line.list_price is None:
            problems.append(FieldProblem(f"/items/{index}/product", "has no list price"))
        elif line.unit_price is not None and line.unit_price != line.list_price:
            says = money.to_text(line.list_price, currency)
            problems.append(FieldProblem(f"/items/{index}/unitPrice", f"the catalogue says {says}"))
    return problems
