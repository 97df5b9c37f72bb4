"""Prices: the catalogue decides; a declared amount counts only where the stage allows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidOrderError
from chalicelib.domain.pricing import Wanted, price

CONSOLE, CONTROLLERS = Wanted("P-1003", 1, 39999), Wanted("P-1004", 2, 5000)
PRICES = st.integers(1, 10**7)
WANTED = st.lists(st.builds(Wanted, st.just("P"), st.integers(1, 1000), PRICES), min_size=1, max_size=100)


def test_the_catalogue_prices_the_lines() -> None:
    lines = price([CONSOLE, CONTROLLERS], 49999, allow_declared=False, currency="USD")
    assert [(line.number, line.unit_price, line.line_amount) for line in lines] == [
        (1, 39999, 39999), (2, 5000, 10000),
    ]  # fmt: skip


def test_every_price_that_disagrees_is_named() -> None:
    wrong = [
        Wanted("P-1", 1, 100, unit_price=99),
        Wanted("P-2", 1, None),
        Wanted("P-3", 1, 100, unit_price=100),
    ]
    with pytest.raises(InvalidOrderError) as refusal:
        price(wrong, 300, allow_declared=True, currency="USD")
    assert [problem.field for problem in refusal.value.fields] == ["/items/0/unitPrice", "/items/1/product"]


@given(WANTED, st.integers(1, 10**9))
def test_a_declared_amount_is_spent_to_the_last_unit(wanted: list[Wanted], amount: int) -> None:
    lines = price(wanted, amount, allow_declared=True, currency="USD")
    assert sum(line.line_amount for line in lines) == amount
    assert [line.quantity for line in lines] == [line.quantity for line in wanted]


@given(WANTED)
def test_without_an_amount_the_catalogue_is_the_total(wanted: list[Wanted]) -> None:
    lines = price(wanted, None, allow_declared=True, currency="USD")
    assert [line.line_amount for line in lines] == [(x.list_price or 0) * x.quantity for x in wanted]


@given(WANTED, st.integers(1, 10**9))
def test_where_no_amount_may_be_declared_it_must_agree(wanted: list[Wanted], amount: int) -> None:
    total = sum((line.list_price or 0) * line.quantity for line in wanted)
    if amount == total:
        amount += 1
    with pytest.raises(InvalidOrderError):
        price(wanted, amount, allow_declared=False, currency="USD")
