"""One module per gap of the engine, each with `install(context)`; deleted when upstream has the thing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Context:
    """What a gap filler may know of the launcher; `on_stop` is run, last in first out, when it ends."""

    state_dir: Path
    scratch: Path
    endpoint: str
    on_stop: list[Callable[[], None]] = field(default_factory=list)


def install_all(context: Context) -> None:
    """Check the engine's version, then close every gap; a seam that moved raises SeamError."""
    from scripts.local_cloud.seams import require_engine_version

    from . import api_import, lambda_executor, sns_to_lambda

    require_engine_version()
    for gap in (lambda_executor, api_import, sns_to_lambda):
        gap.install(context)
