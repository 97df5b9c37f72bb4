"""Wires the report's use cases to their adapters, as `bootstrap` does for orders."""

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from chalicelib import bootstrap, logs
from chalicelib.reports_config import ReportSettings
from chalicelib.services.reports.clean_dataset import DatasetCleaner, clean_dataset
from chalicelib.services.reports.clean_orders import Cleaner, clean_orders
from chalicelib.services.reports.execution_summary import Recorder, emit_execution_summary, record_failure
from chalicelib.services.reports.generate_datasets import Generator, generate_datasets
from chalicelib.services.reports.mail_report import Mailer, mail_report
from chalicelib.services.reports.ports import Alerts, Claims, Clock, Links, Objects, Sales, Workflows
from chalicelib.services.reports.start_report import start_daily_report
from chalicelib.services.reports.summarize_dataset import summarize_dataset
from chalicelib.services.reports.summarize_report import Summarizer, summarize_report

Input = Mapping[str, Any]
Step = Callable[[Input], dict[str, Any]]


@dataclass(frozen=True)
class Ports:
    """What stands behind the use cases; tests put fakes here."""

    sales: Sales
    objects: Objects  # of the reports
    raw: Objects  # of the lake
    claims: Claims
    alerts: Alerts
    links: Links
    workflow: Workflows
    clock: Clock


@dataclass(frozen=True)
class Reports:
    """Every use case, bound to what it needs. `clean` and `summarize` serve both workflows."""

    clean: Step
    summarize: Step
    mail: Step
    generate: Step
    emit: Step
    record_failure: Step
    start_daily: Callable[[], dict[str, Any]]


@functools.cache
def reports() -> Reports:
    """The use cases of this process, built at first use. Raises ConfigurationError."""
    settings = ReportSettings.from_env(os.environ)
    return build(settings, ports(settings))


def ports(settings: ReportSettings) -> Ports:
    """The real ones; of PostgreSQL only where a step reads it, since the others are not in its network."""
    from chalicelib.adapters.alerts import OperatorAlerts
    from chalicelib.adapters.mail import Mail
    from chalicelib.adapters.object_store import S3ObjectStore
    from chalicelib.adapters.report_store import ConsoleLinks, S3Claims, StateMachine
    from chalicelib.adapters.topics import OperatorTopics

    return Ports(
        sales=_LateSales(settings.currency),
        objects=S3ObjectStore(settings.reports_bucket),
        raw=S3ObjectStore(settings.lake_bucket),
        claims=S3Claims(settings.reports_bucket),
        alerts=OperatorAlerts(
            OperatorTopics("", settings.alerts_topic_arn), Mail(settings.mail_from), settings.operators_email
        ),
        links=ConsoleLinks(settings.reports_bucket, settings.stage),
        workflow=StateMachine(settings.report_workflow_arn),
        clock=lambda: datetime.now(UTC),
    )


def build(settings: ReportSettings, to: Ports) -> Reports:
    cleaner = Cleaner(to.sales, to.objects, settings.currency, logs)
    dataset_cleaner = DatasetCleaner(to.objects, to.raw, settings.currency, logs)
    summarizer = Summarizer(to.objects, settings.stage, settings.currency, to.clock, logs)
    recorder = Recorder(to.objects, to.alerts, to.links, settings.currency, to.clock, logs)
    return Reports(
        clean=_either(partial(clean_dataset, dataset_cleaner), partial(clean_orders, cleaner)),
        summarize=_either(partial(summarize_dataset, summarizer), partial(summarize_report, summarizer)),
        mail=partial(mail_report, Mailer(to.objects, to.claims, to.alerts, to.links, logs)),
        generate=partial(generate_datasets, Generator(to.sales, to.objects, to.raw, settings.currency, logs)),
        emit=partial(emit_execution_summary, recorder),
        record_failure=partial(record_failure, recorder),
        start_daily=partial(start_daily_report, to.workflow, to.clock, logs),
    )


def _either(of_dataset: Step, of_day: Step) -> Step:
    return lambda given: (of_dataset if "dataset" in given else of_day)(given)


class _LateSales:
    """Loads the database's driver and reads its secret when a snapshot is wanted."""

    def __init__(self, currency: str) -> None:
        self._currency = currency

    def snapshot(self, *wanted: Any) -> Any:
        return self._sales.snapshot(*wanted)

    @functools.cached_property
    def _sales(self) -> Any:
        from chalicelib.adapters.postgres.connections import Connections
        from chalicelib.adapters.report_sales import PostgresSales
        from chalicelib.config import Settings

        url = bootstrap.database_url(Settings.from_env(os.environ))
        return PostgresSales(Connections(url, "orders-reports").transaction, self._currency)
