"""Writes docs/events.md from the events' code, and holds the code to the contract that was published.

`python -m scripts.event_catalogue` writes, `--check` fails on drift or on an incompatible change.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chalicelib.domain import events
from chalicelib.domain.events import EventType

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "events.md"
CONTRACT = ROOT / "tests" / "fixtures" / "events" / "contract.json"

Kinds = Mapping[str, str]  # field → kind
Contract = dict[str, dict[str, dict[str, str]]]  # event → version → Kinds

ENVELOPE = {
    "id": ("string", "unique; the same event may arrive more than once"),
    "source": ("string", f"`{events.SOURCE}`"),
    "type": ("string", "the event's name, also the detail-type on the bus"),
    "version": ("integer", "of the event's data"),
    "time": ("date-time", "when it happened"),
    "correlationId": (
        "string",
        "of the request that began it all; a foreign order that brings none has its own id",
    ),
    "causationId": (
        "string or null",
        "the request (its correlation id) or the order's event that led to it",
    ),
    "orderId": ("string", "the order"),
    "sequence": ("integer", "counts from 1 within the order"),
    "data": ("object", "see below"),
}
_PATTERNS = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"),
    "decimal": re.compile(r"-?\d+(\.\d+)?"),
}


def kind_of(description: str) -> str:
    """The JSON kind that a field's description in the code promises."""
    if description.startswith("list of {"):
        return "list of " + re.sub(r"\}.*", "}", description.removeprefix("list of "))
    for start, kind in (
        ("list of", "list of string"), ("integer", "integer"), ("true if", "boolean"),
        ("RFC 3339", "date-time"), ("decimal", "decimal"), ("string or null", "string or null"),
    ):  # fmt: skip
        if description.startswith(start):
            return kind
    return "string"


def kinds_of(event: EventType) -> dict[str, str]:
    return {field: kind_of(description) for field, description in event.data.items()}


def problems(envelope: Mapping[str, Any]) -> list[str]:
    """How an envelope differs from the catalogue: missing, unknown and wrong fields."""
    event = events.CATALOGUE.get(str(envelope.get("type")))
    if event is None:
        return [f"unknown type {envelope.get('type')!r}"]
    frame = _differences({field: kind for field, (kind, _) in ENVELOPE.items()}, envelope)
    data = envelope.get("data")
    return [*frame, *(_differences(kinds_of(event), data) if isinstance(data, Mapping) else [])]


def _differences(kinds: Kinds, values: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{field} is missing" for field in kinds if field not in values)
    yield from (f"{field} is not in the catalogue" for field in values if field not in kinds)
    for field in kinds.keys() & values.keys():
        if not _is(kinds[field], values[field]):
            yield f"{field} is {values[field]!r}, not {kinds[field]}"


def _is(kind: str, value: Any) -> bool:
    if kind.startswith("list of {"):
        keys = set(re.findall(r"\w+", kind.removeprefix("list of ")))
        return isinstance(value, list) and all(
            isinstance(item, Mapping) and set(item) == keys for item in value
        )
    if kind == "list of string":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind in _PATTERNS:
        return isinstance(value, str) and _PATTERNS[kind].fullmatch(value) is not None
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "string or null":
        return value is None or isinstance(value, str)
    return isinstance(value, {"boolean": bool, "object": Mapping}.get(kind, str))


def breaches(published: Contract, catalogue: Mapping[str, EventType] = events.CATALOGUE) -> list[str]:
    """What consumers of the published contract could no longer read; fields may come, versions may break."""
    found: list[str] = []
    for name, versions in published.items():
        event = catalogue.get(name)
        if event is None:
            found.append(f"{name}: is gone")
            continue
        latest = max(map(int, versions))
        if event.version < latest:
            found.append(f"{name}: version {event.version} is below the published {latest}")
        now = kinds_of(event)
        for field, kind in versions.get(str(event.version), {}).items():
            if field not in now:
                found.append(f"{name}: {field} is gone without a new version")
            elif now[field] != kind:
                found.append(f"{name}: {field} was {kind} and is {now[field]} without a new version")
    return found


def published() -> Contract:
    contract: Contract = json.loads(CONTRACT.read_text()) if CONTRACT.exists() else {}
    return contract


def extended(contract: Contract) -> Contract:
    """The contract with what is new in the code; what was published stays as it was."""
    grown = {name: dict(versions) for name, versions in contract.items()}
    for event in events.CATALOGUE.values():
        versions = grown.setdefault(event.name, {})
        versions[str(event.version)] = {**kinds_of(event), **versions.get(str(event.version), {})}
    return grown


def page() -> str:
    lines = [
        "# Events",
        "",
        "Generated from `orders_app/chalicelib/domain/events.py` by `python -m scripts.event_catalogue`;",
        "drift fails a test.",
        "",
        "Every event goes out once it has happened, through the outbox, to the bus `order-event-bus` and",
        "from there to the topic `order-events`. Delivery is at least once and in no order: remember `id`,",
        "compare `sequence`. Within a version fields are only added. Amounts are decimal strings, times are",
        "RFC 3339 in UTC. Nothing here names a person: customers are ids.",
        "",
        "## Envelope",
        "",
        "| field | kind | meaning |",
        "|---|---|---|",
        *(f"| `{field}` | {kind} | {meaning} |" for field, (kind, meaning) in ENVELOPE.items()),
    ]
    for event in events.CATALOGUE.values():
        lines += ["", f"## {event.name} (version {event.version})", "", event.when]
        lines += [f"The order is `{event.status}` then."] if event.status else []
        if event.data:
            lines += ["", "| field of `data` | kind | meaning |", "|---|---|---|"]
            lines += [_row(field, text) for field, text in event.data.items()]
    return "\n".join(lines) + "\n"


def _row(field: str, description: str) -> str:
    kind = kind_of(description)
    meaning = description.partition("; ")[2] if kind.startswith("list of {") else description
    return f"| `{field}` | {kind} | {'' if meaning == kind else meaning} |"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.event_catalogue", description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(argv)
    found = breaches(published())
    wanted = {PAGE: page(), CONTRACT: json.dumps(extended(published()), indent=2) + "\n"}
    if options.check:
        found += [f"{file.relative_to(ROOT)}: is not what the code says" for file, text in wanted.items()
                  if not file.exists() or file.read_text() != text]  # fmt: skip
    elif not found:
        for file, text in wanted.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    print("\n".join(found) or "events: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
