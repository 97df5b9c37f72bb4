"""Money: minor units inside, decimal text outside, nothing lost between."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import money

AMOUNTS = st.integers(0, money.LARGEST_AMOUNT)


@given(AMOUNTS, st.sampled_from(sorted(money.DIGITS)))
def test_an_amount_written_and_read_is_the_same(minor: int, currency: str) -> None:
    assert money.to_minor(money.to_text(minor, currency), currency) == minor


@given(AMOUNTS, st.lists(st.integers(0, 10**9), min_size=1, max_size=100))
def test_parts_add_up_and_the_first_has_the_remainder(total: int, weights: list[int]) -> None:
    parts = money.allocate(total, weights)
    assert sum(parts) == total
    assert min(parts) >= 0
    assert parts[0] >= total * weights[0] // max(sum(weights), 1)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("499.99", "USD", 49999), (Decimal("1E+2"), "USD", 10000), ("500", "JPY", 500),
        ("1.234", "KWD", 1234), (3, "EUR", 300),
    ],
)  # fmt: skip
def test_each_currency_has_its_digits(amount: Decimal | str | int, currency: str, minor: int) -> None:
    assert money.to_minor(amount, currency) == minor


@pytest.mark.parametrize("amount", ["1.001", "NaN", "Infinity", "many", "1e20", "-1e20", "9e999999"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        money.to_minor(amount, "USD")


def test_equal_weights_share_equally() -> None:
    assert money.allocate(100, [0, 0, 0]) == [34, 33, 33]
    with pytest.raises(ValueError, match="nothing to allocate"):
        money.allocate(1, [])


def test_text_has_exactly_the_currencys_digits() -> None:
    assert [money.to_text(5, code) for code in ("USD", "JPY", "KWD")] == ["0.05", "5", "0.005"]
