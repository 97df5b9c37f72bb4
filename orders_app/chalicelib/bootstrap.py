"""The one place that knows services, ports and adapters, and wires them together."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.config import Settings
from chalicelib.domain.commands import (
    CancelOrder,
    ClaimOrder,
    ListOrders,
    OrderTask,
    PlaceOrder,
    Principal,
    Reply,
    StoppedExecution,
)

if TYPE_CHECKING:
    from chalicelib.services.messages.list_messages import ListMessages
    from chalicelib.services.ports import (
        BusPublisher,
        Clock,
        Database,
        Executions,
        Ids,
        Notifier,
        PaymentGateway,
        UnitOfWorkFactory,
    )

Task = Callable[[OrderTask], dict[str, Any]]
Figures = dict[str, Any]
Envelope = Mapping[str, Any]


@dataclass(frozen=True)
class Services:
    """Every use case, bound to what it needs. Bodies are camelCase and ready to be sent."""

    settings: Settings
    place_order: Callable[[PlaceOrder], Reply]
    get_order: Callable[[str, Principal], dict[str, Any]]
    list_orders: Callable[[ListOrders], dict[str, Any]]
    get_order_events: Callable[[str, Principal], dict[str, Any]]
    cancel_order: Callable[[CancelOrder], Reply]
    list_products: Callable[[], dict[str, Any]]
    list_messages: Callable[["ListMessages"], dict[str, Any]]
    check_health: Callable[[], dict[str, Any]]
    authenticate: Callable[[str], Principal | None]
    manage_tokens: Callable[[Mapping[str, Any]], dict[str, Any]]
    manage_catalogue: Callable[[Mapping[str, Any]], dict[str, Any]]
    # workflow tasks; each answers {"outcome", "orderId", "execution", "correlationId", "kind", "channels"}
    claim_order: Callable[[ClaimOrder], dict[str, Any]]
    validate_payment: Task
    check_inventory: Task
    process_order: Task
    send_notification: Task
    compensate_order: Task
    record_compensation_failure: Task
    begin_cancellation: Callable[[ClaimOrder], dict[str, Any]]
    settle_cancellation: Task
    # consumers and schedules; each answers figures
    relay_outbox: Callable[..., Figures]  # (order_id=None, limit=None)
    sweep_orders: Callable[[], Figures]
    expire_reservations: Callable[[], Figures]
    purge_expired: Callable[[], Figures]
    apply_event_to_read_model: Callable[[Sequence[Envelope]], Figures]
    rebuild_read_model: Callable[[], Figures]
    resume_or_compensate: Callable[[Envelope], Figures]  # the detail of a Step Functions status change
    export_to_lake: Callable[[Sequence[Envelope]], int]
    count_outcome: Callable[[Envelope], None]
    process_order_event: Callable[[Envelope], dict[str, Any]]
    migrate: Callable[[], Figures]


@dataclass(frozen=True)
class Adapters:
    """What stands behind the ports; tests put fakes here."""

    uow: "UnitOfWorkFactory"
    database: "Database"
    gateway: "PaymentGateway"
    bus: "BusPublisher"
    notifier: "Notifier"
    executions: "Executions"
    lake: Any
    clock: "Clock"
    ids: "Ids"


@functools.cache
def services() -> Services:
    """The use cases of this process, from its environment. Raises ConfigurationError."""
    settings = Settings.from_env(os.environ)
    return build(settings, adapters(settings))


def adapters(settings: Settings) -> Adapters:
    """The real ones. Their modules are slow to load, so they are imported here and nowhere earlier."""
    from chalicelib.adapters import bus, identity, mail, notifier, object_store, sms, topics, workflows
    from chalicelib.adapters.postgres.connections import Connections
    from chalicelib.adapters.postgres.migrate import PostgresDatabase
    from chalicelib.adapters.postgres.unit_of_work import PostgresUnitOfWork

    url = database_url(settings)
    connections = Connections(url)
    operators = topics.OperatorTopics(settings.notifications_topic_arn or "", settings.alerts_topic_arn or "")
    return Adapters(
        uow=PostgresUnitOfWork(connections),
        database=PostgresDatabase(connections),
        gateway=payment_gateway(settings, url),
        bus=bus.EventBus(settings.bus_name),
        notifier=notifier.Notifier(mail.Mail(settings.mail_from or ""), sms.TextMessages(), operators),
        executions=workflows.Executions(),
        lake=object_store.S3ObjectStore(settings.lake_bucket or ""),
        clock=identity.now,
        ids=identity.RandomIds(),
    )


def payment_gateway(settings: Settings, url: Callable[[], str]) -> "PaymentGateway":
    """The gateway that the stage pays with; `Settings` knows the names, and where the sandbox may be."""
    from chalicelib.adapters.payment_gateway import SandboxGateway
    from chalicelib.adapters.postgres.connections import Connections

    made: dict[str, Callable[[], PaymentGateway]] = {
        "sandbox": lambda: SandboxGateway(Connections(url, "payment-gateway")),
    }
    return made[settings.payment_gateway]()


def database_url(settings: Settings) -> Callable[[], str]:
    """Where the database is: the setting, else the secret, read again for every new connection."""
    if settings.database_url:
        given = settings.database_url
        return lambda: given
    from chalicelib.adapters import secrets

    store, name = secrets.SecretStore(), settings.database_secret or ""
    return lambda: secrets.database_url(store.read(name), name, settings.database_host)


def build(settings: Settings, to: Adapters) -> Services:
    """Bind every use case to its adapters."""
    from chalicelib.services import (
        authenticate,
        export_to_lake,
        housekeeping,
        queries,
        read_model,
        report_event,
    )
    from chalicelib.services.cancel_order import cancel_order
    from chalicelib.services.cancellation import begin_cancellation, settle_cancellation
    from chalicelib.services.check_inventory import check_inventory
    from chalicelib.services.claim_order import claim_order
    from chalicelib.services.compensate_order import compensate_order, record_compensation_failure
    from chalicelib.services.context import Context
    from chalicelib.services.manage_catalogue import manage_catalogue
    from chalicelib.services.manage_tokens import manage_tokens
    from chalicelib.services.messages.list_messages import list_messages
    from chalicelib.services.place_order import place_order
    from chalicelib.services.process_order import process_order
    from chalicelib.services.recovery import Recovery
    from chalicelib.services.relay_outbox import relay_outbox
    from chalicelib.services.send_notification import send_notification
    from chalicelib.services.validate_payment import validate_payment

    bind = functools.partial
    relay = bind(relay_outbox, to.uow, to.database, to.bus, to.clock, settings)
    context = Context(to.uow, to.clock, to.ids, settings, lambda order_id: relay(order_id=order_id))
    recovery = Recovery(context, to.gateway, to.notifier, to.executions)
    return Services(
        settings=settings,
        place_order=bind(place_order, context),
        get_order=bind(queries.get_order, to.uow),
        list_orders=bind(queries.list_orders, to.uow),
        get_order_events=bind(queries.get_order_events, to.uow),
        cancel_order=bind(cancel_order, context),
        list_products=bind(queries.list_products, to.uow, settings),
        list_messages=bind(list_messages, to.uow),
        check_health=bind(queries.check_health, to.database, to.bus),
        authenticate=bind(authenticate.authenticate, to.uow, to.clock),
        manage_tokens=bind(manage_tokens, to.uow, to.clock),
        manage_catalogue=bind(manage_catalogue, to.uow, settings),
        claim_order=bind(claim_order, context),
        validate_payment=bind(validate_payment, context, to.gateway),
        check_inventory=bind(check_inventory, context),
        process_order=bind(process_order, context, to.gateway),
        send_notification=bind(send_notification, context, to.notifier),
        compensate_order=bind(compensate_order, context, to.gateway),
        record_compensation_failure=bind(record_compensation_failure, context, to.notifier),
        begin_cancellation=bind(begin_cancellation, context),
        settle_cancellation=bind(settle_cancellation, context, to.gateway),
        relay_outbox=relay,
        sweep_orders=recovery.sweep,
        expire_reservations=bind(housekeeping.expire_reservations, context),
        purge_expired=bind(housekeeping.purge_expired, context),
        apply_event_to_read_model=bind(read_model.apply_event_to_read_model, to.uow),
        rebuild_read_model=bind(read_model.rebuild_read_model, to.uow),
        resume_or_compensate=lambda detail: recovery.resume_or_compensate(
            StoppedExecution.from_detail(detail)
        ),
        export_to_lake=lambda envelopes: export_to_lake.export_to_lake(envelopes, to.lake),
        count_outcome=report_event.report_outcome,
        process_order_event=report_event.acknowledge_placed,
        migrate=lambda: {"applied": to.database.migrate()},
    )
