"""What customers and operators read."""

from datetime import UTC, datetime

import pytest

from chalicelib.services.notification_text import KINDS, Facts, compose

FACTS = Facts(
    order_id="ORD-1", amount="499.99", currency="USD", customer="Bob Smith",
    completed_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC), reason="insufficient_funds",
)  # fmt: skip


def test_mail_of_a_completed_order_says_what_the_seed_s_said() -> None:
    words = compose("completed", "email", FACTS)
    assert words.subject == "Order ORD-1 Update"
    assert words.text.splitlines()[:4] == [
        "Order ORD-1 has been completed!",
        "Customer: Bob Smith",
        "Amount: 499.99 USD",
        "Estimated Shipping: 2026-11-23",
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channel", ["sms", "operators"])
def test_only_the_mail_names_the_customer(kind: str, channel: str) -> None:
    words = compose(kind, channel, FACTS)
    assert "Bob" not in words.text + words.subject
    assert "ORD-1" in words.text
    assert "499.99 USD" in words.text


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_words_of_its_own(kind: str) -> None:
    texts = {compose(other, "email", FACTS).text for other in KINDS if other != kind}
    assert compose(kind, "email", FACTS).text not in texts


def test_operators_read_the_reason_and_customers_do_not() -> None:
    assert "insufficient_funds" in compose("declined", "operators", FACTS).text
    assert "insufficient_funds" not in compose("declined", "email", FACTS).text


def test_only_a_completed_order_is_shipped() -> None:
    assert all("Shipping" not in compose(kind, "email", FACTS).text for kind in KINDS if kind != "completed")


def test_text_message_fits_two_parts() -> None:
    assert all(len(compose(kind, "sms", FACTS).text) <= 2 * 153 for kind in KINDS)
