"""The engine's UUIDs: as random as the library's, from fewer system calls."""

import uuid
from concurrent.futures import ThreadPoolExecutor

from scripts.local_cloud.identifiers import Uuids


def test_every_uuid_is_of_version_4_and_given_once_whoever_asks() -> None:
    make = Uuids(fetched=3)

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: make(), range(1_000)))

    assert len(set(made)) == 1_000
    assert {(one.version, one.variant) for one in made} == {(4, uuid.RFC_4122)}
