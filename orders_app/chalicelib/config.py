"""Settings of a stage, read from the environment once; every missing or bad name is reported together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from chalicelib.domain.errors import ConfigurationError
from chalicelib.domain.money import SETTLED
from chalicelib.names import STAGES

T = TypeVar("T")
GATEWAYS = ("sandbox",)  # another one: its adapter of the port PaymentGateway, and its name in bootstrap


@dataclass(frozen=True)
class Settings:
    stage: str = "local"
    database_url: str | None = None  # wins over the secret
    database_secret: str | None = None
    database_host: str | None = None  # of a proxy, instead of the host in the secret
    bus_name: str = "order-event-bus-local"
    notifications_topic_arn: str | None = None
    alerts_topic_arn: str | None = None
    mail_from: str | None = None
    lake_bucket: str | None = None
    currency: str = "USD"
    payment_gateway: str = "sandbox"
    admit_unpriced_orders: bool = False
    admit_foreign_orders: bool = False
    partial_batch_responses: bool = False
    cancellation_window_seconds: int = 14 * 86_400
    reservation_seconds: int = 900
    idempotency_seconds: int = 86_400
    sweep_after_seconds: int = 120
    stuck_after_seconds: int = 900  # without an event: an order on its way is counted as stuck
    max_attempts: int = 3  # executions of one order before recovery undoes it instead of resuming
    relay_batch: int = 200
    retention_days: int = 30  # of published outbox rows and of inbox rows
    order_retention_days: int = 90  # of an ended order's contact, reservations and effects

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Settings from environment variables. Raises ConfigurationError naming all that is wrong."""
        read = _Reader(env)
        settings = cls(
            stage=read.one_of("STAGE", STAGES),
            database_url=read.text("DATABASE_URL"),
            database_secret=read.text("DATABASE_SECRET"),
            database_host=read.text("DATABASE_HOST"),
            bus_name=read.required("BUS_NAME"),
            notifications_topic_arn=read.text("ORDER_NOTIFICATIONS_TOPIC_ARN"),
            alerts_topic_arn=read.text("OPERATIONAL_ALERTS_TOPIC_ARN"),
            mail_from=read.text("MAIL_FROM"),
            lake_bucket=read.text("LAKE_BUCKET"),
            currency=read.one_of("CURRENCY", SETTLED, "USD"),
            payment_gateway=read.one_of("PAYMENT_GATEWAY", GATEWAYS, "sandbox"),
            admit_unpriced_orders=read.flag("ADMIT_UNPRICED_ORDERS"),
            admit_foreign_orders=read.flag("ADMIT_FOREIGN_ORDERS"),
            partial_batch_responses=read.flag("PARTIAL_BATCH_RESPONSES"),
            cancellation_window_seconds=read.integer("CANCELLATION_WINDOW_SECONDS", 14 * 86_400),
            reservation_seconds=read.integer("RESERVATION_SECONDS", 900, least=1),
            idempotency_seconds=read.integer("IDEMPOTENCY_SECONDS", 86_400, least=1),
            sweep_after_seconds=read.integer("SWEEP_AFTER_SECONDS", 120, least=1),
            stuck_after_seconds=read.integer("STUCK_AFTER_SECONDS", 900, least=1),
            max_attempts=read.integer("MAX_ATTEMPTS", 3, least=1),
            relay_batch=read.integer("RELAY_BATCH", 200, least=1),
            retention_days=read.integer("RETENTION_DAYS", 30, least=1),
            order_retention_days=read.integer("ORDER_RETENTION_DAYS", 90, least=1),
        )
        if settings.payment_gateway not in GATEWAYS:
            read.problems.append("a gateway's adapter goes into chalicelib/adapters, its name into bootstrap")
        if _pretends(settings) and not read.flag("ALLOW_SANDBOX_IN_PROD"):
            read.problems.append(
                "PAYMENT_GATEWAY is 'sandbox', which takes no money: ALLOW_SANDBOX_IN_PROD=1 if that is meant"
            )
        if settings.order_retention_days * 86_400 <= settings.cancellation_window_seconds:
            read.problems.append("ORDER_RETENTION_DAYS ends before CANCELLATION_WINDOW_SECONDS")
        if not (settings.database_url or settings.database_secret):
            read.problems.append("DATABASE_URL or DATABASE_SECRET is missing")
        if read.problems:
            raise ConfigurationError("; ".join(read.problems))
        return settings


def _pretends(settings: Settings) -> bool:
    """Whether customers would get goods that nobody pays for."""
    return settings.stage == "prod" and settings.payment_gateway == "sandbox"


class _Reader:
    """Reads typed values and collects what is wrong instead of stopping at the first."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[str] = []

    def text(self, name: str) -> str | None:
        return self._env.get(name) or None

    def required(self, name: str) -> str:
        if not self._env.get(name):
            self.problems.append(f"{name} is missing")
        return self._env.get(name, "")

    def one_of(self, name: str, allowed: Mapping[str, object] | tuple[str, ...], default: str = "") -> str:
        value = self._env.get(name) or default
        if value not in allowed:
            self.problems.append(
                f"{name} is {value!r}, not one of {', '.join(allowed)}" if value else f"{name} is missing"
            )
        return value

    def flag(self, name: str) -> bool:
        return self._parsed(name, {"0": False, "1": True, "": False}.__getitem__, False, "0 or 1")

    def integer(self, name: str, default: int, least: int = 0) -> int:
        def parse(text: str) -> int:
            number = int(text)
            if number < least:
                raise ValueError
            return number

        return self._parsed(name, parse, default, f"an integer of at least {least}")

    def share(self, name: str) -> float | None:
        """A number from 0 to 1; None where it is not set."""

        def parse(text: str) -> float | None:
            number = float(text)
            if not 0 <= number <= 1:
                raise ValueError
            return number

        return self._parsed(name, parse, None, "a number from 0 to 1")

    def _parsed(self, name: str, parse: Callable[[str], T], default: T, expected: str) -> T:
        text = self._env.get(name)
        if text is None:
            return default
        try:
            return parse(text)
        except (ValueError, KeyError):
            self.problems.append(f"{name} is {text!r}, not {expected}")
            return default
