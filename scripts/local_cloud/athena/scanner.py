"""A reader for Athena's DDL (Hive's grammar): keywords, names, texts and balanced lists, in order."""

import re

from scripts.local_cloud.athena.errors import QueryError

_SPACE = re.compile(r"(\s+|--[^\n]*(\n|$)|/\*.*?\*/)*", re.DOTALL)
_NAME = re.compile(r"`((?:[^`]|``)+)`|\"((?:[^\"]|\"\")+)\"|([A-Za-z_][\w-]*)")
_TEXT = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")


class Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._skip()

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    @property
    def rest(self) -> str:
        return self.text[self.at :]

    @property
    def ended(self) -> bool:
        return self.at >= len(self.text)

    def fail(self, wanted: str) -> QueryError:
        line = self.text.count("\n", 0, self.at) + 1
        column = self.at - (self.text.rfind("\n", 0, self.at) + 1) + 1
        found = self.rest.split(None, 1)[0] if self.rest.split() else "<EOF>"
        return QueryError(
            "SYNTAX_ERROR", f"line {line}:{column}: mismatched input '{found}'. Expecting: {wanted}"
        )

    def took(self, *words: str) -> bool:
        """Whether the words come next, in any case; if so they are passed."""
        pattern = r"\s+".join(re.escape(word) for word in words) + r"(?![\w])"
        found = re.compile(pattern, re.IGNORECASE).match(self.text, self.at)
        if found:
            self.at = found.end()
            self._skip()
        return found is not None

    def expect(self, *words: str) -> None:
        if not self.took(*words):
            raise self.fail("'" + " ".join(words) + "'")

    def sign(self, sign: str) -> bool:
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            self._skip()
            return True
        return False

    def name(self) -> str:
        """A name without its quotes, in lower case."""
        found = _NAME.match(self.text, self.at)
        if not found:
            raise self.fail("<identifier>")
        self.at = found.end()
        self._skip()
        return next(group for group in found.groups() if group is not None).replace("``", "`").lower()

    def qualified(self, database: str) -> tuple[str, str]:
        """`[catalog.][database.]name` as (database, name)."""
        parts = [self.name()]
        while self.sign("."):
            parts.append(self.name())
        return (parts[-2] if len(parts) > 1 else database, parts[-1])

    def string(self) -> str:
        found = _TEXT.match(self.text, self.at)
        if not found:
            raise self.fail("<string>")
        self.at = found.end()
        self._skip()
        single, double = found.groups()
        return single.replace("''", "'") if single is not None else double.replace('""', '"')

    def bracketed(self) -> str:
        """The text inside the parentheses that come next."""
        if not self.text.startswith("(", self.at):
            raise self.fail("'('")
        end = _closing(self.text, self.at)
        if end is None:
            raise self.fail("')'")
        inner = self.text[self.at + 1 : end]
        self.at = end + 1
        self._skip()
        return inner

    def end(self) -> None:
        if not self.ended:
            raise self.fail("<EOF>")


def _closing(text: str, start: int) -> int | None:
    depth, quote = 0, ""
    for index in range(start, len(text)):
        char = text[index]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if not depth:
                return index
    return None


def split_list(text: str) -> list[str]:
    """The items of a list, split at commas outside brackets and quotes."""
    items, depth, quote, start = [], 0, "", 0
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char in "(<[":
            depth += 1
        elif char in ")>]":
            depth -= 1
        elif char == "," and not depth:
            items.append(text[start:index].strip())
            start = index + 1
    return [*items, text[start:].strip()] if text.strip() else []


def properties(text: str) -> dict[str, str]:
    """`('a'='b', c = 'd')` as a dict."""
    found = {}
    for item in split_list(text):
        scanner = Scanner(item)
        key = scanner.string() if item.startswith(("'", '"')) else scanner.name()
        if not scanner.sign("="):
            raise scanner.fail("'='")
        found[key] = scanner.rest.strip().strip("'") if not scanner.rest.startswith("'") else scanner.string()
    return found
