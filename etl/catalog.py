"""The Data Catalog behind one protocol: partitions are registered by the run itself, the crawler confirms."""

from collections.abc import Sequence
from typing import Protocol

from etl.state import LakeState
from etl.storage import Storage


class Catalog(Protocol):
    def sync(self, storage: Storage, state: LakeState, dates: Sequence[str]) -> None:
        """Make the catalog's partitions those of the state; a second call changes nothing."""


class NoCatalog:
    """A lake in a directory needs none."""

    def sync(self, storage: Storage, state: LakeState, dates: Sequence[str]) -> None:
        return None
