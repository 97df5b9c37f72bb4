"""Scheduled work: what must happen though nobody asks for it."""

from chalice import Blueprint, Rate
from chalice.app import CloudWatchEvent

from chalicelib import logs, metrics
from chalicelib.handlers.doors import services, traced

schedules = Blueprint(__name__)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="relay-outbox")
@traced
def relay_outbox(event: CloudWatchEvent) -> None:
    figures = services().relay_outbox()
    metrics.put("OutboxAgeSeconds", figures["oldestUnpublishedSeconds"], "Seconds")
    logs.info("outbox relayed", **figures)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="sweep-orders")
@traced
def sweep_orders(event: CloudWatchEvent) -> None:
    figures = services().sweep_orders()
    metrics.put("StuckOrders", figures["stuck"], "Count")
    logs.info("orders swept", **figures)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="expire-reservations")
@traced
def expire_reservations(event: CloudWatchEvent) -> None:
    logs.info("reservations expired", **services().expire_reservations())


@schedules.schedule(Rate(1, unit=Rate.HOURS), name="purge-expired")
@traced
def purge_expired(event: CloudWatchEvent) -> None:
    logs.info("expired records purged", **services().purge_expired())
