"""The goals of the ETL as data: what may be how much slower or must be how much faster than what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """At `rows`, the wall of `name` is at most `most` times that of `than`."""

    rows: int
    name: str
    than: str
    most: float

    def said(self) -> str:
        if self.most < 1:
            return f"{self.name} at least {1 / self.most:g} times faster than {self.than}"
        return f"{self.name} within {self.most:g} times of {self.than}"


GOALS = (
    Goal(1_000_000, "duckdb", "seed", 1 / 20),
    Goal(1_000_000, "duckdb", "plain_duckdb", 2.5),
    Goal(1_000_000, "spark_cold", "seed", 1 / 2),
    Goal(1_000_000, "spark_warm", "seed", 1 / 5),
    Goal(10_000_000, "spark_cold", "duckdb", 10),
)


def judged(rows: int, walls: Mapping[str, float]) -> Iterator[str]:
    """A line for each goal of this size of which both sides were measured."""
    for goal in GOALS:
        if goal.rows == rows and {goal.name, goal.than} <= walls.keys():
            ratio = walls[goal.name] / walls[goal.than]
            found = f"{1 / ratio:.1f} times faster" if goal.most < 1 else f"{ratio:.1f} times"
            yield f"goal {'met' if ratio <= goal.most else 'NOT MET'}: {goal.said()} (measured: {found})"
