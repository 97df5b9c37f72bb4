"""Steps of `report-workflow` and `datasets-workflow`, and the schedule that starts the daily report."""

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Cron

from chalicelib.handlers.doors import traced
from chalicelib.reports_bootstrap import reports

report_doors = Blueprint(__name__)
Input = Mapping[str, Any]


@report_doors.lambda_function(name="clean-orders")
@traced
def clean_orders(given: Input, context: object) -> dict[str, Any]:
    return reports().clean(given)


@report_doors.lambda_function(name="summarize-report")
@traced
def summarize_report(given: Input, context: object) -> dict[str, Any]:
    return reports().summarize(given)


@report_doors.lambda_function(name="mail-report")
@traced
def mail_report(given: Input, context: object) -> dict[str, Any]:
    return reports().mail(given)


@report_doors.lambda_function(name="generate-datasets")
@traced
def generate_datasets(given: Input, context: object) -> dict[str, Any]:
    return reports().generate(given)


@report_doors.lambda_function(name="emit-execution-summary")
@traced
def emit_execution_summary(given: Input, context: object) -> dict[str, Any]:
    return reports().emit(given)


@report_doors.lambda_function(name="record-report-failure")
@traced
def record_report_failure(given: Input, context: object) -> dict[str, Any]:
    return reports().record_failure(given)


@report_doors.schedule(Cron(15, 0, "*", "*", "?", "*"), name="start-daily-report")
@traced
def start_daily_report(event: CloudWatchEvent) -> dict[str, Any]:
    return reports().start_daily()
