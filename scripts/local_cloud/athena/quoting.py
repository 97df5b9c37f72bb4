"""Names and values as SQL text."""

from collections.abc import Iterable


def name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def value(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def values(texts: Iterable[object]) -> str:
    return "[" + ", ".join(value(str(text)) for text in texts) + "]"
