"""Money as integer minor units; decimal strings only at the edges."""

from collections.abc import Sequence
from decimal import Decimal

# ISO 4217 minor-unit digits.
DIGITS = {
    "AUD": 2, "BHD": 3, "CAD": 2, "CHF": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HUF": 2,
    "INR": 2, "JPY": 0, "KRW": 0, "KWD": 3, "MXN": 2, "NOK": 2, "NZD": 2, "PLN": 2, "SEK": 2,
    "SGD": 2, "TND": 3, "USD": 2, "ZAR": 2,
}  # fmt: skip
# What a stage may settle in: the lake's tables have two digits after the point.
SETTLED = {currency: digits for currency, digits in DIGITS.items() if digits <= 2}
LARGEST_AMOUNT = 10**12  # minor units; far above any order, far below a bigint's end


def to_minor(amount: Decimal | int | str, currency: str) -> int:
    """`Decimal("499.99"), "USD"` → 49999. Raises ValueError on a fraction of a minor unit or no number."""
    try:
        scaled = Decimal(amount).scaleb(DIGITS[currency])
    except ArithmeticError as error:  # InvalidOperation, or Overflow of a huge exponent
        raise ValueError(f"{amount!r} is not an amount") from error
    if not scaled.is_finite():
        raise ValueError(f"{str(amount)!r} is not an amount")
    if abs(scaled) > LARGEST_AMOUNT:
        raise ValueError("is too large")
    if scaled != scaled.to_integral_value():
        raise ValueError(f"has more than {DIGITS[currency]} decimal places")
    return int(scaled)


def to_text(minor: int, currency: str) -> str:
    """49999, "USD" → "499.99", with exactly the currency's digits."""
    digits = DIGITS[currency]
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` in proportion to `weights` (equally if all are 0); the first part gets the remainder."""
    if not weights:
        raise ValueError("nothing to allocate to")
    shares = list(weights) if any(weights) else [1] * len(weights)
    parts = [total * share // sum(shares) for share in shares]
    parts[0] += total - sum(parts)
    return parts
