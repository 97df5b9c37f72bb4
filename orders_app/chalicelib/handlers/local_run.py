"""Finds the running local engine, so that `chalice local` can serve beside it; used nowhere else."""

import json
from collections.abc import MutableMapping
from pathlib import Path

from chalicelib import names
from chalicelib.domain.errors import ConfigurationError

HINT = "start the local engine with `make run` in another terminal, then try again"
_IDENTITY = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": names.LOCAL_REGION,
    "AWS_REGION": names.LOCAL_REGION,
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
    """Fills what the environment lacks from the engine's `run.json`; nothing happens while there is none.

    Without an endpoint of its own the whole AWS identity is the engine's: no region or profile of a real
    account is mixed in.
    """
    try:
        run = json.loads((directory(env) / "run.json").read_text())
        endpoint, database_url, more = run["endpoint"], run["databaseUrl"], run.get("environment", {})
    except (OSError, ValueError, TypeError, KeyError):
        return
    if not env.get("AWS_ENDPOINT_URL"):
        env.pop("AWS_PROFILE", None)
        env.update(_IDENTITY | {"AWS_ENDPOINT_URL": endpoint})
    for name, value in {"DATABASE_URL": database_url, **more}.items():
        env.setdefault(name, value)


def directory(env: MutableMapping[str, str]) -> Path:
    """Where the local run keeps its state: `ORDERS_LOCAL_DIR`, else `.local` of the repository."""
    return Path(env.get("ORDERS_LOCAL_DIR") or _REPOSITORY / ".local")
