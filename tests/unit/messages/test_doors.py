"""The messaging doors through Chalice's own wrappers, and GET /messages in front of a fake service."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

os.environ.setdefault("STAGE", "local")

from chalice import Chalice
from chalice.test import Client, HTTPResponse

from chalicelib import messages_bootstrap
from chalicelib.config import Settings
from chalicelib.domain.commands import Principal
from chalicelib.domain.errors import DatabaseUnavailableError
from chalicelib.handlers import messages as doors
from chalicelib.handlers import middleware
from chalicelib.services.messages.list_messages import ListMessages
from chalicelib.services.messages.model import BadRequestError, Selection
from tests.unit.messages.builders import POISON, Clock, FakeAlerts, FakeQueues, FakeStore, FakeTopic, received


class Room:
    """The doors over fakes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
        self.store, self.topic, self.alerts = FakeStore(), FakeTopic(), FakeAlerts()
        self.queues = FakeQueues(Clock())
        built = messages_bootstrap.build(
            settings, uow=self.store, topic=self.topic, queues=self.queues, alerts=self.alerts
        )
        monkeypatch.setattr(doors, "messages", lambda: built)
        app = Chalice("orders")
        app.register_blueprint(doors.messages_doors)
        self.client = Client(app)

    def call(self, function: str, event: Any) -> Any:
        return self.client.lambda_.invoke(function, event).payload


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    return Room(monkeypatch, replace(Settings(), partial_batch_responses=True))


def batch(*messages: Any) -> dict[str, Any]:
    return {"Records": [{"messageId": one.message_id, "body": one.body} for one in messages]}


def test_batch_of_a_mapping_is_stored_and_answers_what_failed(room: Room) -> None:
    answer = room.call("process-messages", batch(received(1), POISON, received(2, "critical_alert")))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "sqs-poison"}]}
    assert set(room.store.rows) == {"sns-00001", "sns-00002"}


def test_where_no_partial_answer_is_agreed_the_whole_batch_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = Room(monkeypatch, Settings())
    with pytest.raises(Exception, match="1 messages were refused"):
        room.call("process-messages", batch(received(1), POISON))


def test_database_that_is_away_fails_the_whole_batch(room: Room) -> None:
    room.store.fault = DatabaseUnavailableError("cannot connect")
    with pytest.raises(DatabaseUnavailableError):
        room.call("process-messages", batch(received(1)))


def test_task_of_the_workflow_drains_the_queue_of_its_type(room: Room) -> None:
    room.queues.waiting = [received(1, "critical_alert")]
    wanted = [{"messageId": "sns-00001", "key": "k"}]
    task = {"type": "critical_alert", "wanted": wanted, "deadline": "2999-01-01T00:00:00Z"}
    answer = room.call("process-messages", task)
    assert (answer["outcome"], answer["drained"]) == ("stored", 1)
    assert room.queues.asked == ["critical-alerts-local"]


@pytest.mark.parametrize(
    "task",
    [
        {}, {"type": "notification"}, {"type": "gossip", "wanted": [], "deadline": "2999-01-01T00:00:00Z"},
        {"type": "notification", "wanted": ["a"], "deadline": "2999-01-01T00:00:00Z"},
        {"type": "notification", "wanted": [], "deadline": "2999-01-01T00:00:00"},
        {"type": "notification", "wanted": [], "deadline": "soon"},
    ],
)  # fmt: skip
def test_task_that_cannot_be_understood_is_refused(room: Room, task: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        room.call("process-messages", task)


def test_request_to_publish_reaches_the_topic(room: Room) -> None:
    answer = room.call("publish-messages", {"input": {"messages": [{"body": "a"}]}, "execution": "e:1"})
    assert answer["published"]["unrouted"] == [{"messageId": "sns-0", "key": "1/0"}]


def test_every_record_of_an_alert_is_routed(room: Room) -> None:
    event = room.client.events.generate_sns_event("first", "Subject")
    event["Records"] *= 2
    room.call("route-alarms", event)
    assert [message.body for message in room.topic.sent] == ["first", "first"]


# --- GET /messages ----------------------------------------------------------------------------------------


class Listing:
    """Remembers the query of the list."""

    def __init__(self) -> None:
        self.query: ListMessages | None = None

    def list_messages(self, query: ListMessages) -> dict[str, Any]:
        self.query = query
        return {"messages": [], "nextCursor": None}


class Api:
    def __init__(self, listing: Listing) -> None:
        app = Chalice("orders")
        app.register_middleware(middleware.around(lambda: listing), "http")  # type: ignore[arg-type,return-value]
        app.register_blueprint(doors.messages_doors)
        self.client = Client(app, stage_name="local")

    def get(self, query: str = "") -> HTTPResponse:
        return self.client.http.get(f"/messages{query}")


@pytest.fixture
def listing() -> Listing:
    return Listing()


@pytest.fixture
def api(listing: Listing, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setenv("STAGE", "local")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders-local")
    return Api(listing)


def test_list_without_parameters_is_of_every_type(api: Api, listing: Listing) -> None:
    assert api.get().json_body == {"messages": [], "nextCursor": None}
    assert listing.query == ListMessages(Selection())


def test_parameters_of_the_list_reach_the_service(api: Api, listing: Listing) -> None:
    api.get("?type=critical_alert&since=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z&limit=7&cursor=abc")
    day = datetime(2026, 11, 20, tzinfo=UTC)
    selection = Selection("critical_alert", day, day.replace(day=21), limit=7)
    assert listing.query == ListMessages(selection, "abc")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?type=gossip", "type"), ("?since=yesterday", "since"), ("?until=2026-11-20T00:00:00", "until"),
        ("?limit=0", "limit"), ("?limit=1&limit=2", "limit"), ("?order=asc", "order"), ("?cursor=", "cursor"),
    ],
)  # fmt: skip
def test_bad_parameter_is_named(api: Api, listing: Listing, query: str, parameter: str) -> None:
    answer = api.get(query)
    assert answer.status_code == 422
    assert [one["parameter"] for one in json.loads(answer.body)["errors"]] == [parameter]
    assert listing.query is None


def test_token_without_the_scope_ops_sees_no_messages(
    api: Api, listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.handlers import http

    customer = Principal("customer", frozenset({http.READ, http.WRITE}))
    monkeypatch.setattr(http, "principal_of", lambda context: customer)
    assert api.get().status_code == 403
    assert listing.query is None
