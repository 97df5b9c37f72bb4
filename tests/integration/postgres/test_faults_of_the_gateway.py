"""What the gateway does not answer, or refuses: its ledger is asked before anything is decided."""

import pytest

from chalicelib.domain.errors import GatewayTimeoutError
from tests.shop import Shop


@pytest.mark.parametrize(
    ("token", "outcome", "charged"),
    [
        ("tok_timeout_after_charge", "completed", 14998),
        ("tok_timeout_after_charge_once", "completed", 14998),
        ("tok_error_after_charge", "completed", 14998),
        ("tok_timeout_before_charge_once", "completed", 14998),
        ("tok_timeout_before_charge", "failed", 0),
        ("tok_slow", "completed", 14998),
        ("tok_insufficient_funds", "declined", 0),
        ("tok_nobody_knows", "declined", 0),
        ("tok_capture_refused", "failed", 0),
    ],
)
def test_each_token_has_its_end_and_its_charge(shop: Shop, token: str, outcome: str, charged: int) -> None:
    order = shop.place(payment_token=token)
    assert shop.run(order) == outcome
    assert shop.money(order) == {"held": 0, "charged": charged, "refunded": 0}


def test_a_timeout_before_the_charge_is_left_to_the_workflows_retry(shop: Shop) -> None:
    order = shop.place(payment_token="tok_timeout_before_charge_once")
    shop.claim(order)
    with pytest.raises(GatewayTimeoutError):
        shop.services.validate_payment(shop.task(order))
    assert shop.status(order) == "processing"
    assert shop.services.validate_payment(shop.task(order))["outcome"] == "authorised"


@pytest.mark.parametrize("step", ["validate_payment", "check_inventory", "process_order"])
def test_a_step_that_is_repeated_answers_the_same_and_does_nothing_more(shop: Shop, step: str) -> None:
    order = shop.place()
    shop.claim(order)
    for name in ("validate_payment", "check_inventory", "process_order"):
        first = getattr(shop.services, name)(shop.task(order))
        if name == step:
            again = getattr(shop.services, name)(shop.task(order))
            assert again["outcome"] == first["outcome"]
            break
    types = shop.types(order)
    assert len(types) == len(set(types))


def test_an_order_that_cannot_be_undone_is_shown_and_one_person_is_told_once(shop: Shop) -> None:
    order = shop.place(payment_token="tok_undo_refused")
    shop.claim(order)
    shop.services.validate_payment(shop.task(order))

    assert shop.compensate(shop.task(order))["outcome"] == "compensation_failed"
    shop.services.record_compensation_failure(shop.task(order))
    assert shop.status(order) == "compensation_failed"
    assert shop.types(order)[-1] == "Order Compensation Failed"
    assert shop.notifier.alerts == [("Compensation failed", order)]


def test_a_compensation_fails_if_what_was_recorded_is_gone(shop: Shop) -> None:
    order = shop.place()
    shop.claim(order)
    shop.services.validate_payment(shop.task(order))
    shop.query("DELETE FROM gateway.ledger")
    assert shop.compensate(shop.task(order))["outcome"] == "compensation_failed"


def test_a_compensation_fails_if_the_register_has_lost_an_effect(shop: Shop) -> None:
    order = shop.place()
    shop.claim(order)
    shop.services.validate_payment(shop.task(order))
    shop.query("DELETE FROM effects")
    assert shop.compensate(shop.task(order))["outcome"] == "compensation_failed"


def test_a_compensation_accepts_that_a_registered_effect_never_happened(shop: Shop) -> None:
    order = shop.place(payment_token="tok_timeout_before_charge")
    shop.claim(order)
    with pytest.raises(GatewayTimeoutError):
        shop.services.validate_payment(shop.task(order))
    assert shop.compensate(shop.task(order))["outcome"] == "failed"
    assert shop.types(order)[-2:] == ["Order Compensation Started", "Order Failed"]


def test_only_the_owner_may_compensate(shop: Shop) -> None:
    order = shop.place()
    shop.claim(order)
    assert shop.compensate(shop.task(order, "exec-2"))["outcome"] == "already_running"
    assert (
        shop.services.record_compensation_failure(shop.task(order, "exec-2"))["outcome"] == "already_running"
    )
    assert shop.status(order) == "processing"


def test_a_completed_order_is_not_compensated(shop: Shop) -> None:
    order = shop.place()
    shop.run(order)
    assert shop.compensate(shop.task(order))["outcome"] == "completed"
    assert shop.money(order)["refunded"] == 0


def test_a_step_out_of_turn_is_recorded_and_not_applied(shop: Shop) -> None:
    order = shop.place()
    shop.claim(order)
    assert shop.services.check_inventory(shop.task(order))["outcome"] == "refused"
    assert shop.services.process_order(shop.task(order))["outcome"] == "refused"
    assert shop.status(order) == "processing"
    assert shop.types(order)[-2:] == ["Transition Refused", "Transition Refused"]
    assert shop.stock("Widget") == (1_000_000, 0)
    assert shop.money(order)["charged"] == 0
