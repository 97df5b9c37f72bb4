"""Settings of the report's functions, read from the environment once; what is wrong is reported together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from chalicelib import names
from chalicelib.config import _Reader
from chalicelib.domain.errors import ConfigurationError
from chalicelib.domain.money import SETTLED


@dataclass(frozen=True)
class ReportSettings:
    stage: str
    lake_bucket: str
    reports_bucket: str
    report_workflow_arn: str
    alerts_topic_arn: str
    mail_from: str
    operators_email: str
    currency: str = "USD"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Raises ConfigurationError naming all that is missing or bad."""
        read = _Reader(env)
        mail_from = read.required("MAIL_FROM")
        settings = cls(
            stage=read.one_of("STAGE", names.STAGES),
            lake_bucket=read.required("LAKE_BUCKET"),
            reports_bucket=read.required("REPORTS_BUCKET"),
            report_workflow_arn=read.required("REPORT_WORKFLOW_ARN"),
            alerts_topic_arn=read.required("OPERATIONAL_ALERTS_TOPIC_ARN"),
            mail_from=mail_from,
            operators_email=read.text("OPERATORS_EMAIL") or mail_from,
            currency=read.one_of("CURRENCY", SETTLED, "USD"),
        )
        if read.problems:
            raise ConfigurationError("; ".join(read.problems))
        return settings
