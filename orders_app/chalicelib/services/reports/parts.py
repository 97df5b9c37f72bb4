"""Large intermediate data as JSON lines in S3: a state may hold 256 KB, a day of orders does not fit."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.services.reports.ports import Objects

LINES = 10_000


class PartWriter:
    """Lines into `<prefix>part-00000.jsonl` and on; a part ends only between groups of lines."""

    def __init__(self, objects: Objects, prefix: str, lines: int = LINES) -> None:
        self._objects, self._prefix, self._limit = objects, prefix, lines
        self._waiting: list[str] = []
        self.keys: list[str] = []

    def add(self, *group: Mapping[str, Any]) -> None:
        self._waiting += [json.dumps(line, separators=(",", ":"), ensure_ascii=False) for line in group]
        if len(self._waiting) >= self._limit:
            self.close()

    def close(self) -> list[str]:
        """Writes what is waiting and answers the keys of all parts."""
        if self._waiting:
            key = f"{self._prefix}part-{len(self.keys):05}.jsonl"
            put_text(self._objects, key, "\n".join(self._waiting) + "\n", "application/x-ndjson")
            self.keys.append(key)
            self._waiting = []
        return self.keys


class MissingObjectError(LookupError):
    """An object that an earlier step wrote is gone."""


def read_lines(objects: Objects, key: str) -> Iterator[dict[str, Any]]:
    for line in read(objects, key).decode().splitlines():
        yield json.loads(line)


def read_json(objects: Objects, key: str) -> Any:
    return json.loads(read(objects, key))


def read(objects: Objects, key: str) -> bytes:
    body = objects.get(key)
    if body is None:
        raise MissingObjectError(f"there is no object {key!r}")
    return body


def put_json(objects: Objects, key: str, value: Any) -> None:
    put_text(objects, key, json.dumps(value, indent=2, ensure_ascii=False) + "\n", "application/json")


def put_text(objects: Objects, key: str, text: str, content_type: str) -> None:
    objects.put(key, text.encode(), content_type)
