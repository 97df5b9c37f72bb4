"""Messages to customers and operators: claimed before they are sent, and never the end of an order."""

import pytest

from chalicelib.domain.commands import CustomerInput, OrderTask
from chalicelib.domain.errors import MessageRefusedError, ThrottledError
from tests.shop import Shop


def states(shop: Shop, order: str) -> dict[str, str]:
    return {told["channel"]: told["state"] for told in shop.order(order)["notifications"]}


def task(shop: Shop, order: str, channel: str = "email") -> OrderTask:
    return shop.task(order, channel=channel, extra={"kind": "completed"})


@pytest.fixture
def completed(shop: Shop) -> str:
    order = shop.place(customer=CustomerInput("Alice", email="a@example.com", phone="+15550100"))
    shop.claim(order)
    for step in (shop.services.validate_payment, shop.services.check_inventory, shop.services.process_order):
        reply = step(shop.task(order))
    assert reply["channels"] == ["operators", "email", "sms"]
    return order


def test_a_message_is_sent_once_however_often_the_task_runs(shop: Shop, completed: str) -> None:
    outcomes = [shop.services.send_notification(task(shop, completed))["outcome"] for _ in range(3)]
    assert outcomes == ["sent"] * 3
    [message] = shop.notifier.sent
    assert (message.channel, message.recipient) == ("email", "a@example.com")


def test_a_crash_between_claim_and_sending_shows_as_unknown(shop: Shop, completed: str) -> None:
    with shop.adapters.uow() as tx:
        tx.notifications.claim(completed, "completed", "email", shop.clock())
    assert shop.services.send_notification(task(shop, completed))["outcome"] == "unknown"
    assert shop.notifier.sent == []
    assert states(shop, completed) == {"email": "unknown"}


def test_a_claim_that_nobody_settles_is_shown_as_unknown_by_the_sweeper(shop: Shop, completed: str) -> None:
    with shop.adapters.uow() as tx:
        tx.notifications.claim(completed, "completed", "sms", shop.clock())
    shop.clock.advance(seconds=shop.settings.sweep_after_seconds + 1)
    assert shop.services.sweep_orders()["notificationsUnknown"] == 1
    assert states(shop, completed) == {"sms": "unknown"}


def test_a_throttled_message_may_be_sent_by_a_retry(shop: Shop, completed: str) -> None:
    shop.notifier.fault = ThrottledError("slow down")
    with pytest.raises(ThrottledError):
        shop.services.send_notification(task(shop, completed))
    shop.notifier.fault = None
    assert shop.services.send_notification(task(shop, completed))["outcome"] == "sent"
    assert len(shop.notifier.sent) == 1


@pytest.mark.parametrize(
    ("fault", "state"), [(MessageRefusedError("no such address"), "failed"), (OSError("cut"), "unknown")]
)
def test_a_message_that_fails_leaves_the_order_completed(
    shop: Shop, completed: str, fault: Exception, state: str
) -> None:
    shop.notifier.fault = fault
    assert shop.services.send_notification(task(shop, completed))["outcome"] == state
    assert states(shop, completed) == {"email": state}
    assert shop.status(completed) == "completed"
    assert shop.types(completed)[-1] == "Notification Failed"


def test_a_channel_without_an_address_is_skipped(shop: Shop) -> None:
    order = shop.place(customer=CustomerInput("Bob"))
    assert shop.run(order) == "completed"
    assert [message.channel for message in shop.notifier.sent] == ["operators"]
    assert shop.services.send_notification(task(shop, order, "email"))["outcome"] == "skipped"
    assert shop.services.send_notification(task(shop, order, "pigeon"))["outcome"] == "skipped"
