"""The lake's pointer: which object is each silver partition, and which gold is still to be recomputed.

One PUT of this file is the commit of a run: silver changes and the list of touched gold become true together.
A run that dies after it leaves that list, and the next run, whatever it reads, does it first.
The PUT is conditional: of two runs at a time the second finds the pointer changed and works again from there.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from etl.errors import InputError
from etl.storage import Storage

Figures = Sequence[Any]  # rows and revenue (as text) of one part of a gold table
KEY = "_state/current.json"


@dataclass(frozen=True)
class LakeState:
    run_id: str = ""
    commits: int = 0
    sales: Mapping[str, str] = field(default_factory=dict)  # by month
    one_line: bool = True  # no order in silver has a second line
    customers: str | None = None
    days: Mapping[str, Figures] = field(default_factory=dict)
    buckets: Mapping[str, Figures] = field(default_factory=dict)
    sales_rows: int | None = None  # of all silver; None where an earlier release kept no count
    sizes: Mapping[str, int] = field(default_factory=dict)  # bytes of each silver object
    pending_dates: Collection[str] = ()
    pending_buckets: Collection[str] = ()
    retired: Mapping[str, str] = field(default_factory=dict)  # superseded lately: key and time (ISO)

    def keys(self) -> set[str]:
        """Every object of silver that is in use."""
        return {*self.sales.values(), *([self.customers] if self.customers else ())}

    def owing(self, other: "LakeState") -> "LakeState":
        """The same state, with the other's pending gold too."""
        return replace(
            self,
            pending_dates=sorted({*self.pending_dates, *other.pending_dates}),
            pending_buckets=sorted({*self.pending_buckets, *other.pending_buckets}),
        )

    def settled(self) -> "LakeState":
        return replace(self, pending_dates=(), pending_buckets=())


_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("run_id",), (str,)),
    **dict.fromkeys(("commits", "one_line"), (int,)),
    **dict.fromkeys(("sales", "days", "buckets", "sizes", "retired"), (dict,)),
    **dict.fromkeys(("pending_dates", "pending_buckets"), (list,)),
    "customers": (str, type(None)),
    "sales_rows": (int, type(None)),
}


def load_state(storage: Storage) -> LakeState:
    return load_tagged(storage)[0]


def load_tagged(storage: Storage) -> tuple[LakeState, str | None]:
    """The state, and the tag that a save over it must expect."""
    body, tag = storage.read_tagged(KEY)
    return (_parsed(body, storage.url(KEY)) if body else LakeState()), tag


def _parsed(body: bytes, url: str) -> LakeState:
    """Raises InputError for what no release of ours wrote, and for what only a later one knows."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{url} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"{url} is not an object")
    wrong = sorted(name for name, value in found.items() if not isinstance(value, _TYPES.get(name, ())))
    if wrong:
        raise InputError(f"{url} is no state that this release can read: see {', '.join(wrong)}")
    return LakeState(**found)


def save_state(storage: Storage, state: LakeState, point: str, expected: str | None) -> str:
    """The tag of what was saved. Raises LakeBusyError where another run has saved meanwhile."""
    return storage.swap(KEY, json.dumps(asdict(state), sort_keys=True).encode(), point, expected)
