"""The order: its table of transitions, and the events that number themselves."""

from datetime import UTC, datetime

import pytest

from chalicelib.domain import events
from chalicelib.domain.errors import IllegalTransitionError
from chalicelib.domain.order import FINAL, IN_FLIGHT, TRANSITIONS, Line, Order, Status

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def an_order(status: Status = Status.PLACED) -> Order:
    line = Line(1, "P-1001", 2, 7499, 14998)
    return Order(
        "ORD-1", "alice", "CUS-1", "USD", 14998, (line,), "corr", NOW, NOW, "tok_approve", status=status
    )


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("after", list(Status))
def test_only_what_the_table_allows_is_done(before: Status, after: Status) -> None:
    order = an_order(before)
    if after in TRANSITIONS[before]:
        order.move(after)
        assert order.status is after
    else:
        with pytest.raises(IllegalTransitionError):
            order.move(after)
        assert order.status is before


def test_every_status_can_be_reached_and_none_is_a_trap() -> None:
    reached, frontier = {Status.PLACED}, [Status.PLACED]
    while frontier:
        for status in TRANSITIONS[frontier.pop()] - reached:
            reached.add(status)
            frontier.append(status)
    assert reached == set(Status)
    assert {status for status in Status if not TRANSITIONS[status]} <= FINAL
    assert not IN_FLIGHT & FINAL


def test_what_is_captured_is_never_simply_cancelled() -> None:
    assert Status.CANCELLING not in TRANSITIONS[Status.CAPTURING]
    assert TRANSITIONS[Status.COMPLETED] == {Status.CANCELLING}


def test_events_are_numbered_from_one_without_a_gap() -> None:
    order = an_order()
    for number in range(3):
        order.record(events.RESUMED, {}, id=str(number), time=NOW)
    assert [event.sequence for event in order.pending] == [1, 2, 3]


def test_a_sale_tells_the_lake_all_it_needs_under_the_version_of_its_event() -> None:
    order = an_order()
    sale = order.sale()
    event = order.record(events.COMPLETED, sale, id="e", time=NOW)
    assert set(sale) == set(events.CATALOGUE[events.COMPLETED].data)
    assert sale["orderVersion"] == event.sequence
    assert sale["lines"] == [
        {"lineNumber": 1, "productId": "P-1001", "quantity": 2, "unitPrice": "74.99", "lineAmount": "149.98"}
    ]
