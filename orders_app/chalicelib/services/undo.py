"""Undoes an order's registered effects in reverse order; repeating it is harmless."""

from chalicelib.domain import events
from chalicelib.domain.errors import CompensationError
from chalicelib.services.context import Context, settled
from chalicelib.services.ports import Effect, PaymentGateway, UnitOfWork

_EFFECT_OF = {events.AUTHORISED: "authorisation", events.COMPLETED: "capture"}


def undo_effects(context: Context, gateway: PaymentGateway, order_id: str) -> bool:
    """Undo what stands; answers whether money had been captured (and is refunded now).

    Accepts that a registered effect never happened. Raises CompensationError where one that is recorded as
    done cannot be found, PaymentRefusedError where the gateway refuses, GatewayTimeoutError to be retried.
    """
    with context.uow() as tx:
        check_register(tx, order_id)
        effects = tx.effects.of_order(order_id)
    for effect in reversed([effect for effect in effects if effect.state != "undone"]):
        _undo(context, gateway, order_id, effect)
    return _refunded(gateway, order_id) if any(effect.kind == "capture" for effect in effects) else False


def check_register(tx: UnitOfWork, order_id: str) -> None:
    """Raises CompensationError if the order's log tells of an effect that the register does not know."""
    kinds = {effect.kind for effect in tx.effects.of_order(order_id)}
    for event in tx.event_log.of_order(order_id):
        effect = _EFFECT_OF.get(event.type)
        if effect is not None and effect not in kinds:
            raise CompensationError(f"order {order_id!r} has {event.type!r}, but no {effect} is registered")


def _undo(context: Context, gateway: PaymentGateway, order_id: str, effect: Effect) -> None:
    if effect.kind == "reservation":
        with context.uow() as tx:
            if tx.stock.release(order_id) == 0 and not tx.stock.known(order_id):
                raise CompensationError(f"the reservation of order {order_id!r} cannot be found")
            tx.effects.mark(order_id, effect.kind, "undone")
        return
    undone = (
        _refund(gateway, order_id, effect) if effect.kind == "capture" else _void(gateway, order_id, effect)
    )
    if undone == 0 and effect.state in ("done", "kept"):
        raise CompensationError(
            f"the {effect.kind} {effect.key!r} was done, but the gateway knows nothing of it"
        )
    with context.uow() as tx:
        tx.effects.mark(order_id, effect.kind, "undone")


def _refund(gateway: PaymentGateway, order_id: str, effect: Effect) -> int:
    key = f"{order_id}:refund"
    return settled(lambda: gateway.refund(key, effect.key), gateway, key).amount


def _void(gateway: PaymentGateway, order_id: str, effect: Effect) -> int:
    """A captured authorisation is used up: the refund has undone it."""
    captured = gateway.lookup(f"{order_id}:capture")
    if captured is not None and captured.state == "approved":
        return captured.amount
    key = f"{order_id}:void"
    return settled(lambda: gateway.void(key, effect.key), gateway, key).amount


def _refunded(gateway: PaymentGateway, order_id: str) -> bool:
    found = gateway.lookup(f"{order_id}:refund")
    return found is not None and found.amount > 0
