"""Settings of the data path, read from the environment once; what is wrong is reported together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from chalicelib import names
from chalicelib.config import _Reader
from chalicelib.domain.errors import ConfigurationError
from chalicelib.domain.money import SETTLED
from chalicelib.services.pipeline.choose_engine import AUTO, ENGINES

# A lease outlives the longest run of its engine: the Lambda waits in its queue for at most 5 minutes and
# runs for at most 15; the Glue job times out after 60.
_DUCKDB_LEASE = 25 * 60
_SPARK_LEASE = 75 * 60
# Of batch and silver together, about ten million sales: the Lambda fetches both, and has 4 GB for them.
_SPARK_THRESHOLD = 512 * 1024 * 1024


@dataclass(frozen=True)
class PipelineSettings:
    stage: str
    lake_bucket: str
    alerts_topic_arn: str
    mail_from: str
    operators_email: str
    currency: str = "USD"
    engine: str = AUTO
    spark_threshold: int = _SPARK_THRESHOLD
    duckdb_lease: timedelta = timedelta(seconds=_DUCKDB_LEASE)
    spark_lease: timedelta = timedelta(seconds=_SPARK_LEASE)
    max_attempts: int = 3
    retry_delay: timedelta = timedelta(seconds=60)
    max_quarantined_share: float | None = None
    ledger_grace: timedelta = timedelta(seconds=120)
    partial_batch_responses: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Raises ConfigurationError naming all that is missing or bad."""
        read = _Reader(env)
        mail_from = read.required("MAIL_FROM")
        settings = cls(
            stage=read.one_of("STAGE", names.STAGES),
            lake_bucket=read.required("LAKE_BUCKET"),
            alerts_topic_arn=read.required("OPERATIONAL_ALERTS_TOPIC_ARN"),
            mail_from=mail_from,
            operators_email=read.text("OPERATORS_EMAIL") or mail_from,
            currency=read.one_of("CURRENCY", SETTLED, "USD"),
            engine=read.one_of("ETL_ENGINE", ENGINES, AUTO),
            spark_threshold=read.integer("ETL_SPARK_THRESHOLD_BYTES", _SPARK_THRESHOLD),
            duckdb_lease=timedelta(seconds=read.integer("ETL_LAMBDA_LEASE_SECONDS", _DUCKDB_LEASE, least=1)),
            spark_lease=timedelta(seconds=read.integer("ETL_JOB_LEASE_SECONDS", _SPARK_LEASE, least=1)),
            max_attempts=read.integer("ETL_MAX_ATTEMPTS", 3, least=1),
            retry_delay=timedelta(seconds=read.integer("ETL_RETRY_DELAY_SECONDS", 60)),
            max_quarantined_share=read.share("ETL_MAX_QUARANTINED_SHARE"),
            ledger_grace=timedelta(seconds=read.integer("ETL_LEDGER_GRACE_SECONDS", 120)),
            partial_batch_responses=read.flag("PARTIAL_BATCH_RESPONSES"),
        )
        if read.problems:
            raise ConfigurationError("; ".join(read.problems))
        return settings
