"""One order from its placing to its end, on the real database and the gateway's own ledger."""

from tests.shop import Shop, lines


def test_an_order_is_paid_reserved_and_completed(shop: Shop) -> None:
    order = shop.place(lines=lines(("Gaming Console", 1), ("Controller", 2)))

    assert shop.run(order) == "completed"

    assert shop.status(order) == "completed"
    assert shop.money(order) == {"held": 0, "charged": 49999, "refunded": 0}
    assert shop.stock("Controller") == (999_998, 0)
    assert shop.types(order) == [
        "Order Placed", "Order Claimed", "Payment Authorised", "Stock Reserved", "Order Completed",
        "Notification Sent", "Notification Sent",
    ]  # fmt: skip
    assert [message.channel for message in shop.notifier.sent] == ["operators", "email"]


def test_a_declined_card_ends_the_order_and_charges_nothing(shop: Shop) -> None:
    order = shop.place(payment_token="tok_decline")

    assert shop.run(order) == "declined"
    assert (shop.status(order), shop.order(order)["reason"]) == ("declined", "card_declined")
    assert shop.money(order) == {"held": 0, "charged": 0, "refunded": 0}
    assert shop.open_effects(order) == []


def test_an_order_out_of_stock_gives_the_authorisation_back(shop: Shop) -> None:
    order = shop.place(lines=lines(("Widget", 1), ("Vintage Radio", 1)))

    assert shop.run(order) == "out_of_stock"
    assert shop.status(order) == "out_of_stock"
    assert shop.money(order) == {"held": 0, "charged": 0, "refunded": 0}
    assert shop.stock("Widget") == (1_000_000, 0)


def test_a_cancelled_paid_order_is_refunded_and_restocked(shop: Shop) -> None:
    order = shop.place()
    shop.run(order)

    assert shop.cancel(order).body["status"] == "cancelling"
    assert shop.run_cancellation(order) == "refunded"

    assert shop.status(order) == "refunded"
    assert shop.money(order) == {"held": 0, "charged": 14998, "refunded": 14998}
    assert shop.stock("Widget") == (1_000_000, 0)


def test_an_order_that_another_sender_wrote_is_admitted_and_completed(shop: Shop) -> None:
    from chalicelib.domain.commands import ClaimOrder

    raw = {
        "orderId": "ORD-001", "customer": "Jane Doe", "amount": 149.99,
        "items": [{"product": "Widget", "quantity": 2}],
    }  # fmt: skip
    assert shop.services.claim_order(ClaimOrder(raw, "exec-1"))["outcome"] == "claimed"
    assert shop.go_on("ORD-001") == "completed"
    assert shop.money("ORD-001")["charged"] == 14999
    assert shop.services.claim_order(ClaimOrder(raw, "exec-2"))["outcome"] == "already_running"


def test_an_order_without_items_is_for_one_miscellaneous_product(shop: Shop) -> None:
    from chalicelib.domain.commands import ClaimOrder

    raw = {"orderId": "ORD-1700000000", "customer": "Test User", "amount": 321}
    assert shop.services.claim_order(ClaimOrder(raw, "exec-1"))["outcome"] == "claimed"
    assert shop.go_on("ORD-1700000000") == "completed"
    assert shop.order("ORD-1700000000")["lines"][0]["productId"] == "P-0000"
