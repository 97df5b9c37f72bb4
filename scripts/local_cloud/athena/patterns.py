"""Java's regular expressions for RE2: what both read alike, and what must be refused.

https://trino.io/docs/current/functions/regexp.html
"""

import re
from dataclasses import dataclass

from sqlglot import exp

from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.nodes import fail, whole
from scripts.local_cloud.athena.quoting import value

# RE2 has no look-around, back references, possessive repeats and class intersections.
_REFUSED = re.compile(r"\(\?<?[=!]|\(\?>|\\[1-9kGRXZhHvV]|[*+?}]\+|&&|\[[^\]\\]*\[(?!:)")
# RE2's classes know ASCII only.
_ASCII_ONLY = re.compile(r"\\[wWdDsSbB]|\[:|\\p\{(Alpha|Digit|Alnum|Upper|Lower|Punct|Space)\}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A constant pattern."""

    text: str

    @property
    def sql(self) -> str:
        return value(self.text)

    def guarded(self, text: str, sql: str) -> str:
        """`sql`, but refused for texts that the two engines would read differently."""
        doubts = []
        if _ASCII_ONLY.search(self.text):
            doubts.append(f"strlen({text}) > length({text})")
        if re.search(r"(?<!\\)\$", re.sub(r"\\\\", "", self.text)):
            doubts.append(f"ends_with({text}, chr(10))")
        if not doubts:
            return sql
        refused = fail(
            "NOT_SUPPORTED", f"the local Athena does not support the pattern {self.text!r} on this text"
        )
        return f"CASE WHEN {' OR '.join(doubts)} THEN {refused} ELSE {sql} END"

    @property
    def _parsed(self) -> re.Pattern[str]:
        try:
            return re.compile(self.text)
        except re.error as error:
            raise not_supported(f"groups of the pattern {self.text!r}") from error

    def group(self, node: exp.Expr | None) -> int:
        """The number of a group that takes part in every match."""
        number = 0 if node is None else whole(node)
        if number is None:
            raise not_supported("regexp_extract of a group that is not a constant")
        if not number:
            return 0
        if not 0 < number <= self._parsed.groups:
            raise QueryError(
                "INVALID_FUNCTION_ARGUMENT",
                f"Pattern has {self._parsed.groups} groups. Cannot access group {number}",
            )
        self._require_always(number)
        return number

    def _require_always(self, number: int) -> None:
        """RE2 gives an empty text for a group that had no part in the match; Trino NULL."""
        from re import _parser  # type: ignore[attr-defined]

        if number not in _always(_parser.parse(self.text)):
            raise not_supported(
                f"regexp_extract of the group {number} of {self.text!r}, which may match nothing"
            )

    def replacement(self, node: exp.Expr | None) -> str:
        """`$1` and `${name}` as RE2's `\\1`."""
        if node is None:
            return "''"
        if isinstance(node, exp.Null):
            return "NULL"
        if not (isinstance(node, exp.Literal) and node.is_string):
            raise not_supported("regexp_replace with a replacement that is not a constant")
        return value("".join(self._parts(str(node.this))))

    def _parts(self, text: str) -> list[str]:
        found, at = [], 0
        while at < len(text):
            if text[at] == "\\" and at + 1 < len(text):
                found.append("\\\\" if text[at + 1] == "\\" else text[at + 1])
                at += 2
            elif text[at] == "$" and (name := re.match(r"\$(?:(\d)|\{([A-Za-z]\w*)\})", text[at:])):
                found.append(f"\\{self._number(name[1], name[2])}")
                at += name.end()
            elif text[at] in "$\\":
                raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Illegal replacement sequence: {text}")
            else:
                found.append(text[at])
                at += 1
        return found

    def _number(self, number: str | None, name: str | None) -> int:
        wanted = int(number) if number is not None else self._parsed.groupindex.get(str(name), -1)
        if wanted and not 0 < wanted <= self._parsed.groups:
            raise QueryError(
                "INVALID_FUNCTION_ARGUMENT", f"Illegal replacement sequence: unknown group {number or name}"
            )
        return wanted


def of(node: exp.Expr) -> Pattern:
    """The pattern of a constant, or a refusal."""
    if not (isinstance(node, exp.Literal) and node.is_string):
        raise not_supported("a regular expression that is not a constant")
    text = re.sub(r"\(\?<([A-Za-z]\w*)>", r"(?P<\1>", str(node.this))
    if _REFUSED.search(text):
        raise not_supported(f"the regular expression {node.this!r}")
    return Pattern(text)


def _always(parsed: object) -> set[int]:
    """The groups that take part in every match of a parsed pattern."""
    found: set[int] = set()
    for name, argument in parsed:  # type: ignore[attr-defined]
        kind = str(name)
        if kind == "SUBPATTERN":
            number, _, _, inner = argument
            found |= _always(inner) | ({number} if number else set())
        elif kind in {"MAX_REPEAT", "MIN_REPEAT"} and argument[0] > 0:
            found |= _always(argument[2])
    return found
