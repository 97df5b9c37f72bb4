"""Finds the running local engine, so that `chalice local` can serve beside it; used nowhere else."""

import json
from collections.abc import MutableMapping
from pathlib import Path

from chalicelib.domain.errors import ConfigurationError

HINT = "start the local engine with `make run` in another terminal, then try again"
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_REPOSITORY = Path(__file__).resolve().parents[3]


class EngineNotRunningError(ConfigurationError):
    """There is no engine to serve beside; nothing may be asked of AWS instead."""


def require(env: MutableMapping[str, str]) -> None:
    """The engine's address in the environment. Raises EngineNotRunningError where there is none."""
    adopt(env)
    if not (env.get("AWS_ENDPOINT_URL") and env.get("DATABASE_URL")):
        raise EngineNotRunningError("the local engine is not running")


def adopt(env: MutableMapping[str, str]) -> None:
    """Fills what the environment lacks from the engine's `run.json`; nothing happens while there is none."""
    try:
        run = json.loads((directory(env) / "run.json").read_text())
        found = {"AWS_ENDPOINT_URL": run["endpoint"], "DATABASE_URL": run["databaseUrl"]}
    except (OSError, ValueError, TypeError, KeyError):
        return
    for name, value in (_CREDENTIALS | found | run.get("environment", {})).items():
        env.setdefault(name, value)


def directory(env: MutableMapping[str, str]) -> Path:
    """Where the local run keeps its state: `ORDERS_LOCAL_DIR`, else `.local` of the repository."""
    return Path(env.get("ORDERS_LOCAL_DIR") or _REPOSITORY / ".local")
