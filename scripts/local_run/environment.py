"""Where the local run keeps its things, and the environment in which commands see the engine, never AWS."""

import os
from collections.abc import Mapping
from pathlib import Path

from chalicelib import names

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "orders_app"


def local_dir() -> Path:
    """The only directory that the local run writes to: `.local`, or what ORDERS_LOCAL_DIR names."""
    return Path(os.environ.get("ORDERS_LOCAL_DIR") or ROOT / ".local").resolve()


def engine_environment(endpoint: str) -> Mapping[str, str]:
    """What an AWS client needs in order to talk to the engine with an account that does not exist."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": names.LOCAL_REGION,
        "AWS_REGION": names.LOCAL_REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def adopt(endpoint: str) -> None:
    """Point this process, and whatever it starts, at the engine."""
    for name in [name for name in os.environ if name.startswith("AWS_") and "CA_BUNDLE" not in name]:
        del os.environ[name]
    os.environ.update(engine_environment(endpoint))
