"""What strings may hold: no control characters, no lone surrogates, and a few named forms."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.commands import REFERENCE, REFERENCE_WORDS, TOKEN
from chalicelib.domain.visible import is_visible

DECIMAL = r"^[0-9]{1,12}(\.[0-9]{1,4})?$"


@dataclass(frozen=True)
class Form:
    """A named form of strings: its pattern, its words, its JSON Schema keywords."""

    pattern: re.Pattern[str]
    words: str
    keywords: dict[str, Any]


def _form(pattern: str, words: str, **keywords: Any) -> Form:
    return Form(re.compile(pattern), words, {"pattern": f"^{pattern}$"} | keywords)


FORMS: dict[str, Form] = {
    # One @, a dotted host, no spaces: what a mail server may still refuse is its own affair.
    "email": _form(
        r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}",
        "must be an e-mail address",
    ),
    "phone": _form(r"\+[1-9][0-9]{6,14}", "must be a phone number in E.164 form, as +4915112345678"),
    "currency": _form(r"[A-Z]{3}", "must be a currency code of three capitals (ISO 4217)"),
    "token": _form(TOKEN, "must be visible ASCII without spaces"),
    "country": _form(r"[A-Z]{2}", "must be a country code of two capitals (ISO 3166-1)"),
    "order": _form(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "must be an order id, as ORD-…"),
    "reason": _form(r"[a-z][a-z0-9_]*", "must be a code of lower-case letters, digits and _"),
    # No @ and no phone number: the id goes into every event and into the lake.
    "reference": _form(REFERENCE, f"must be {REFERENCE_WORDS}"),
}
_FORBIDDEN = {"Cc", "Cs", "Zl", "Zp"}


def fault(value: str, longest: int, form: str | None = None) -> str | None:
    """Why the string is refused, in words for the client, or None."""
    if len(value) > longest:
        return f"must have at most {longest} characters"
    if any(unicodedata.category(char) in _FORBIDDEN for char in value):
        return "must not hold control characters or unpaired surrogates"
    if not is_visible(value):
        return "must not be empty"
    if form is not None and not FORMS[form].pattern.fullmatch(value.strip()):
        return FORMS[form].words
    return None


def is_decimal(value: str) -> bool:
    """Whether the string is a plain decimal: digits, one point, no sign, no exponent."""
    return re.fullmatch(DECIMAL, value, re.ASCII) is not None
