"""Version 4 UUIDs of random bytes that are fetched for many at once.

An order takes some sixty in the engine. Each would be a system call, and for that a thread lets go of the
interpreter and has to queue for it again, which costs more than the rest of making one.
"""

import os
import threading
import uuid

_SIZE = 16


class Uuids:
    """Called from any thread; no bytes are used twice."""

    def __init__(self, fetched: int = 256) -> None:
        self._fetched = fetched
        self._bytes = b""
        self._guard = threading.Lock()

    def __call__(self) -> uuid.UUID:
        with self._guard:
            if not self._bytes:
                self._bytes = os.urandom(_SIZE * self._fetched)
            drawn, self._bytes = self._bytes[:_SIZE], self._bytes[_SIZE:]
        return uuid.UUID(bytes=drawn, version=4)


def install() -> None:
    """For whoever asks the module `uuid` from now on."""
    uuid.uuid4 = Uuids()
