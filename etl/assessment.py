"""What checked rows are like, asked by SQL: counts by file and reason, how many ids, and the profile."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from etl.engines.base import Assessed, Engine
from etl.schemas import Schema

Ask = Callable[[str], Sequence[tuple[Any, ...]]]


def assess(engine: Engine, schema: Schema, checked: str) -> Assessed:
    """As the engine knows it already, else by three queries."""
    ids = f"count(distinct {engine.fingerprint(schema.names[0])})"
    return engine.assessed(schema, checked) or ask_all(engine.rows, schema, checked, ids)


def ask_all(ask: Ask, schema: Schema, checked: str, ids: str, constants: Collection[str] = ()) -> Assessed:
    """`ids` is the SQL that counts different ids; `constants` are columns that are alike in all rows."""
    counts = ask(f"select source, failed, warned, count(*) from {checked} group by source, failed, warned")
    key = schema.names[0]
    lines = "coalesce(max(line_number), 1)" if "line_number" in schema.names else "1"
    [(records, different, highest)] = ask(f"select count({key}), {ids}, {lines} from {checked}")
    accepted = sum(count for _, failed, _, count in counts if not failed)
    profile = _profile(ask, schema, checked, constants) | _constants(ask, checked, constants, accepted)
    return Assessed(counts, records, different, highest, {name: profile[name] for name in schema.names})


def _profile(ask: Ask, schema: Schema, checked: str, constants: Collection[str]) -> dict[str, Any]:
    """Nulls, distinct values (estimated), smallest and largest of every column of the accepted rows."""
    names = [name for name in schema.names if name not in constants]
    parts = [
        f"count(*) - count({n}), approx_count_distinct({n}), "
        f"cast(min({n}) as string), cast(max({n}) as string)"
        for n in names
    ]
    [row] = ask(f"select {', '.join(parts)} from {checked} where failed is null")
    return {name: _told(*row[4 * i : 4 * i + 4]) for i, name in enumerate(names)}


def _constants(ask: Ask, checked: str, names: Collection[str], accepted: int) -> dict[str, Any]:
    """The same of columns that are alike in all rows: one row tells it."""
    if not names:
        return {}
    texts = ", ".join(f"cast({name} as string)" for name in names)
    found = ask(f"select {texts} from {checked} limit 1") if accepted else []
    values = found[0] if found else (None,) * len(names)
    return {
        name: _told(accepted if value is None else 0, int(value is not None), value, value)
        for name, value in zip(names, values, strict=True)
    }


def _told(nulls: int, distinct: int, smallest: str | None, largest: str | None) -> dict[str, Any]:
    return {"nulls": nulls, "distinct": distinct, "min": smallest, "max": largest}
