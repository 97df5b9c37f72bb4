"""What every command has in common: the session of a stage, and errors without a stack trace."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from chalicelib.handlers import local_run
from scripts.deployment.errors import DeploymentError
from scripts.deployment.settings import StageSettings

DEFAULT_ENDPOINT = "http://127.0.0.1:4566"
# Chalice imports the app in its folder and packs what lies there: bytecode of this machine, too.
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}


def connect(stage: StageSettings) -> Any:
    """A boto3 session in the stage's region; `local` talks to the engine and never to AWS."""
    import boto3

    if stage.is_local:
        os.environ.setdefault("AWS_ENDPOINT_URL", local_endpoint())
        return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=stage.region)
    session = boto3.Session(region_name=stage.region)
    account = session.client("sts").get_caller_identity()["Account"]
    if account != stage.account:
        raise DeploymentError(
            f"these credentials are of account {account}, stage {stage.stage!r} is in {stage.account}"
        )
    return session


def local_endpoint() -> str:
    """Where the local run says that its engine is; its usual address when none is up."""
    try:
        return str(json.loads((local_run.directory(os.environ) / "run.json").read_text())["endpoint"])
    except (OSError, ValueError, KeyError):
        return DEFAULT_ENDPOINT


def environment(stage: StageSettings) -> dict[str, str]:
    """The environment in which Chalice's own commands work on this stage."""
    variables = {**os.environ, **NO_BYTECODE, "AWS_DEFAULT_REGION": stage.region}
    if stage.is_local:
        variables |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        variables.setdefault("AWS_ENDPOINT_URL", local_endpoint())
    return variables


def reported(run: Callable[[], int]) -> int:
    """Run a command; what it could not do is one sentence on stderr and exit code 1."""
    import botocore.exceptions

    try:
        return run()
    except DeploymentError as error:
        print(f"error: {error}", file=sys.stderr)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        here = "//127.0.0.1" in str(error) and isinstance(error, botocore.exceptions.EndpointConnectionError)
        print(f"error: AWS: {error}{'; is `make run` up?' if here else ''}", file=sys.stderr)
    return 1
