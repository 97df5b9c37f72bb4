"""Whether a text has anything to see in it: letters that are drawn as nothing do not count."""

import unicodedata

_SEEN = frozenset("LNPS")  # letters, numbers, punctuation, symbols; no marks alone, no spaces, no controls
# By category letters and a symbol, and yet blank: the Hangul fillers and the Braille pattern without dots.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def is_visible(text: str) -> bool:
    """https://www.unicode.org/reports/tr44/#General_Category_Values"""
    return any(unicodedata.category(one)[0] in _SEEN and one not in _BLANK for one in text)
