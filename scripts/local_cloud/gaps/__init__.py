"""One module per gap of the engine, each with `install(context)`; deleted when upstream has the thing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from scripts.local_cloud.seams import require_engine_version

# In this order: a later one may hook what an earlier one has put in place.
GAPS = (
    "shared_threads",
    "lambda_executor",
    "lambda_async",
    "logs",
    "api_import",
    "api_answers",
    "sqs_mappings",
    "sqs_windows",
    "sns_delivery",
    "sns_mail",
    "eventbridge_delivery",
    "sqs_move_tasks",
    "sfn_definitions",
    "sfn_runs",
    "sfn_paths",
    "sfn_histories",
    "cloudwatch_alarms",
    "cloudwatch_metrics",
    "cloudformation_types",
    "cloudformation_code",
    "iam",
    "iam_resources",
    "lake",
)


@dataclass
class Context:
    """What a gap filler may know of the launcher; `on_stop` is run, last in first out, when it ends."""

    state_dir: Path
    scratch: Path
    endpoint: str
    enforce_iam: bool = False
    on_stop: list[Callable[[], None]] = field(default_factory=list)


def install_all(context: Context) -> None:
    """Check the engine's version, then close every gap; a seam that moved raises SeamError."""
    require_engine_version()
    for name in GAPS:
        import_module(f"{__name__}.{name}").install(context)
