"""What must hold of a shop at any time, and what must hold once it has come to rest."""

from itertools import groupby

from chalicelib.domain import events
from chalicelib.domain.events import Event
from chalicelib.domain.order import FINAL, TRANSITIONS, Status
from tests.shop import Shop

ENDED = {str(status) for status in FINAL}


def bring_to_rest(shop: Shop, rounds: int = 12) -> None:
    """What time does: schedules run, published events start workflows, until nothing moves any more."""
    started: dict[str, int] = {}
    handled = 0
    for number in range(rounds):
        shop.clock.advance(seconds=shop.settings.sweep_after_seconds + 1)
        shop.services.sweep_orders()
        shop.services.expire_reservations()
        shop.services.relay_outbox()
        news, handled = shop.bus.accepted[handled:], len(shop.bus.accepted)
        for envelope in news:
            order_id = str(envelope["orderId"])
            started[order_id] = started.get(order_id, 0) + 1
            if envelope["type"] == events.PLACED:
                shop.run(order_id, f"rest-{number}-{started[order_id]}")
            elif envelope["type"] == events.CANCELLATION_REQUESTED:
                shop.run_cancellation(order_id, f"rest-cancel-{number}-{started[order_id]}")
        if not _moving(shop):
            return


def _moving(shop: Shop) -> bool:
    [(orders, effects, events)] = shop.query(
        "SELECT (SELECT count(*) FROM orders WHERE status <> ALL(%s)),"
        " (SELECT count(*) FROM effects e JOIN orders o ON o.id = e.order_id"
        "  WHERE e.state <> 'undone' AND o.status NOT IN ('completed', 'compensation_failed')),"
        " (SELECT count(*) FROM outbox WHERE published_at IS NULL)",
        list(ENDED),
    )
    return bool(orders or effects or events)


def check_always(shop: Shop) -> None:
    """Nothing oversold, nobody charged twice, every event numbered without a gap."""
    for available, reserved in shop.query("SELECT available, reserved FROM products"):
        assert available >= 0
        assert reserved >= 0
    charged = shop.query(
        "SELECT order_ref, count(*) FROM gateway.ledger WHERE kind = 'capture' AND state = 'approved'"
        " GROUP BY order_ref HAVING count(*) > 1"
    )
    assert charged == [], f"charged twice: {charged}"
    gaps = shop.query(
        "SELECT order_id FROM event_log GROUP BY order_id"
        " HAVING max(sequence) <> count(*) OR min(sequence) <> 1"
    )
    assert gaps == [], f"gaps in the event log: {gaps}"


def check_at_rest(shop: Shop, opening: dict[str, int]) -> None:
    """`opening`: units by product before the first order."""
    check_always(shop)
    check_histories(shop)
    sold: dict[str, int] = {}
    for order_id, status, total in shop.query("SELECT id, status, total_minor FROM orders"):
        assert status in ENDED, f"{order_id} is stuck: {status}"
        money = shop.money(order_id)
        if status == "completed":
            assert money == {"held": 0, "charged": total, "refunded": 0}, (order_id, money)
            assert shop.open_effects(order_id) in (["authorisation", "reservation", "capture"],
                                                   ["authorisation", "capture"])  # fmt: skip
            for line in shop.order(order_id)["lines"]:
                sold[line["productId"]] = sold.get(line["productId"], 0) + line["quantity"]
        elif status != "compensation_failed":
            assert money["held"] == 0, (order_id, status, money)
            assert money["charged"] == money["refunded"], (order_id, status, money)
            assert shop.open_effects(order_id) == [], (order_id, status)
    for product, units in opening.items():
        [(available, reserved)] = shop.query(
            "SELECT available, reserved FROM products WHERE id = %s", product
        )
        assert (available, reserved) == (units - sold.get(product, 0), 0), product
    assert shop.query("SELECT count(*) FROM outbox WHERE published_at IS NULL") == [(0,)]


def check_histories(shop: Shop) -> None:
    """Every order's log tells a story that the table of transitions allows."""
    rows = shop.query("SELECT order_id, envelope FROM event_log ORDER BY order_id, sequence")
    for order_id, story in groupby(rows, key=lambda row: row[0]):
        at = None
        for event in (Event.parse(envelope) for _, envelope in story):
            to = status_after(event)
            if to is None:
                continue
            legal = to is Status.PLACED if at is None else to is at or to in _within_one_event(at)
            assert legal, f"{order_id} went from {at} to {to}"
            at = to
        assert shop.status(order_id) == at, order_id


def status_after(event: Event) -> Status | None:
    asked = event.type == events.CANCELLATION_REQUESTED
    status = event.data["status"] if asked else events.CATALOGUE[event.type].status
    return Status(status) if status else None


def _within_one_event(at: Status) -> set[Status]:
    """Capturing has no event; an order cancelled meanwhile is cancelling as soon as it is completed."""
    through = TRANSITIONS[Status.CAPTURING] | {Status.CAPTURING} if at is Status.RESERVED else set()
    cancelled = TRANSITIONS[Status.CANCELLING] if at is Status.COMPLETED else set()
    return {*TRANSITIONS[at], *through, *cancelled}


def stock_of(shop: Shop) -> dict[str, int]:
    return dict(shop.query("SELECT id, available FROM products WHERE stocked"))
