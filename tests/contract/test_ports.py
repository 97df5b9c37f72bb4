"""The fakes answer as the real ones do: the same story told to both."""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.adapters.payment_gateway import DECLINES, SandboxGateway
from chalicelib.adapters.postgres.connections import Connections
from chalicelib.domain.errors import GatewayTimeoutError, PaymentRefusedError
from chalicelib.services.ports import PaymentGateway
from tests.fakes import FakeGateway

AUTH, CAPTURE, VOID, REFUND = (f"ORD-1:{purpose}" for purpose in ("authorise", "capture", "void", "refund"))


@pytest.fixture(params=["fake", "sandbox"])
def gateway(request: pytest.FixtureRequest) -> Iterator[PaymentGateway]:
    if request.param == "fake":
        yield FakeGateway()
        return
    url = request.getfixturevalue("database_url")
    connections = Connections(lambda: url)
    yield SandboxGateway(connections, sleep=lambda seconds: None)
    connections.close()


def authorise(gateway: PaymentGateway, token: str = "tok_approve", amount: int = 500) -> Any:
    return gateway.authorise(AUTH, amount, "USD", token)


def test_a_key_charges_once_however_often_it_is_used(gateway: PaymentGateway) -> None:
    first = authorise(gateway)
    assert (first.state, first.amount) == ("approved", 500)
    assert authorise(gateway, amount=999) == first
    assert gateway.capture(CAPTURE, AUTH) == gateway.capture(CAPTURE, AUTH)
    assert gateway.refund(REFUND, CAPTURE).amount == gateway.refund(REFUND, CAPTURE).amount == 500


@pytest.mark.parametrize(("token", "reason"), [*DECLINES.items(), ("tok_nobody_knows", "unknown_token")])
def test_a_decline_has_its_reason_and_nothing_to_capture(
    gateway: PaymentGateway, token: str, reason: str
) -> None:
    record = authorise(gateway, token)
    assert (record.state, record.reason) == ("declined", reason)
    with pytest.raises(PaymentRefusedError):
        gateway.capture(CAPTURE, AUTH)


def test_a_void_gives_the_authorisation_back_for_good(gateway: PaymentGateway) -> None:
    authorise(gateway)
    assert gateway.void(VOID, AUTH).amount == 500
    assert gateway.void(VOID, AUTH).amount == 500
    assert authorise(gateway).state == "voided"
    with pytest.raises(PaymentRefusedError):
        gateway.capture(CAPTURE, AUTH)


def test_a_void_of_nothing_leaves_a_tombstone(gateway: PaymentGateway) -> None:
    assert gateway.void(VOID, AUTH).amount == 0
    assert authorise(gateway).state == "voided"


def test_a_refund_of_nothing_leaves_a_tombstone(gateway: PaymentGateway) -> None:
    authorise(gateway)
    assert gateway.refund(REFUND, CAPTURE).amount == 0
    with pytest.raises(PaymentRefusedError):
        gateway.capture(CAPTURE, AUTH)


def test_what_is_captured_can_be_refunded_but_not_voided(gateway: PaymentGateway) -> None:
    authorise(gateway)
    gateway.capture(CAPTURE, AUTH)
    with pytest.raises(PaymentRefusedError):
        gateway.void(VOID, AUTH)
    assert gateway.refund(REFUND, CAPTURE).amount == 500


@pytest.mark.parametrize("token", ["tok_timeout_before_charge", "tok_timeout_before_charge_once"])
def test_a_timeout_before_the_charge_leaves_nothing_to_be_found(gateway: PaymentGateway, token: str) -> None:
    with pytest.raises(GatewayTimeoutError):
        authorise(gateway, token)
    assert gateway.lookup(AUTH) is None
    if token.endswith("_once"):
        assert authorise(gateway, token).state == "approved"


@pytest.mark.parametrize("token", ["tok_timeout_after_charge", "tok_error_after_charge_once"])
def test_a_charge_without_an_answer_can_be_found_by_its_key(gateway: PaymentGateway, token: str) -> None:
    with pytest.raises(GatewayTimeoutError):
        authorise(gateway, token)
    found = gateway.lookup(AUTH)
    assert found is not None
    assert (found.state, found.amount) == ("approved", 500)
    with pytest.raises(GatewayTimeoutError):
        gateway.capture(CAPTURE, AUTH)
    charged = gateway.lookup(CAPTURE)
    assert charged is not None
    assert charged.amount == 500


def test_a_gateway_may_refuse_to_undo(gateway: PaymentGateway) -> None:
    authorise(gateway, "tok_undo_refused")
    with pytest.raises(PaymentRefusedError):
        gateway.void(VOID, AUTH)
    gateway.capture(CAPTURE, AUTH)
    with pytest.raises(PaymentRefusedError):
        gateway.refund(REFUND, CAPTURE)
