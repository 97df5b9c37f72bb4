"""Messages on the deployed platform: each route, the workflow on every path, each failure by causing it."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import boto3
import pytest

from tests.integration.pipeline.deployed import idle
from tests.live import Platform

pytestmark = [pytest.mark.e2e]
T = TypeVar("T")
TABLES = {"notification": "notifications", "critical_alert": "critical_alerts", "unrouted": "unrouted"}


def until(look: Callable[[], T | None], seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"nothing came within {seconds:g} s, last answer {found!r}"
        time.sleep(0.2)  # a pause between looks, not a wait for the outcome


class Post:
    """Publishes under keys of its own and finds what was stored of it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.run = uuid.uuid4().hex[:12]

    def publish(self, body: str, topic: str = "order-notifications", **attributes: str) -> str:
        named = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        answer = boto3.client("sns").publish(
            TopicArn=self.platform.topic(topic), Message=body, MessageAttributes=named
        )
        return str(answer["MessageId"])

    def stored(self, kind: str, message_id: str) -> tuple[Any, ...] | None:
        query = f"select message_id, body, published_at from messages.{TABLES[kind]} where message_id = %s"
        return next(iter(self.platform.rows(query, message_id)), None)

    def alert_about(self, words: str) -> tuple[Any, ...] | None:
        query = "select message_id, subject, body from messages.critical_alerts where body like %s"
        return next(iter(self.platform.rows(query, f"%{words}%")), None)

    def message(self, number: int, kind: str | None = "notification", **more: Any) -> dict[str, Any]:
        typed = {} if kind is None else {"type": kind}
        return {**typed, "body": f"text {number}", "key": f"{self.run}-{number}", **more}

    def execute(self, *messages: Any, wait: int = 60, **given: Any) -> str:
        """Starts the workflow; its execution."""
        asked = {"messages": list(messages), "waitSeconds": wait, **given}
        arn = self.platform.machine("message-workflow")
        states = boto3.client("stepfunctions")
        return str(states.start_execution(stateMachineArn=arn, input=json.dumps(asked))["executionArn"])

    def ended(self, execution: str, seconds: float = 120) -> dict[str, Any]:
        states = boto3.client("stepfunctions")

        def look() -> dict[str, Any]:
            found: dict[str, Any] = states.describe_execution(executionArn=execution)
            return {} if found["status"] == "RUNNING" else found

        return until(look, seconds)

    def keys(self, kind: str) -> list[str]:
        query = f"select key from messages.{TABLES[kind]} where key like %s order by key"
        return [row[0] for row in self.platform.rows(query, f"{self.run}-%")]


@pytest.fixture
def post(platform: Platform) -> Post:
    return Post(platform)


@pytest.fixture
def no_mappings(platform: Platform) -> Iterator[None]:
    """Nobody consumes the three queues but the workflow itself."""
    client = boto3.client("lambda")
    found = client.list_event_source_mappings(FunctionName="orders-local-process-messages")
    uuids = [one["UUID"] for one in found["EventSourceMappings"]]
    assert len(uuids) == 4
    for one in uuids:
        client.update_event_source_mapping(UUID=one, Enabled=False)
    until(lambda: all(client.get_event_source_mapping(UUID=one)["State"] == "Disabled" for one in uuids))
    yield
    for one in uuids:
        client.update_event_source_mapping(UUID=one, Enabled=True)


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"type": "notification"}, "notification"),
        ({"type": "critical_alert"}, "critical_alert"),
        ({"type": "gossip"}, "unrouted"),
        ({"colour": "red"}, "unrouted"),
        ({}, "unrouted"),
    ],
)
def test_published_message_is_stored_in_the_table_of_its_type(
    post: Post, attributes: dict[str, str], kind: str
) -> None:
    message_id = post.publish("hello", **attributes)
    assert until(lambda: post.stored(kind, message_id))[:2] == (message_id, "hello")
    others = [post.stored(other, message_id) for other in TABLES if other != kind]
    assert others == [None, None]


def test_message_of_no_known_type_ends_as_a_critical_alert(post: Post) -> None:
    message_id = post.publish("hello", type="gossip")
    subject, body = until(lambda: post.alert_about(message_id))[1:]
    assert subject == "1 messages of no known type"
    assert json.loads(body)["types"] == ["gossip"]


def test_alarm_of_cloudwatch_becomes_a_critical_alert(post: Post) -> None:
    reason = f"for the test {post.run}"
    boto3.client("cloudwatch").set_alarm_state(
        AlarmName="order-processing-dlq-visible-local", StateValue="ALARM", StateReason=reason
    )
    body = json.loads(until(lambda: post.alert_about(reason))[2])
    assert (body["alarm"], body["state"]) == ("order-processing-dlq-visible-local", "ALARM")
    assert "Runbook" in body["description"]


def test_order_that_cannot_be_undone_is_a_critical_alert_that_operators_can_list(post: Post) -> None:
    """Out of stock after its payment was authorised, and the gateway refuses to void that."""
    body = {
        "customer": "Hal",
        "items": [{"product": "Vintage Radio", "quantity": 1}],
        "payment": {"token": "tok_undo_refused"},
    }
    order = post.platform.place(body)
    post.platform.settled(order, "compensation_failed", 120)
    message_id, subject, _ = until(lambda: post.alert_about(order))
    assert subject == "Compensation failed"
    listed = post.platform.api.get("/messages?type=critical_alert&limit=100").body["messages"]
    [shown] = [one for one in listed if one["messageId"] == message_id]
    assert (shown["type"], shown["subject"]) == ("critical_alert", subject)
    assert order in shown["body"]


@pytest.fixture
def dead_letters_of_the_lake(platform: Platform) -> Iterator[str]:
    """The alarm's name; its window is ten seconds long meanwhile, so that it is over as soon."""
    client, name = boto3.client("cloudwatch"), "lake-export-dlq-visible-local"
    [alarm] = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    said = client.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    known = {key: value for key, value in alarm.items() if key in said}
    client.put_metric_alarm(**{**known, "Period": 10})
    until(lambda: client.describe_alarms(AlarmNames=[name], StateValue="OK")["MetricAlarms"])
    yield name
    boto3.client("sqs").purge_queue(QueueUrl=platform.queue("lake-export-dlq"))
    client.put_metric_alarm(**known)


def test_dead_letter_is_a_critical_alert_and_its_end_a_notification(
    post: Post, dead_letters_of_the_lake: str
) -> None:
    sqs, queue = boto3.client("sqs"), post.platform.queue("lake-export-dlq")
    [(start,)] = post.platform.rows("select now()")

    def told(table: str, state: str) -> list[Any]:
        query = f"select body from messages.{table} where stored_at >= %s and body like %s"
        bodies = [json.loads(body) for (body,) in post.platform.rows(query, start, '%"alarm"%')]
        ours = [one for one in bodies if one["alarm"] == dead_letters_of_the_lake]
        return [one for one in ours if one["state"] == state]

    sqs.send_message(QueueUrl=queue, MessageBody=f"a letter for the test {post.run}")
    [alarm] = until(lambda: told("critical_alerts", "ALARM"))
    assert "Runbook" in alarm["description"]
    sqs.purge_queue(QueueUrl=queue)
    assert until(lambda: told("notifications", "OK"))
    assert not told("critical_alerts", "OK")


def test_alert_that_is_delivered_twice_is_one_message(post: Post) -> None:
    """Lambda may call twice for one message: the alert's own id is the key."""
    message_id = f"alert-{post.run}"
    sns = {"MessageId": message_id, "Subject": "Compensation failed", "Message": f"{{}} {post.run}"}
    record = {"EventSource": "aws:sns", "Sns": {**sns, "MessageAttributes": {}}}
    for _ in range(2):
        post.platform.invoke("route-alarms", {"Records": [record]})
    until(lambda: post.alert_about(post.run))
    until(lambda: post.platform.depth("critical-alerts") == 0)
    query = "select count(*) from messages.critical_alerts where key = %s"
    assert post.platform.rows(query, message_id) == [(1,)]


def test_completed_order_is_told_to_operators_as_a_stored_notification(post: Post) -> None:
    order = post.platform.place({"customer": "Ada", "items": [{"product": "Widget", "quantity": 1}]})
    post.platform.settled(order, "completed")
    query = "select subject from messages.notifications where body like %s or subject like %s"
    assert until(lambda: post.platform.rows(query, f"%{order}%", f"%{order}%"))


def test_workflow_succeeds_when_all_that_it_published_is_stored(post: Post) -> None:
    messages = [post.message(n) for n in range(12)] + [
        post.message(n, "critical_alert") for n in range(12, 15)
    ]
    ended = post.ended(post.execute(*messages, post.message(15, "gossip"), post.message(16, None)))
    assert ended["status"] == "SUCCEEDED", ended
    told = {one["type"]: (one["outcome"], one["wanted"]) for one in json.loads(ended["output"])}
    assert told == {
        "notification": ("stored", 12),
        "critical_alert": ("stored", 3),
        "unrouted": ("stored", 2),
    }
    assert [len(post.keys(kind)) for kind in TABLES] == [12, 3, 2]


def test_workflow_stores_by_itself_where_nobody_else_consumes(post: Post, no_mappings: None) -> None:
    other = post.publish("of somebody else", type="notification")
    ended = post.ended(
        post.execute(*(post.message(n) for n in range(25)), post.message(25, "critical_alert"))
    )
    assert ended["status"] == "SUCCEEDED", ended
    drained = {one["type"]: one["drained"] for one in json.loads(ended["output"])}
    assert drained["notification"] >= 25
    assert drained["critical_alert"] >= 1
    assert len(post.keys("notification")) == 25
    assert post.stored("notification", other), "what was before it in the queue is stored, too"


def test_two_executions_that_drain_the_same_queues_both_succeed(post: Post, no_mappings: None) -> None:
    other = Post(post.platform)
    first = post.execute(*(post.message(n) for n in range(15)))
    second = other.execute(*(other.message(n) for n in range(15)))
    assert [post.ended(one)["status"] for one in (first, second)] == ["SUCCEEDED", "SUCCEEDED"]
    assert len(post.keys("notification")) == len(other.keys("notification")) == 15


def test_same_keys_again_succeed_and_are_stored_once(post: Post) -> None:
    messages = [post.message(n) for n in range(3)]
    assert post.ended(post.execute(*messages))["status"] == "SUCCEEDED"
    assert post.ended(post.execute(*messages))["status"] == "SUCCEEDED"
    assert len(post.keys("notification")) == 3


@pytest.fixture
def short_calls(platform: Platform) -> Iterator[None]:
    """A call that stores messages may take five seconds, and what it had comes back soon after that."""
    client, function = boto3.client("lambda"), "orders-local-process-messages"
    sqs, queue = boto3.client("sqs"), platform.queue("notifications")
    before = client.get_function_configuration(FunctionName=function)["Timeout"]
    client.update_function_configuration(FunctionName=function, Timeout=5)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "7"})
    yield
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "180"})
    client.update_function_configuration(FunctionName=function, Timeout=before)


def test_workflow_fails_aloud_when_a_message_is_not_stored_in_time(post: Post, short_calls: None) -> None:
    """Its table is locked by another transaction, so the insert of the batch cannot end.

    If the workflow's own poll took the message, not the mapping, it runs into its function's time limit, and
    the message comes back when its visibility timeout is over.
    """
    release = threading.Event()
    locked = threading.Event()

    def hold() -> None:
        import psycopg

        with psycopg.connect(post.platform.database_url) as connection:
            connection.execute("lock table messages.notifications in share mode")
            locked.set()
            release.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert locked.wait(20)
        ended = post.ended(post.execute(post.message(1), wait=1))
    finally:
        release.set()
        holder.join()
    assert (ended["status"], ended["error"]) == ("FAILED", "MessagesNotStored")
    assert until(lambda: post.keys("notification"), 120), "it is stored when that has passed"


def test_workflow_outlives_a_database_that_dies_and_comes_back(post: Post) -> None:
    """A batch that failed comes back when its visibility timeout is over, which is shorter here."""
    idle(post.platform)
    server, sqs, queue = post.platform.server, boto3.client("sqs"), post.platform.queue("notifications")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "10"})
    server.crash()
    try:
        execution = post.execute(*(post.message(n) for n in range(12)), wait=100)
        until(lambda: post.platform.depth("notifications") >= 12)
    finally:
        server.start()
    ended = post.ended(execution, 180)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "180"})
    assert ended["status"] == "SUCCEEDED", ended
    assert len(post.keys("notification")) == 12


@pytest.mark.parametrize("given", [{}, {"messages": []}, {"messages": [{"type": "notification"}]}])
def test_input_that_cannot_be_published_fails_at_once(post: Post, given: dict[str, Any]) -> None:
    states = boto3.client("stepfunctions")
    machine = post.platform.machine("message-workflow")
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    ended = post.ended(execution, 30)
    assert (ended["status"], ended["error"]) == ("FAILED", "MessagesNotPublished")


def test_poison_in_a_queue_fails_alone_and_stays_to_be_looked_at(post: Post) -> None:
    sqs, queue = boto3.client("sqs"), post.platform.queue("notifications")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    try:
        poison = sqs.send_message(QueueUrl=queue, MessageBody=f"poison {post.run}")["MessageId"]
        good = post.publish("beside the poison", type="notification")
        assert until(lambda: post.stored("notification", good))
        dead = post.platform.queue("notifications-dlq")

        def letter() -> Any:
            got = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, VisibilityTimeout=0)
            return [one for one in got.get("Messages", []) if post.run in one["Body"]]

        assert until(letter, 90)[0]["MessageId"] == poison
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "180"})


def test_operator_lists_messages_by_type_and_time(post: Post) -> None:
    message_id = post.publish("listed", type="critical_alert")
    published = until(lambda: post.stored("critical_alert", message_id))[2]
    since = published.isoformat().replace("+00:00", "Z")
    page = post.platform.api.get(f"/messages?type=critical_alert&since={since}&limit=100")
    assert page.status == 200
    shown = [one for one in page.body["messages"] if one["messageId"] == message_id]
    assert [(one["type"], one["body"]) for one in shown] == [("critical_alert", "listed")]
    first = post.platform.api.get("/messages?limit=1").body
    second = post.platform.api.get(f"/messages?limit=1&cursor={first['nextCursor']}").body
    assert first["messages"][0]["publishedAt"] >= second["messages"][0]["publishedAt"]
    assert post.platform.api.get("/messages?type=gossip").status == 422


def test_nothing_is_left_in_the_dead_letters_that_should_not_be(post: Post) -> None:
    for name in ("critical-alerts-dlq", "unrouted-messages-dlq", "untyped-messages-dlq"):
        assert post.platform.depth(name) == 0, name
