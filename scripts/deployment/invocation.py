"""Calls a deployed function from the command line, and says what it answered or how it failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chalicelib import names
from scripts.deployment.errors import DeploymentError
from scripts.deployment.functions import FUNCTIONS
from scripts.deployment.settings import StageSettings

# Longer than any function may run: who gives up earlier would call it again while it still works.
PATIENCE_SECONDS = max(one.timeout for one in FUNCTIONS.values()) + 10


def call(session: Any, stage: StageSettings, function: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a function, called exactly once; DeploymentError with its own message where it failed."""
    from botocore.config import Config

    patience = Config(read_timeout=PATIENCE_SECONDS, retries={"total_max_attempts": 1}, tcp_keepalive=True)
    client = session.client("lambda", config=patience)
    name = names.function(function, stage.stage)
    try:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
    except client.exceptions.ResourceNotFoundException as error:
        raise DeploymentError(f"stage {stage.stage!r} has no function {name!r}: is it deployed?") from error
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise DeploymentError(f"{name}: {result.get('errorType')}: {result.get('errorMessage')}")
    return result
