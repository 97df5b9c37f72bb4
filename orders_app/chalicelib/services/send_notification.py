"""Tells one channel what became of an order; claimed before it is sent, so never sent twice by a retry."""

from chalicelib import logs
from chalicelib.domain import events, money
from chalicelib.domain.commands import OrderTask
from chalicelib.domain.errors import MessageRefusedError, ThrottledError
from chalicelib.domain.order import Order
from chalicelib.services.context import Answer, Context, answer, load
from chalicelib.services.notification_text import KINDS, Facts, compose
from chalicelib.services.ports import Contact, Message, Notifier


def send_notification(context: Context, notifier: Notifier, task: OrderTask) -> Answer:
    """Outcomes: sent, failed (never will be), unknown (perhaps sent), skipped (no such channel or kind).

    Raises ThrottledError, to be retried, only where the message was surely not sent.
    """
    about, channel = str(task.extra.get("kind")), str(task.channel)
    with context.uow() as tx:
        order = load(tx, task.order_id, lock=False)
        message = _message(order, tx.orders.contact(order.id), about, channel)
        if message is None:
            return answer(order, "skipped", task)
        earlier = tx.notifications.claim(order.id, about, channel, context.clock())
    if earlier in ("sent", "failed", "unknown"):
        return answer(order, earlier, task)
    state = "unknown" if earlier == "claimed" else _send(context, notifier, message)
    with context.uow() as tx:
        order = load(tx, task.order_id)
        tx.notifications.settle(order.id, about, channel, state, context.clock())
        told = {"channel": channel, "about": about}
        if state == "sent":
            context.record(order, events.NOTIFIED, told)
        else:
            context.record(order, events.NOTIFICATION_FAILED, {**told, "outcome": state})
        tx.orders.save(order)
    return answer(order, state, task)


def _send(context: Context, notifier: Notifier, message: Message) -> str:
    try:
        notifier.send(message)
    except ThrottledError:
        with context.uow() as tx:
            tx.notifications.forget(message.order_id, message.about, message.channel)
        raise
    except MessageRefusedError as error:
        logs.warning("notification refused", error, order_id=message.order_id, channel=message.channel)
        return "failed"
    except Exception as error:
        logs.error("notification lost its answer", error, order_id=message.order_id, channel=message.channel)
        return "unknown"
    return "sent"


def _message(order: Order, contact: Contact | None, about: str, channel: str) -> Message | None:
    recipients: dict[str, str | None] = {
        "operators": None,
        "email": contact.email if contact else None,
        "sms": contact.phone if contact else None,
    }
    if (
        about not in KINDS
        or channel not in recipients
        or (channel != "operators" and not recipients[channel])
    ):
        return None
    facts = Facts(
        order_id=order.id,
        amount=money.to_text(order.total, order.currency),
        currency=order.currency,
        customer=contact.name if contact else None,
        completed_at=order.completed_at,
        reason=order.reason,
    )
    words = compose(about, channel, facts)
    return Message(
        channel, about, order.id, order.correlation_id, words.subject, words.text, recipients[channel],
        contact.name if contact else None,
    )  # fmt: skip
