"""The data path's adapters, imported by `pipeline_bootstrap` at first use: psycopg is not free."""

from collections.abc import Callable, Mapping

from chalicelib import names, pipeline_bootstrap
from chalicelib.adapters.alerts import OperatorAlerts
from chalicelib.adapters.dead_letters import SqsDeadLetters
from chalicelib.adapters.glue import AwsEngines, GlueCrawler, LambdaChecker
from chalicelib.adapters.mail import Mail
from chalicelib.adapters.object_store import S3ObjectStore
from chalicelib.adapters.pipeline_ledger import PostgresCustomerExports, PostgresLedger
from chalicelib.adapters.pipeline_store import PostgresPipelineStore
from chalicelib.adapters.postgres.connections import Connections
from chalicelib.adapters.secrets import SecretStore, database_url
from chalicelib.adapters.topics import OperatorTopics
from chalicelib.pipeline_config import PipelineSettings
from chalicelib.services.pipeline.finish_run import Finisher


def make(
    settings: PipelineSettings, env: Mapping[str, str]
) -> tuple[Finisher, SqsDeadLetters, PostgresCustomerExports]:
    """Everything that `pipeline_bootstrap.build` needs, on AWS (or an endpoint that speaks it)."""
    stage = settings.stage
    connect = Connections(_url_source(env), application="orders-pipeline").transaction
    finisher = Finisher(
        starter=pipeline_bootstrap.starter_of(
            settings,
            store=PostgresPipelineStore(connect),
            objects=S3ObjectStore(settings.lake_bucket),
            engines=AwsEngines(names.function("etl-small-batch", stage)),
        ),
        crawlers=GlueCrawler(names.resource("processed-data-crawler", stage)),
        checker=LambdaChecker(names.function("etl-athena-checks", stage)),
        alerts=OperatorAlerts(
            OperatorTopics(notifications_arn="", alerts_arn=settings.alerts_topic_arn),
            Mail(settings.mail_from),
            settings.operators_email,
        ),
        ledger=PostgresLedger(connect, settings.currency, settings.ledger_grace),
    )
    queues = [names.resource(name, stage) for name in pipeline_bootstrap.DEAD_LETTER_QUEUES]
    return finisher, SqsDeadLetters(queues), PostgresCustomerExports(connect)


def _url_source(env: Mapping[str, str]) -> Callable[[], str]:
    """Asked anew for each connection: a secret may rotate."""

    def url() -> str:
        if given := env.get("DATABASE_URL"):
            return given
        name = env.get("DATABASE_SECRET", "")
        return database_url(SecretStore().read(name), name, env.get("DATABASE_HOST"))

    return url
