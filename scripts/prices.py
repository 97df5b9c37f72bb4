"""The one table of AWS's prices, `prices.json`: region and date of reading, unit and source of each."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


@functools.cache
def table() -> Mapping[str, Any]:
    """`region`, the date `read`, and `prices` by name with `usd`, `unit` and `source`."""
    found: Mapping[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())
    return found


def prices() -> dict[str, float]:
    """US dollars by name."""
    return {name: float(one["usd"]) for name, one in table()["prices"].items()}


def usd(name: str) -> float:
    return prices()[name]
