"""A run's options: how much may be rejected, and how long superseded silver is kept."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from etl.errors import InputError

_YEARS = 24 * 3660  # hours of ten years


def usable_options(found: object) -> Mapping[str, Any]:
    """The options of a manifest, each of which may be left out. InputError for what cannot be meant."""
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise InputError(f"options {found!r} are no object")
    for name, (fits, meant) in _OPTIONS.items():
        if name in found and not fits(found[name]):
            raise InputError(f"option {name} is {found[name]!r}, not {meant}")
    return found


def _number(value: Any, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


_OPTIONS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "max_quarantined_share": (lambda value: _number(value, 1), "a number from 0 to 1"),
    "min_rows_for_threshold": (
        lambda value: _number(value, math.inf) and value == value // 1,
        "a whole number from 0",
    ),
    "sweep_after_hours": (lambda value: _number(value, _YEARS), f"a number of hours up to {_YEARS}"),
}
