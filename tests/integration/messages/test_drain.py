"""Draining on PostgreSQL: until all that is waited for is stored, by whomever, and never without end."""

from datetime import timedelta

import pytest

from chalicelib.domain.errors import DatabaseUnavailableError
from chalicelib.services.messages.drain_messages import ROUNDS, SECONDS, Drainer, DrainTask, drain_messages
from chalicelib.services.messages.model import NOTIFICATION, QUEUES, Received, Wanted
from chalicelib.services.messages.process_messages import process_messages
from tests.integration.messages.conftest import Room
from tests.unit.messages.builders import (
    NOW,
    POISON,
    Clock,
    FakeQueues,
    received,
    refused_by_the_database,
)


class Draining:
    """A drainer and the queue that it drains."""

    def __init__(self, room: Room, *waiting: Received) -> None:
        self.room = room
        self.clock = Clock()
        self.queues = FakeQueues(self.clock, waiting)
        self.drainer = Drainer(
            room.consumer, self.queues, self.clock, Drainer.names(lambda name: f"{name}-x")
        )

    def drain(self, *numbers: int, wait: float = 600) -> dict[str, object]:
        wanted = tuple(Wanted(f"sns-{n:05}", f"k-{n}") for n in numbers)
        return drain_messages(self.drainer, DrainTask(NOTIFICATION, wanted, NOW + timedelta(seconds=wait)))


def test_queue_is_drained_until_all_that_is_waited_for_is_stored(room: Room) -> None:
    draining = Draining(room, *(received(n) for n in range(25)))
    answer = draining.drain(*range(25))
    assert answer == {"outcome": "stored", "type": NOTIFICATION, "wanted": 25, "drained": 25, "missing": []}
    assert draining.queues.taken == [], "what is stored is deleted"
    assert set(draining.queues.asked) == {"notifications-x"}


def test_messages_of_others_are_stored_on_the_way_and_the_rest_is_left(room: Room) -> None:
    draining = Draining(room, *(received(n) for n in range(30)))
    assert draining.drain(12)["outcome"] == "stored"
    assert len(room.ids("notifications")) == 20
    assert len(draining.queues.waiting) == 10


def test_messages_that_another_consumer_stored_count(room: Room) -> None:
    process_messages(room.consumer, [received(n) for n in range(5)])
    draining = Draining(room)
    assert draining.drain(*range(5))["outcome"] == "stored"
    assert draining.queues.asked == [], "nothing is asked of the queue"


def test_another_consumer_that_stores_while_we_wait_is_noticed(room: Room) -> None:
    draining = Draining(room)

    class Stolen(FakeQueues):
        """The mapping gets them: we see an empty queue, and it stores after our third look."""

        def receive(self, queue: str, limit: int, wait_seconds: int) -> list[Received]:
            got = super().receive(queue, limit, wait_seconds)
            if len(self.asked) == 3:
                process_messages(room.consumer, [received(1), received(2)])
            return got

    queues = Stolen(draining.clock)
    drainer = Drainer(room.consumer, queues, draining.clock, QUEUES)
    wanted = (Wanted("sns-00001", "a"), Wanted("sns-00002", "b"))
    answer = drain_messages(drainer, DrainTask(NOTIFICATION, wanted, NOW + timedelta(minutes=10)))
    assert (answer["outcome"], answer["drained"], len(queues.asked)) == ("stored", 0, 3)


def test_copy_with_the_same_key_counts_as_the_message(room: Room) -> None:
    """The first try to publish died after it had published: its copy is stored, ours is not needed."""
    process_messages(room.consumer, [received(77, key="k-1")])
    assert Draining(room, received(1, key="k-1")).drain(1)["outcome"] == "stored"


def test_what_does_not_come_is_pending_after_a_bounded_time(room: Room) -> None:
    draining = Draining(room)
    answer = draining.drain(1, 2)
    assert (answer["outcome"], answer["missing"]) == ("pending", ["sns-00001", "sns-00002"])
    assert (draining.clock.now - NOW).total_seconds() <= SECONDS + 1
    assert len(draining.queues.asked) <= ROUNDS


def test_flood_of_other_messages_does_not_hold_it_for_ever(room: Room) -> None:
    draining = Draining(room, *(received(n) for n in range(ROUNDS * 10 + 50)))
    assert draining.drain(99_999)["outcome"] == "pending"
    assert len(draining.queues.asked) == ROUNDS


def test_what_is_not_there_at_the_deadline_is_missing(room: Room) -> None:
    draining = Draining(room, received(1))
    answer = draining.drain(1, 2, wait=3)
    assert (answer["outcome"], answer["missing"]) == ("missing", ["sns-00002"])
    assert (draining.clock.now - NOW).total_seconds() < 5


def test_poison_stays_in_the_queue_and_its_neighbours_are_stored(room: Room) -> None:
    poison = refused_by_the_database(3)
    draining = Draining(room, received(1), POISON, received(2), poison)
    answer = draining.drain(1, 2, 3, wait=2)
    assert (answer["outcome"], answer["missing"]) == ("missing", ["sns-00003"])
    assert draining.queues.taken == [POISON, poison], "neither is deleted: the queue counts their receives"


def test_drain_that_died_before_it_deleted_is_done_again_without_harm(room: Room) -> None:
    draining = Draining(room, received(1), received(2))
    draining.queues.deletes = False
    with pytest.raises(ConnectionError):
        draining.drain(1, 2)
    draining.queues.deletes = True
    draining.queues.come_back()
    process_messages(room.consumer, draining.queues.receive("notifications-x", 10, 0))
    assert draining.drain(1, 2)["outcome"] == "stored"
    assert room.ids("notifications") == ["sns-00001", "sns-00002"]


def test_nothing_to_wait_for_is_stored_at_once(room: Room) -> None:
    draining = Draining(room, received(1))
    assert draining.drain()["outcome"] == "stored"
    assert draining.queues.asked == []


def test_without_a_database_the_task_fails_as_one_that_may_pass(room: Room) -> None:
    draining = Draining(room, received(1))
    room.connections._url = lambda: "postgresql://nobody@127.0.0.1:1/none"
    room.connections.close()
    with pytest.raises(DatabaseUnavailableError):
        draining.drain(1)
