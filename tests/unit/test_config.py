"""Settings: everything that is missing or wrong is named at once."""

import pytest

from chalicelib.config import Settings
from chalicelib.domain.errors import ConfigurationError
from chalicelib.pipeline_config import PipelineSettings
from chalicelib.reports_config import ReportSettings

GOOD = {"STAGE": "local", "BUS_NAME": "order-event-bus-local", "DATABASE_SECRET": "order-database-local"}


def test_all_that_is_wrong_is_named_in_one_error() -> None:
    bad = {"STAGE": "test", "CURRENCY": "XXX", "ADMIT_FOREIGN_ORDERS": "yes", "MAX_ATTEMPTS": "0"}
    with pytest.raises(ConfigurationError) as error:
        Settings.from_env(bad)
    for name in ("STAGE", "CURRENCY", "ADMIT_FOREIGN_ORDERS", "MAX_ATTEMPTS", "BUS_NAME", "DATABASE_URL"):
        assert name in str(error.value)


@pytest.mark.parametrize("currency", ["BHD", "KWD", "TND"])
def test_a_currency_whose_orders_the_lake_cannot_hold_is_refused(currency: str) -> None:
    for read in (Settings.from_env, PipelineSettings.from_env, ReportSettings.from_env):
        with pytest.raises(ConfigurationError, match=f"CURRENCY is '{currency}', not one of AUD"):
            read(GOOD | {"CURRENCY": currency})


def test_what_is_not_given_has_a_safe_default() -> None:
    settings = Settings.from_env(GOOD)
    assert (settings.currency, settings.idempotency_seconds) == ("USD", 86_400)
    assert not settings.admit_foreign_orders
    assert not settings.admit_unpriced_orders
    assert not settings.partial_batch_responses


def test_prod_refuses_the_sandbox_gateway_unless_it_is_meant() -> None:
    prod = GOOD | {"STAGE": "prod"}
    with pytest.raises(ConfigurationError, match="takes no money: ALLOW_SANDBOX_IN_PROD=1"):
        Settings.from_env(prod | {"ALLOW_SANDBOX_IN_PROD": "0"})
    assert Settings.from_env(prod | {"ALLOW_SANDBOX_IN_PROD": "1"}).payment_gateway == "sandbox"
    assert Settings.from_env(GOOD | {"STAGE": "dev"}).payment_gateway == "sandbox"


def test_gateway_that_nobody_wrote_is_refused_with_where_to_write_it() -> None:
    with pytest.raises(ConfigurationError, match=r"'stripe', not one of sandbox; .*chalicelib/adapters"):
        Settings.from_env(GOOD | {"PAYMENT_GATEWAY": "stripe"})


def test_details_are_kept_for_as_long_as_an_order_can_be_cancelled() -> None:
    with pytest.raises(
        ConfigurationError, match="ORDER_RETENTION_DAYS ends before CANCELLATION_WINDOW_SECONDS"
    ):
        Settings.from_env(GOOD | {"ORDER_RETENTION_DAYS": "14"})
    assert Settings.from_env(GOOD | {"ORDER_RETENTION_DAYS": "15"}).order_retention_days == 15


def test_flags_and_numbers_are_read() -> None:
    given = GOOD | {
        "ADMIT_UNPRICED_ORDERS": "1",
        "SWEEP_AFTER_SECONDS": "5",
        "DATABASE_URL": "postgresql://x",
    }
    settings = Settings.from_env(given)
    assert (settings.admit_unpriced_orders, settings.sweep_after_seconds) == (True, 5)
    assert settings.database_url == "postgresql://x"
