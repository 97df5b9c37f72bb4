"""What decorators need at import: the stage, its origins, and its authorizer."""

import os
import sys
from collections.abc import MutableMapping

from chalice import CORSConfig

from chalicelib import names


class UnknownStageError(RuntimeError):
    """The app was started with a stage that does not exist, or with none."""


def current() -> str:
    """The stage from the environment; Chalice silently accepts any `--stage`, this does not."""
    stage = os.environ.get("STAGE", "")
    if stage not in names.STAGES:
        raise UnknownStageError(
            f"unknown stage STAGE={stage!r}: give chalice one of --stage {', '.join(names.STAGES)}"
        )
    return stage


def assume_region(env: MutableMapping[str, str]) -> None:
    """Chalice wants a region even where none matters (`package`); a configured stage names its own."""
    env.setdefault("AWS_DEFAULT_REGION", env.get("STAGE_REGION", "us-east-1"))


def is_packaging() -> bool:
    """Whether `chalice package` imports the app: it raises NotImplementedError at `on_s3_event`."""
    return os.environ.get("PACKAGING") == "1" or "package" in sys.argv[1:]


def is_open(stage: str) -> bool:
    """Only `local` has no authorizer: there every caller is the principal `local` with scope ops."""
    return stage == "local"


def beside_the_engine() -> bool:
    """Whether this is `chalice local --stage local`: the local stage, but not a function of the engine."""
    return is_open(current()) and "AWS_LAMBDA_FUNCTION_NAME" not in os.environ


def cors() -> CORSConfig | bool:
    """CORS of every route: `CORS_ALLOW_ORIGIN` of the stage, any origin in `local`, else none."""
    origin = os.environ.get("CORS_ALLOW_ORIGIN") or ("*" if is_open(current()) else "")
    if not origin:
        return False
    return CORSConfig(
        allow_origin=origin,
        allow_headers=["Idempotency-Key", "X-Correlation-Id"],
        expose_headers=["Location", "Idempotency-Replayed", "X-Correlation-Id", "Retry-After"],
        max_age=600,
    )
