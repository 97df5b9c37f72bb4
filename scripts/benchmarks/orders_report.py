"""Prints figures side by side, and each goal with what was found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """One goal of the platform; `bound` is in the unit of the figure."""

    what: str
    found: float
    bound: float
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.found >= self.bound if self.at_least else self.found <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = "met" if self.met else "MISSED"
        return f"{self.what:58} {self.found:9.1f} {self.unit:10} {sign} {self.bound:<7g} {verdict}"


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def side_by_side(rows: Iterable[Sequence[str]]) -> None:
    """What, ours, the lesson's."""
    print(f"{'':46} {'this platform':>22} {'the lesson':>22}")
    for what, ours, theirs in rows:
        print(f"{what:46} {ours:>22} {theirs:>22}", flush=True)


def goals(found: Sequence[Goal]) -> bool:
    title("Goals")
    for one in found:
        print(one)
    return all(one.met for one in found)
