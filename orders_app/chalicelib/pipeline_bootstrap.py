"""Wires the data path's use cases to their adapters, as `bootstrap` does for orders."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from secrets import token_hex
from typing import Any

from chalicelib import logs, names
from chalicelib.pipeline_config import PipelineSettings
from chalicelib.services.pipeline.drive_workflow import check_run, fail_workflow_run, prepare_run
from chalicelib.services.pipeline.export_customers import CustomerExports, export_customers
from chalicelib.services.pipeline.fail_run import handle_failure
from chalicelib.services.pipeline.finish_run import Finisher, on_crawled, on_published
from chalicelib.services.pipeline.mail_dead_letters import DeadLetters, alarmed_queues, mail_dead_letters
from chalicelib.services.pipeline.manifest import Lake
from chalicelib.services.pipeline.orchestrate_job import orchestrate_job
from chalicelib.services.pipeline.record_arrivals import Message, record_arrivals
from chalicelib.services.pipeline.reingest import reingest
from chalicelib.services.pipeline.start_run import RunRules, Starter, start_run
from chalicelib.services.pipeline.tend_runs import tend_runs

DEAD_LETTER_QUEUES = (
    "order-processing-dlq",
    "lake-export-dlq",
    "bus-delivery-dlq",
    "function-failure-dlq",
    "notifications-dlq",
    "critical-alerts-dlq",
    "unrouted-messages-dlq",
    "untyped-messages-dlq",
    "raw-data-dlq",
    "job-failures-dlq",
)


@dataclass(frozen=True)
class Pipeline:
    """Every use case of the data path, bound to what it needs."""

    settings: PipelineSettings
    record_arrivals: Callable[[Sequence[Message]], list[str]]
    tend_runs: Callable[[], object]
    on_published: Callable[[str, str | None], object]  # (key, version)
    on_crawled: Callable[[bool, str], object]  # (succeeded, message)
    handle_failure: Callable[[str], object]  # (message body)
    mail_alarmed: Callable[[Sequence[str]], int]  # (messages of the alerts' topic)
    mail_remaining: Callable[[], int]
    orchestrate_job: Callable[[object], dict[str, Any]]
    export_customers: Callable[[], dict[str, int]]
    reingest: Callable[[Mapping[str, Any]], dict[str, Any]]
    prepare_run: Callable[[Mapping[str, Any]], dict[str, Any]]
    check_run: Callable[[Mapping[str, Any]], dict[str, Any]]
    fail_run: Callable[[Mapping[str, Any]], dict[str, Any]]


@functools.cache
def pipeline() -> Pipeline:
    """The use cases of this process, built at first use."""
    from chalicelib import pipeline_adapters

    settings = PipelineSettings.from_env(os.environ)
    return build(settings, *pipeline_adapters.make(settings, os.environ))


def starter_of(settings: PipelineSettings, **ports: Any) -> Starter:
    """A starter of the settings on the given `store`, `objects` and `engines`."""
    return Starter(
        **ports,
        clock=_now,
        new_id=partial(token_hex, 4),
        log=logs,
        lake=Lake(settings.lake_bucket, names.glue_database(settings.stage)),
        rules=RunRules(
            engine=settings.engine,
            spark_threshold=settings.spark_threshold,
            job_name=names.resource("etl-job", settings.stage),
            duckdb_lease=settings.duckdb_lease,
            spark_lease=settings.spark_lease,
            max_attempts=settings.max_attempts,
            retry_delay=settings.retry_delay,
            max_quarantined_share=settings.max_quarantined_share,
            currency=settings.currency,
        ),
    )


def build(
    settings: PipelineSettings, finisher: Finisher, letters: DeadLetters, exports: CustomerExports
) -> Pipeline:
    starter, alerts = finisher.starter, finisher.alerts
    mail = partial(mail_dead_letters, letters=letters, alerts=alerts, log=logs)
    return Pipeline(
        settings=settings,
        record_arrivals=partial(
            record_arrivals,
            store=starter.store,
            start_run=partial(start_run, starter),
            clock=starter.clock,
            log=logs,
            lake_bucket=settings.lake_bucket,
        ),
        tend_runs=partial(tend_runs, finisher),
        on_published=partial(on_published, finisher),
        on_crawled=partial(on_crawled, finisher),
        handle_failure=partial(handle_failure, starter, alerts),
        mail_alarmed=lambda messages: mail(alarmed_queues(messages, letters.names())),
        mail_remaining=lambda: mail(letters.names()),
        orchestrate_job=partial(orchestrate_job, engines=starter.engines, clock=starter.clock),
        export_customers=partial(
            export_customers,
            exports=exports,
            objects=starter.objects,
            clock=starter.clock,
            new_id=starter.new_id,
            log=logs,
        ),
        reingest=partial(reingest, starter),
        prepare_run=partial(prepare_run, finisher),
        check_run=partial(check_run, finisher),
        fail_run=partial(fail_workflow_run, finisher),
    )


def _now() -> datetime:
    return datetime.now(UTC)
