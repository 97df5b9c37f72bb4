"""Brings the catalogue to what an operator's file says; units that orders hold are never given away."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain import money
from chalicelib.domain.errors import FieldProblem, InvalidQueryError
from chalicelib.services.ports import Product, UnitOfWorkFactory

MOST_UNITS = 10**9
MOST_SHOWN = 20


@dataclass(frozen=True)
class Row:
    """A product as the file has it; `stock` is None where the file says nothing of it."""

    line: int
    id: str
    name: str
    price: int
    stock: int | None
    retired: bool


@dataclass(frozen=True)
class Change:
    """A product before and after; `units` are those to be added to what is available."""

    after: Product
    before: Product | None = None
    units: int = 0


def manage_catalogue(
    uow: UnitOfWorkFactory, settings: Settings, request: Mapping[str, Any]
) -> dict[str, Any]:
    """{"products": [{"line", "id", "name", "price", "stock", "retired"}], "setStock", "retireOthers",
    "apply"}: texts, as in the file, and a line number. Answers {"changes": a line each}.

    Raises InvalidQueryError with every problem of the file.
    """
    rows = _rows(request.get("products"), settings.currency)
    apply = request.get("apply") is True
    with uow() as tx:
        known = tx.stock.catalogue(lock=apply)
        changes = list(_changes(rows, known, set_stock=request.get("setStock") is True))
        if request.get("retireOthers") is True:
            named = {row.id for row in rows}
            changes += [
                Change(replace(product, orderable=False), product)
                for product, _ in known
                if product.orderable and product.id not in named
            ]
        for change in changes if apply else ():
            tx.stock.put(change.after, change.units)
    reserved = {product.id: units for product, units in known}
    return {"changes": [_said(one, reserved.get(one.after.id, 0), settings.currency) for one in changes]}


def _rows(given: Any, currency: str) -> list[Row]:
    if not isinstance(given, list) or not given:
        raise _refused(["the file names no product"])
    problems: list[str] = []
    rows = [row for one in given if (row := _row(one, currency, problems))]
    seen: set[tuple[str, str]] = set()
    for row in rows:
        both = {("id", row.id), ("name", row.name.lower())}
        problems += [f"line {row.line}: its {what} stands on an earlier line" for what, _ in both & seen]
        seen |= both
    if problems:
        raise _refused(problems)
    return rows


def _row(given: Mapping[str, str], currency: str, problems: list[str]) -> Row | None:
    """One product; None after its problems are noted."""
    before, line = len(problems), int(given["line"])

    def wrong(problem: str) -> None:
        problems.append(f"line {line}: {problem}")

    id, name, stock = (given[key].strip() for key in ("id", "name", "stock"))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", id):
        wrong(f"id {id!r} is not 1 to 64 letters, digits and . _ -")
    if not 1 <= len(name) <= 200 or not name.isprintable():
        wrong(f"name {name!r} is not 1 to 200 visible characters")
    price = 0
    try:
        price = money.to_minor(given["price"].strip(), currency)
    except ValueError as error:
        wrong(f"price {given['price']!r} in {currency}: {error}")
    if price < 0:
        wrong(f"price {given['price']!r} is below zero")
    if stock and not (re.fullmatch(r"[0-9]{1,10}", stock) and int(stock) <= MOST_UNITS):
        wrong(f"stock {stock!r} is not a whole number from 0 to {MOST_UNITS}")
    retired = given["retired"].strip().lower()
    if retired not in ("", "no", "yes"):
        wrong(f"retired is {retired!r}, not yes, no or empty")
    if len(problems) > before:
        return None
    return Row(line, id, name, price, int(stock) if stock else None, retired == "yes")


def _changes(
    rows: Sequence[Row], known: Sequence[tuple[Product, int]], *, set_stock: bool
) -> Iterator[Change]:
    """What differs; a stock that is there is touched only with `set_stock`, and never below what is held."""
    by_id = {product.id: (product, reserved) for product, reserved in known}
    owners = {product.name.lower(): product.id for product, _ in known}
    problems = [
        f"line {row.line}: the name {row.name!r} is that of {owner}"
        for row in rows
        if (owner := owners.get(row.name.lower(), row.id)) != row.id
    ]
    found = []
    for row in rows:
        if row.id not in by_id:
            new = Product(row.id, row.name, row.price, stocked=True, orderable=not row.retired)
            found.append(Change(new, units=row.stock or 0))
            continue
        product, reserved = by_id[row.id]
        units = 0 if row.stock is None or not set_stock else row.stock - reserved - product.available
        if units and not product.stocked:
            problems.append(f"line {row.line}: {row.id} is sold without counting, it has no stock")
        elif product.available + units < 0:
            problems.append(f"line {row.line}: orders hold {reserved} of {row.id}, more than {row.stock}")
        after = replace(product, name=row.name, price=row.price, orderable=not row.retired)
        if units or after != product:
            found.append(Change(after, product, units))
    if problems:
        raise _refused(problems)
    yield from found


def _said(change: Change, reserved: int, currency: str) -> str:
    """`change P-1001 Widget: price 74.99 EUR to 79.00 EUR; stock 98 (3 of it held) to 500`."""
    after, before = change.after, change.before
    price = _price(after, currency)
    if before is None:
        more = "" if after.orderable else ", retired"
        return f"add    {after.id} {after.name}: {price}, stock {change.units}{more}"
    said = []
    if after.name != before.name:
        said.append(f"name {before.name!r} to {after.name!r}")
    if after.price != before.price:
        said.append(f"price {_price(before, currency)} to {price}")
    if change.units:
        stock = before.available + reserved
        said.append(f"stock {stock} ({reserved} of it held) to {stock + change.units}")
    if after.orderable != before.orderable:
        said.append("offered again" if after.orderable else "retired")
    return f"change {after.id} {before.name}: {'; '.join(said)}"


def _price(product: Product, currency: str) -> str:
    return "none" if product.price is None else f"{money.to_text(product.price, currency)} {currency}"


def _refused(problems: Sequence[str]) -> InvalidQueryError:
    shown = list(problems[:MOST_SHOWN])
    if len(problems) > MOST_SHOWN:
        shown.append(f"and {len(problems) - MOST_SHOWN} more")
    fields = [FieldProblem("parameter:products", problem) for problem in problems]
    return InvalidQueryError("; ".join(shown), fields)
