"""Finds orders whose owner died and lets another execution resume them, or undoes them itself."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from chalicelib import logs
from chalicelib.domain import events
from chalicelib.domain.commands import OrderTask, StoppedExecution
from chalicelib.domain.errors import OrdersError, RefusedError, TransientError
from chalicelib.domain.order import FINAL, IN_FLIGHT, Order, Status
from chalicelib.services.admission import foreign_order
from chalicelib.services.cancellation import settle_cancellation
from chalicelib.services.compensate_order import (
    ALERT,
    alert_person,
    compensate_order,
    record_compensation_failure,
)
from chalicelib.services.context import Answer, Context, answer, load
from chalicelib.services.place_order import place_order
from chalicelib.services.ports import Executions, Notifier, PaymentGateway
from chalicelib.services.send_notification import send_notification
from chalicelib.services.undo import undo_effects

OWNER = "recovery:"
_SWEPT = (Status.PLACED, *sorted(IN_FLIGHT), Status.CANCELLING, Status.COMPENSATING)
_BATCH = 100


class Recovery:
    """What may be done for an order that nobody works on any more."""

    def __init__(
        self, context: Context, gateway: PaymentGateway, notifier: Notifier, executions: Executions
    ) -> None:
        self._context = context
        self._gateway = gateway
        self._notifier = notifier
        self._executions = executions

    def resume_or_compensate(self, stopped: StoppedExecution) -> dict[str, Any]:
        """An execution ended FAILED, TIMED_OUT or ABORTED: whatever it left unfinished is taken care of."""
        with self._context.uow() as tx:
            orders = tx.orders.of_execution(stopped.execution)
        aborted = stopped.status == "ABORTED"
        if not orders and not aborted:
            return self._admit(stopped)
        return {order_id: self._recover(order_id, stopped.execution, aborted=aborted) for order_id in orders}

    def _admit(self, stopped: StoppedExecution) -> dict[str, Any]:
        """A foreign order whose very first task failed is known to nobody else: place it now."""
        if not self._context.settings.admit_foreign_orders or events.is_envelope(stopped.input):
            return {}
        try:
            reply = place_order(self._context, foreign_order(stopped.input))
        except RefusedError:
            return {}  # no order at all, or one that was refused with reason
        self._context.publish(reply.body["orderId"])
        return {reply.body["orderId"]: "admitted"}

    def sweep(self) -> dict[str, Any]:
        """Look after every order that nothing has touched for a while; answers the remedies used."""
        before = self._context.clock() - timedelta(seconds=self._context.settings.sweep_after_seconds)
        with self._context.uow() as tx:
            stale = tx.orders.stale([str(status) for status in _SWEPT], before, _BATCH)
            unsettled = tx.orders.unsettled(before, _BATCH)
            unknown = tx.notifications.abandoned(before)
            untold = tx.notifications.untold(str(Status.COMPENSATION_FAILED), ALERT, before, _BATCH)
            owing = tx.notifications.owing(before, _BATCH)
        figures: dict[str, Any] = {"examined": len(stale) + len(unsettled), "notificationsUnknown": unknown}
        for order_id in [*stale, *unsettled]:
            remedy = self._look_after(order_id)
            figures[remedy] = figures.get(remedy, 0) + 1
        alerted, told = sum(map(self._alert, untold)), sum(map(self._tell_late, owing))
        return {**figures, "alerted": alerted, "told": told, **self._stuck()}

    def _stuck(self) -> dict[str, Any]:
        """Orders that nothing of the above gets on: figures for an alarm."""
        now = self._context.clock()
        with self._context.uow() as tx:
            count, oldest = tx.orders.stuck(
                now - timedelta(seconds=self._context.settings.stuck_after_seconds)
            )
        return {"stuck": count, "oldestStuckSeconds": (now - oldest).total_seconds() if oldest else 0.0}

    def _alert(self, order_id: str) -> bool:
        """An alert of which nobody knows whether it was sent is sent, once more if need be."""
        ids = {"order_id": order_id}
        try:
            order = self._seen(order_id)
            ids["correlation_id"] = order.correlation_id
            return alert_person(self._context, self._notifier, order)
        except Exception as error:
            logs.error("alert failed again", error, **ids)
            return False

    def _tell_late(self, order_id: str) -> bool:
        """What a recovery that died did not tell any more, or could not, is told once the order has ended."""
        ids = {"order_id": order_id}
        try:
            order = self._seen(order_id)
            ids["correlation_id"] = order.correlation_id
            task = OrderTask(order_id, order.execution or order.cancellation or OWNER, order.correlation_id)
            if order.status in FINAL and self._tell(task, self._settle(task)):
                self._owe_no_more(order_id)
                return True
        except Exception as error:
            logs.error("telling failed again", error, **ids)
        with self._context.uow() as tx:
            tx.notifications.owe(order_id, self._context.clock())  # at the end of the queue
        return False

    def _owe_no_more(self, order_id: str) -> None:
        with self._context.uow() as tx:
            tx.notifications.owe_no_more(order_id)

    def _look_after(self, order_id: str) -> str:
        ids = {"order_id": order_id}
        try:
            order = self._seen(order_id)
            ids["correlation_id"] = order.correlation_id
            with logs.bound(**ids):
                return self._examine(order)
        except Exception as error:
            logs.error("recovery failed", error, **ids)
            return "failed"
        finally:
            with self._context.uow() as tx:
                tx.orders.touch(order_id, self._context.clock())

    def _seen(self, order_id: str) -> Order:
        with self._context.uow() as tx:
            return load(tx, order_id, lock=False)

    def _examine(self, order: Order) -> str:
        owners = _owners(order)
        if any(
            owner and not owner.startswith(OWNER) and self._executions.is_running(owner) for owner in owners
        ):
            return "alive"
        return self._recover(order.id, owners[0])

    def _recover(self, order_id: str, dead: str | None, *, aborted: bool = False) -> str:
        """The remedy for an order whose owner `dead` is known not to live (None: it has none)."""
        me = OWNER + self._context.ids.event_id()
        with self._context.uow() as tx:
            order = load(tx, order_id)
            if dead not in _owners(order):
                return "nothing"
            if order.status in (Status.PLACED, *IN_FLIGHT):
                hopeless = order.attempts >= self._context.settings.max_attempts
                if dead is None or not (hopeless or (aborted and order.status is not Status.CAPTURING)):
                    self._release(order, dead)
                    tx.orders.save(order)
                    tx.outbox.requeue(order_id, events.PLACED)
                    remedy = "resumed"
                else:
                    order.execution, remedy = me, "compensated"
                    tx.orders.save(order)
            elif order.status is Status.CANCELLING:
                order.cancellation, remedy = me, "cancelled"
                tx.orders.save(order)
            elif order.status is Status.COMPENSATING or order.status is Status.OUT_OF_STOCK:
                order.execution, remedy = me, "compensated"
                tx.orders.save(order)
            else:
                remedy = "settled"
            if remedy in ("compensated", "cancelled"):
                tx.notifications.owe(order_id, self._context.clock())
        self._apply(remedy, OrderTask(order_id, me, order.correlation_id))
        return remedy

    def _release(self, order: Order, dead: str | None) -> None:
        if dead is not None:
            order.execution = None
            self._context.record(order, events.RELEASED, {"execution": dead, "reason": "owner_died"})

    def _apply(self, remedy: str, task: OrderTask) -> None:
        if remedy == "resumed":
            self._context.publish(task.order_id)
            return
        try:
            if remedy == "compensated":
                reply = compensate_order(self._context, self._gateway, task)
            elif remedy == "cancelled":
                reply = settle_cancellation(self._context, self._gateway, task)
            else:
                reply = self._settle(task)
        except TransientError:
            raise  # the next sweep tries again
        except OrdersError as error:
            failed = OrderTask(task.order_id, task.execution, task.correlation_id, error=type(error).__name__)
            record_compensation_failure(self._context, self._notifier, failed)
        else:
            if self._tell(task, reply) and remedy != "settled":
                self._owe_no_more(task.order_id)

    def _settle(self, task: OrderTask) -> Answer:
        """A final order that still has effects to undo; a completed one keeps them."""
        with self._context.uow() as tx:
            order = load(tx, task.order_id, lock=False)
            reply = answer(order, str(order.status), task, tx)
        if order.status in (Status.DECLINED, Status.FAILED, Status.CANCELLED, Status.REFUNDED):
            undo_effects(self._context, self._gateway, task.order_id)
        elif order.status is Status.COMPENSATION_FAILED:
            alert_person(self._context, self._notifier, order)
        return reply

    def _tell(self, task: OrderTask, reply: Answer) -> bool:
        """What the workflow that died would have told; a claim says: told, or being told just now.

        Answers whether nothing is left to tell.
        """
        with self._context.uow() as tx:
            told = tx.notifications.of_order(task.order_id)
        done = {one["channel"] for one in told if one["about"] == reply["kind"]}
        left = [
            channel
            for channel in reply["channels"]
            if channel not in done
            and not self._notify(replace(task, channel=channel, extra={"kind": reply["kind"]}))
        ]
        return not left

    def _notify(self, task: OrderTask) -> bool:
        try:
            send_notification(self._context, self._notifier, task)
        except TransientError as error:  # as in the workflow: it never fails the order
            ids = {"order_id": task.order_id, "correlation_id": task.correlation_id}
            logs.warning("notification put off", error, **ids, channel=task.channel)
            return False
        return True


def _owners(order: Order) -> tuple[str | None, ...]:
    """The executions that are, or were until the order's end, at work on it."""
    if order.status is Status.CANCELLING:
        return (order.cancellation,)
    if order.status in (Status.CANCELLED, Status.REFUNDED):
        return (order.cancellation, order.execution)
    return (order.execution,)
