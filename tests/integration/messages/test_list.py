"""The operator's list on PostgreSQL: by type and time, page by page."""

import pytest

from chalicelib.domain.errors import InvalidQueryError
from chalicelib.services.messages.list_messages import ListMessages, list_messages
from chalicelib.services.messages.model import CRITICAL_ALERT, KINDS, NOTIFICATION, UNROUTED, Selection
from chalicelib.services.messages.process_messages import process_messages
from tests.integration.messages.conftest import Room
from tests.unit.messages.builders import NOW, received

TYPES = (NOTIFICATION, CRITICAL_ALERT, "gossip", None)


def stamp(number: int) -> str:
    return f"2026-11-20T12:{number // 2:02}:00.000Z"  # two messages in each minute


@pytest.fixture
def filled(room: Room) -> Room:
    batch = [received(n, TYPES[n % 4], Timestamp=stamp(n)) for n in range(20)]
    process_messages(room.consumer, batch)
    return room


def listed(room: Room, cursor: str | None = None, **selection: object) -> dict[str, object]:
    return list_messages(room.consumer.uow, ListMessages(Selection(**selection), cursor))  # type: ignore[arg-type]


def ids(page: dict[str, object]) -> list[str]:
    return [one["messageId"] for one in page["messages"]]  # type: ignore[attr-defined]


def test_all_types_are_listed_together_the_newest_first(filled: Room) -> None:
    page = listed(filled)
    assert ids(page) == [f"sns-{n:05}" for n in reversed(range(20))]
    assert page["nextCursor"] is None


@pytest.mark.parametrize("limit", [1, 3, 7, 20])
@pytest.mark.parametrize("kind", [None, *KINDS])
def test_pages_follow_each_other_without_gap_or_repetition(
    filled: Room, kind: str | None, limit: int
) -> None:
    whole = ids(listed(filled, kind=kind))
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = listed(filled, cursor, kind=kind, limit=limit)
        found += ids(page)
        cursor = page["nextCursor"]  # type: ignore[assignment]
        if cursor is None:
            break
    assert found == whole


def test_type_selects(filled: Room) -> None:
    page = listed(filled, kind=UNROUTED, limit=2)
    assert [(one["type"], one["declaredType"]) for one in page["messages"]] == [  # type: ignore[attr-defined]
        ("unrouted", None), ("unrouted", "gossip"),
    ]  # fmt: skip
    assert {one["type"] for one in listed(filled, kind=NOTIFICATION)["messages"]} == {NOTIFICATION}  # type: ignore[attr-defined]


def test_time_selects_from_and_before(filled: Room) -> None:
    page = listed(filled, since=NOW.replace(minute=3), until=NOW.replace(minute=5))
    assert ids(page) == [f"sns-{n:05}" for n in (9, 8, 7, 6)]


def test_message_that_comes_meanwhile_does_not_shift_the_next_page(filled: Room) -> None:
    first = listed(filled, limit=5)
    process_messages(filled.consumer, [received(50, Timestamp="2026-11-20T13:00:00Z")])
    second = listed(filled, first["nextCursor"], limit=5)  # type: ignore[arg-type]
    assert ids(first) + ids(second) == [f"sns-{n:05}" for n in reversed(range(10, 20))]


@pytest.mark.parametrize("cursor", ["x", "e30", "WyJhIiwiYiJd"])
def test_cursor_of_something_else_is_refused(filled: Room, cursor: str) -> None:
    with pytest.raises(InvalidQueryError):
        listed(filled, cursor)


def test_one_message_is_shown_as_it_was_published(room: Room) -> None:
    process_messages(room.consumer, [received(1, CRITICAL_ALERT, key="k")])
    shown = listed(room)["messages"][0]  # type: ignore[index]
    assert shown.pop("storedAt").endswith("Z")
    assert shown == {
        "messageId": "sns-00001", "type": CRITICAL_ALERT, "declaredType": CRITICAL_ALERT, "key": "k",
        "subject": "Subject 1", "body": "Text 1", "publishedAt": "2026-11-20T11:59:00.000000Z",
    }  # fmt: skip
