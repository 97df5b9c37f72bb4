"""`.chalice/config.json` and the policy files, made from stage settings and the table of functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib import names
from scripts.deployment import concurrency, policies
from scripts.deployment.functions import FUNCTIONS, Function
from scripts.deployment.settings import StageSettings

CONFIG = Path(".chalice") / "config.json"


def files(stages: Mapping[str, StageSettings], packaged: bool = False) -> dict[Path, str]:
    """Every generated file with its content, by its path below the project directory."""
    config = {
        "version": "2.0",
        "app_name": names.APP,
        "autogen_policy": False,
        "stages": {name: stage_block(stage, packaged) for name, stage in stages.items()},
    }
    made = {CONFIG: _text(config)}
    for stage in stages.values():
        for name, function in functions(stage).items():
            made[Path(".chalice") / policy_file(name, stage)] = _text(
                policies.document(name, function, stage, packaged and not stage.is_local)
            )
    return made


def functions(stage: StageSettings) -> Mapping[str, Function]:
    """The functions that this stage has: `local` has no authorizer."""
    return {
        name: one for name, one in FUNCTIONS.items() if not (stage.is_local and name == "token-authorizer")
    }


def policy_file(name: str, stage: StageSettings) -> str:
    return f"policies/{stage.stage}/{name}.json"


def stage_block(stage: StageSettings, packaged: bool) -> dict[str, Any]:
    """The block of one stage in config.json."""
    packaged = packaged and not stage.is_local
    way = {"DEPLOYED_BY": "package"} if packaged else {"DEPLOYED_BY": "chalice", "STAGE_REGION": stage.region}
    return {
        "api_gateway_stage": stage.stage,
        "autogen_policy": False,
        **({"automatic_layer": True} if stage.dependency_layer else {}),
        "minimum_compression_size": 1024,
        "environment_variables": {**environment(stage), **way},
        "lambda_functions": {
            name: _function_block(name, one, stage) for name, one in functions(stage).items()
        },
    }


def environment(stage: StageSettings) -> dict[str, str]:
    """What every function finds in its environment."""
    arn = f"arn:{policies.partition(stage.region)}:sns:{stage.region}:{stage.account}:"
    variables = {
        "STAGE": stage.stage,
        "BUS_NAME": names.resource("order-event-bus", stage.stage),
        "DATABASE_SECRET": stage.secret_name,
        "ORDER_NOTIFICATIONS_TOPIC_ARN": arn + names.resource("order-notifications", stage.stage),
        "OPERATIONAL_ALERTS_TOPIC_ARN": arn + names.resource("operational-alerts", stage.stage),
        "LAKE_BUCKET": names.bucket("order-lake", stage.stage, stage.account),
        "REPORTS_BUCKET": names.bucket("order-reports", stage.stage, stage.account),
        "REPORT_WORKFLOW_ARN": (
            f"arn:{policies.partition(stage.region)}:states:{stage.region}:{stage.account}:stateMachine:"
            + names.resource("report-workflow", stage.stage)
        ),
        "MAIL_FROM": stage.mail_from,
        "OPERATORS_EMAIL": stage.operators_email,
        "CURRENCY": stage.currency,
        "PAYMENT_GATEWAY": stage.payment_gateway,
        "ALLOW_SANDBOX_IN_PROD": str(int(stage.allow_sandbox_in_prod)),
        "ADMIT_UNPRICED_ORDERS": str(int(stage.admit_unpriced_orders)),
        "ADMIT_FOREIGN_ORDERS": str(int(stage.admit_foreign_orders)),
        "CANCELLATION_WINDOW_SECONDS": str(stage.cancellation_window_seconds),
        "ORDER_RETENTION_DAYS": str(stage.order_retention_days),
        "PARTIAL_BATCH_RESPONSES": "0",  # `register` sets 1 where it has set the mapping
    }
    if stage.cors_allow_origin:
        variables["CORS_ALLOW_ORIGIN"] = stage.cors_allow_origin
    return {**variables, **stage.environment}


def _function_block(name: str, function: Function, stage: StageSettings) -> dict[str, Any]:
    block: dict[str, Any] = {
        "iam_policy_file": policy_file(name, stage),
        "lambda_timeout": function.timeout,
        "lambda_memory_size": function.memory,
    }
    if name != policies.API_HANDLER:  # Chalice names the API's log group wrongly: base has it
        block["log_retention_in_days"] = stage.log_retention_days
    if (reserved := concurrency.reserved(name, stage)) is not None:
        block["reserved_concurrency"] = reserved
    if function.database and stage.subnets:
        block["subnet_ids"] = list(stage.subnets)
        block["security_group_ids"] = list(stage.security_groups)
    if function.environment:
        block["environment_variables"] = dict(function.environment)
    return block


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"
