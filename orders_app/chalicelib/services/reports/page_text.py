"""Numbers and dates as people read them. Amounts come as decimal text and never become floats."""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from html import escape

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
NBSP = "\u00a0"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


def money_text(amount: str, currency: str) -> str:
    """`"1234.50", "USD"` → `$1,234.50`; a currency without a sign of its own is named."""
    number = Decimal(amount)
    sign = "−" if number < 0 else ""
    unit = SYMBOLS.get(currency, f"{currency}{NBSP}")
    return f"{sign}{unit}{abs(number):,}"


def short_money(amount: str | Decimal, currency: str) -> str:
    """For axes: `$1.2k`, `$350`."""
    number = Decimal(amount)
    unit = SYMBOLS.get(currency, "")
    for size, letter in ((Decimal(10**9), "bn"), (Decimal(10**6), "m"), (Decimal(10**3), "k")):
        if number >= size:
            digits = Decimal("0.1") if number < 100 * size else Decimal(1)
            text = (number / size).quantize(digits, ROUND_HALF_UP)
            return f"{unit}{f'{text:f}'.removesuffix('.0')}{letter}"
    return f"{unit}{number.quantize(Decimal(1), ROUND_HALF_UP):,}"


def count(number: int, one: str = "", many: str = "") -> str:
    """`1234` → `1,234`; with a noun `1 order`, `1,234 orders`."""
    noun = "" if not one else f" {one if number == 1 else many or one + 's'}"
    return f"{number:,}{noun}"


def percent(text: str) -> str:
    return f"{abs(Decimal(text)):,}{NBSP}%"


def change_in_words(change: str | None) -> str:
    """`"12.3"` → `up 12.3 % on`; to be followed by what it is compared with."""
    if change is None:
        return "nothing to compare with on"
    if Decimal(change) == 0:
        return "the same as on"
    return f"{'up' if Decimal(change) > 0 else 'down'} {percent(change)} on"


def long_date(text: str) -> str:
    """`2026-11-20` → `Friday, 20 November 2026`, in any locale."""
    day = date.fromisoformat(text)
    return f"{DAYS[day.weekday()]}, {day.day} {MONTHS[day.month - 1]} {day.year}"


def short_date(text: str) -> str:
    """`Fri 20 Nov`."""
    day = date.fromisoformat(text)
    return f"{DAYS[day.weekday()][:3]} {day.day} {MONTHS[day.month - 1][:3]}"


def tag(name: str, *inside: str, **attributes: object) -> str:
    """An element. `inside` is markup; attributes are escaped: `class_="x"`, `aria_label="…"`."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{given}>{''.join(inside)}</{name}>"


def table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of texts whose first column names the row and whose others are numbers."""
    head = "".join(tag("th", escape(one), scope="col") for one in heads)
    body = "".join(
        tag("tr", tag("th", escape(first), scope="row"), *(tag("td", escape(one)) for one in rest))
        for first, *rest in rows
    )
    inside = tag("caption", escape(caption)) + tag("thead", tag("tr", head)) + tag("tbody", body)
    return tag("div", tag("table", inside), class_="scroll", tabindex="0", role="region", aria_label=caption)
