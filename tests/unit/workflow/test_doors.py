"""The event doors, through Chalice's own wrappers, as Lambda calls them."""

import ast
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from chalice import Chalice
from chalice.test import Client

from chalicelib import bootstrap
from chalicelib.domain.commands import ClaimOrder, OrderTask
from chalicelib.domain.errors import DatabaseUnavailableError
from chalicelib.handlers import consumers, failures, schedules, workflow

Event = dict[str, Any]


class FakeServices:
    """Keeps what it is called with; poison raises."""

    def __init__(self) -> None:
        self.settings = type("Settings", (), {"partial_batch_responses": True})()
        self.calls: list[tuple[str, Any]] = []
        self.poison: set[str] = set()
        self.outage: Exception | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.calls.append((name, arguments))
            events = arguments[0] if arguments and isinstance(arguments[0], Sequence) else []
            if self.outage is not None:
                raise self.outage
            if any(event["id"] in self.poison for event in events):
                raise ValueError("poison")
            return {"outcome": "done", "oldestUnpublishedSeconds": 7.5, "stuck": 3}

        return call


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    fake = FakeServices()
    monkeypatch.setattr(bootstrap, "services", lambda: fake)
    return fake


@pytest.fixture
def lambdas(services: FakeServices) -> Iterator[Any]:
    app = Chalice("orders")
    for blueprint in (
        workflow.workflow_tasks, consumers.consumers, schedules.schedules, failures.failures,
    ):  # fmt: skip
        app.register_blueprint(blueprint)
    with Client(app) as client:
        yield client


def envelope(number: int) -> Event:
    return {
        "id": f"event-{number}", "source": "order.service", "type": "Order Completed", "version": 1,
        "orderId": f"ORD-{number}", "correlationId": f"c-{number}", "sequence": 1, "data": {},
    }  # fmt: skip


def bus_event(detail: Mapping[str, Any]) -> Event:
    return {"detail-type": detail["type"], "source": "order.service", "detail": detail}


def notification(body: Any) -> Event:
    return {"Type": "Notification", "TopicArn": "arn", "Message": json.dumps(body)}


def batch(*bodies: Any) -> Event:
    """An SQS event with a message id for each record."""
    return {
        "Records": [
            {"messageId": f"m-{number}", "body": body if isinstance(body, str) else json.dumps(body)}
            for number, body in enumerate(bodies, 1)
        ]
    }


def sns(*bodies: Event) -> Event:
    """An SNS event."""
    records: list[Event] = [
        {"Message": json.dumps(body), "Subject": None, "MessageAttributes": {}} for body in bodies
    ]
    return {"Records": [{"Sns": record} for record in records]}


def invoke(client: Any, name: str, event: Any) -> Any:
    return client.lambda_.invoke(name, event).payload


TASKS = [
    ("validate-payment", "validate_payment"), ("check-inventory", "check_inventory"),
    ("process-order", "process_order"), ("send-notification", "send_notification"),
    ("compensate-order", "compensate_order"), ("settle-cancellation", "settle_cancellation"),
    ("record-compensation-failure", "record_compensation_failure"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "service"), TASKS)
def test_task_calls_its_service_with_ids(
    function: str, service: str, lambdas: Any, services: FakeServices
) -> None:
    given = {
        "orderId": "ORD-1",
        "execution": "arn:1",
        "correlationId": "c-1",
        "error": "Fault",
        "channel": "sms",
    }
    assert invoke(lambdas, function, given)["outcome"] == "done"
    assert services.calls == [(service, (OrderTask("ORD-1", "arn:1", "c-1", "Fault", "sms"),))]


@pytest.mark.parametrize("function", ["claim-order", "begin-cancellation"])
def test_first_task_gets_the_whole_input(function: str, lambdas: Any, services: FakeServices) -> None:
    invoke(lambdas, function, {"order": envelope(1), "execution": "arn:1"})
    assert services.calls == [(function.replace("-", "_"), (ClaimOrder(envelope(1), "arn:1"),))]


@pytest.mark.parametrize("function", ["claim-order", "begin-cancellation"])
@pytest.mark.parametrize("given", [[1, 2], "x", 7, None, True])
def test_input_that_is_no_object_is_an_order_of_nobody(
    function: str, given: Any, lambdas: Any, services: FakeServices
) -> None:
    invoke(lambdas, function, {"order": given, "execution": "arn:1"})
    assert services.calls == [(function.replace("-", "_"), (ClaimOrder({}, "arn:1"),))]


def test_task_s_log_lines_carry_the_ids(
    lambdas: Any, services: FakeServices, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(FakeServices):
        def __getattr__(self, name: str) -> Callable[..., Any]:
            raise LookupError("no such order")

    monkeypatch.setattr(bootstrap, "services", Failing)
    with pytest.raises(LookupError):
        invoke(lambdas, "process-order", {"orderId": "ORD-1", "execution": "arn:1", "correlationId": "c-1"})
    line = json.loads(capsys.readouterr().out)
    ids = {"order_id": "ORD-1", "correlation_id": "c-1", "execution": "arn:1", "function": "process_order"}
    assert line.items() >= ids.items()
    assert (line["message"], line["error_type"]) == ("function failed", "LookupError")


@pytest.mark.parametrize(
    "wrap", [lambda e: e, bus_event, notification, lambda e: notification(bus_event(e))],
    ids=["raw", "bus", "topic", "bus and topic"],
)  # fmt: skip
def test_event_is_found_in_whatever_wrapping(
    wrap: Callable[[Event], Event], lambdas: Any, services: FakeServices
) -> None:
    assert invoke(lambdas, "update-read-model", batch(wrap(envelope(1)))) == {"batchItemFailures": []}
    assert services.calls == [("apply_event_to_read_model", ([envelope(1)],))]


@pytest.mark.parametrize("consumer", ["update-read-model", "export-to-lake"])
def test_good_batch_is_one_call(consumer: str, lambdas: Any, services: FakeServices) -> None:
    invoke(lambdas, consumer, batch(*[envelope(n) for n in range(10)]))
    assert len(services.calls) == 1


@pytest.mark.parametrize("consumer", ["update-read-model", "export-to-lake"])
def test_poisoned_message_fails_alone(
    consumer: str, lambdas: Any, services: FakeServices, capsys: pytest.CaptureFixture[str]
) -> None:
    services.poison = {"event-2"}
    answer = invoke(lambdas, consumer, batch(envelope(1), envelope(2), envelope(3)))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
    done = [event["id"] for _, (events,) in services.calls for event in events if len(events) == 1]
    assert done == ["event-1", "event-2", "event-3"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    failed = next(line for line in lines if line.get("message") == "message failed")
    assert (failed["order_id"], failed["correlation_id"], failed["message_id"]) == ("ORD-2", "c-2", "m-2")
    assert [line["Consumer"] for line in lines if "ConsumerFailures" in line] == [consumer]


BROKEN = {"orderId": "ORD-1", "sequence": 3, "data": {}}


DEEP = "[" * 100_000
DEEP_DETAIL = '{"detail-type": "Order Placed", "detail": ' + "[" * 900 + "]" * 900 + "}"
UNREADABLE = [DEEP, DEEP_DETAIL, {"Type": "Notification", "Message": DEEP}]


@pytest.mark.parametrize("body", ["not json", "[]", '"text"', {"note": "hello"}, BROKEN, *UNREADABLE])
def test_message_without_an_event_fails_alone(body: Any, lambdas: Any, services: FakeServices) -> None:
    answer = invoke(lambdas, "update-read-model", batch(envelope(1), body))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
    assert services.calls == [("apply_event_to_read_model", ([envelope(1)],))]


FOREIGN = {"orderId": "12345", "customer": "John", "amount": 99.99}


@pytest.mark.parametrize("body", [FOREIGN, {"detail-type": "Order Placed", "detail": FOREIGN}])
def test_order_of_a_foreign_sender_is_no_event_and_no_poison(
    body: Event, lambdas: Any, services: FakeServices, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(lambdas, "update-read-model", batch(body, envelope(1))) == {"batchItemFailures": []}
    invoke(lambdas, "on-order-event", sns(body))
    assert services.calls == [("apply_event_to_read_model", ([envelope(1)],))]
    shown = capsys.readouterr().out
    assert shown.count('"ForeignMessages": 1') == 2
    assert "John" not in shown


def test_name_in_the_place_of_an_id_reaches_no_log(
    lambdas: Any, services: FakeServices, capsys: pytest.CaptureFixture[str]
) -> None:
    order = FOREIGN | {"orderId": "Order of John Smith", "correlationId": "John Smith's"}
    invoke(lambdas, "update-read-model", batch(order))
    invoke(lambdas, "claim-order", {"order": order, "execution": "arn:1"})
    assert "Smith" not in capsys.readouterr().out


def test_outage_fails_the_batch_without_trying_each_message(lambdas: Any, services: FakeServices) -> None:
    services.outage = DatabaseUnavailableError("gone")
    answer = invoke(lambdas, "update-read-model", batch(envelope(1), envelope(2)))
    assert len(answer["batchItemFailures"]) == 2
    assert len(services.calls) == 1


def test_consumed_event_leaves_a_line_with_its_ids_and_why_it_was_redriven(
    lambdas: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    event = batch(envelope(1))
    reason = {"RedriveReason": {"stringValue": "fixed the consumer", "dataType": "String"}}
    event["Records"][0]["messageAttributes"] = reason
    invoke(lambdas, "update-read-model", event)
    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["redrive_reason"]) == ("event consumed", "fixed the consumer")
    assert (line["order_id"], line["correlation_id"], line["event_id"]) == ("ORD-1", "c-1", "event-1")


def test_finished_task_leaves_a_line_with_the_ids_of_its_answer(
    lambdas: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Claiming(FakeServices):
        def __getattr__(self, name: str) -> Callable[..., Any]:
            return lambda command: {"outcome": "claimed", "orderId": "ORD-1", "correlationId": "made-here"}

    monkeypatch.setattr(bootstrap, "services", Claiming)
    invoke(lambdas, "claim-order", {"order": {"orderId": "ORD-1", "customer": "Jane"}, "execution": "arn:1"})
    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["outcome"], line["correlation_id"]) == ("task done", "claimed", "made-here")
    assert line["request_id"]


def test_without_the_setting_a_failure_raises_so_that_nothing_is_deleted(
    lambdas: Any, services: FakeServices
) -> None:
    services.settings.partial_batch_responses = False
    services.poison = {"event-2"}
    with pytest.raises(RuntimeError, match="1 of 2 messages failed"):
        invoke(lambdas, "update-read-model", batch(envelope(1), envelope(2)))


def test_every_record_of_a_notification_counts(lambdas: Any, services: FakeServices) -> None:
    invoke(lambdas, "on-order-event", sns(bus_event(envelope(1)), bus_event(envelope(2))))
    assert services.calls == [("count_outcome", (envelope(1),)), ("count_outcome", (envelope(2),))]


def test_processor_of_the_rule_gets_the_detail(lambdas: Any, services: FakeServices) -> None:
    invoke(lambdas, "order-event-processor", bus_event(envelope(1)))
    assert services.calls == [("process_order_event", (envelope(1),))]


def test_stopped_workflow_is_looked_after_under_its_order_s_ids(
    lambdas: Any, services: FakeServices, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"orderId": "ORD-1", "correlationId": "c-1"}
    detail = {"status": "ABORTED", "executionArn": "arn:1", "input": json.dumps(given)}
    event = lambdas.events.generate_cw_event(
        "aws.states", "Step Functions Execution Status Change", detail, []
    )
    invoke(lambdas, "on-workflow-stopped", event)
    assert services.calls == [("resume_or_compensate", (detail,))]
    line = json.loads(capsys.readouterr().out)
    assert (line["order_id"], line["correlation_id"], line["execution"]) == ("ORD-1", "c-1", "arn:1")


@pytest.mark.parametrize(("own", "expected"), [({}, "12345"), ({"correlationId": "trace-7"}, "trace-7")])
def test_order_of_a_foreign_sender_is_followed_by_its_own_id_where_it_brings_no_other(
    own: Event,
    expected: str,
    lambdas: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refusing(FakeServices):
        def __getattr__(self, name: str) -> Callable[..., Any]:
            return lambda command: {"outcome": "refused", "orderId": "12345", "correlationId": expected}

    order = FOREIGN | own
    stopped = {"status": "ABORTED", "executionArn": "arn:1", "input": json.dumps(order)}
    for function, event in (
        ("update-read-model", batch(order)),
        ("on-order-event", sns(order)),
        ("order-event-processor", {"detail-type": "Order Placed", "detail": order}),
        ("on-workflow-stopped", lambdas.events.generate_cw_event("aws.states", "Status", stopped, [])),
    ):
        invoke(lambdas, function, event)
    monkeypatch.setattr(bootstrap, "services", Refusing)
    invoke(lambdas, "claim-order", {"order": order, "execution": "arn:1"})

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    about = [(line["order_id"], line["correlation_id"]) for line in lines if "message" in line]
    assert len(about) >= 4
    assert set(about) == {("12345", expected)}


@pytest.mark.parametrize("name", ["relay-outbox", "sweep-orders", "expire-reservations", "purge-expired"])
def test_schedule_calls_its_service(name: str, lambdas: Any, services: FakeServices) -> None:
    event = lambdas.events.generate_cw_event("aws.events", "Scheduled Event", {}, [])
    invoke(lambdas, name, event)
    assert services.calls == [(name.replace("-", "_"), ())]


def test_relay_reports_the_age_of_the_outbox(lambdas: Any, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(lambdas, "relay-outbox", lambdas.events.generate_cw_event("aws.events", "Scheduled Event", {}, []))
    assert '"OutboxAgeSeconds": 7.5' in capsys.readouterr().out


def test_sweeper_reports_how_many_orders_are_stuck(lambdas: Any, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(lambdas, "sweep-orders", lambdas.events.generate_cw_event("aws.events", "Scheduled Event", {}, []))
    assert '"StuckOrders": 3' in capsys.readouterr().out


def test_migrate_answers_what_it_applied(lambdas: Any, services: FakeServices) -> None:
    assert invoke(lambdas, "migrate", {})["outcome"] == "done"


def test_recovery_listens_to_both_order_machines_and_no_other() -> None:
    app = Chalice("orders")
    app.register_blueprint(failures.failures)
    source: Any = app.event_sources[0]
    assert source.event_pattern["detail"]["stateMachineArn"] == [
        {"suffix": ":stateMachine:order-processing-workflow-local"},
        {"suffix": ":stateMachine:order-cancellation-workflow-local"},
    ]


@pytest.mark.parametrize(
    "module", [workflow, consumers, schedules, failures], ids=lambda module: module.__name__
)
def test_door_is_at_most_eight_lines(module: Any) -> None:
    tree = ast.parse(inspect.getsource(module))
    doors = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert doors
    assert {door.name: _lines(door) for door in doors if _lines(door) > 8} == {}


def _lines(door: ast.FunctionDef) -> int:
    return (door.end_lineno or 0) - door.lineno + 1
