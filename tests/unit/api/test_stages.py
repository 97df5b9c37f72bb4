"""Starting the app: stages, settings, and what an import costs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.handlers import local_run

APP = Path(__file__).resolve().parents[3] / "orders_app"
MOST_MODULES = 230  # Python's, Chalice's and ours; Python 3.11 to 3.13 differ by some


def python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(APP), **env}
    return subprocess.run([sys.executable, "-c", code], env=clean, cwd=APP, capture_output=True, text=True)


@pytest.mark.parametrize("env", [{}, {"STAGE": ""}, {"STAGE": "production"}])
def test_an_unknown_stage_is_refused_in_plain_words(env: dict[str, str]) -> None:
    result = python("import app", **env)
    assert result.returncode != 0
    assert "give chalice one of --stage local, dev, prod" in result.stderr


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_importing_the_app_loads_no_client_and_asks_for_no_setting(stage: str) -> None:
    code = "import sys, app; print(sorted({'boto3', 'botocore', 'psycopg', 'jsonschema'} & set(sys.modules)))"
    result = python(code, STAGE=stage)
    assert result.stdout.strip() == "[]", result.stderr


def test_a_running_engine_is_found_by_its_run_file(tmp_path: Path) -> None:
    run = {
        "endpoint": "http://127.0.0.1:4566",
        "databaseUrl": "postgresql:///orders",
        "environment": {"BUS_NAME": "order-event-bus-local", "STAGE": "local"},
    }
    (tmp_path / "run.json").write_text(json.dumps(run))
    env = {
        "ORDERS_LOCAL_DIR": str(tmp_path),
        "DATABASE_URL": "postgresql:///mine",
        "AWS_PROFILE": "real-account",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    local_run.adopt(env)
    assert (env.get("AWS_PROFILE"), env["AWS_DEFAULT_REGION"]) == (None, "us-east-1")
    assert env["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert env["BUS_NAME"] == "order-event-bus-local"
    assert env["DATABASE_URL"] == "postgresql:///mine"


def test_importing_the_app_loads_few_modules() -> None:
    """What a cold start costs is measured by `make bench`; a module more is seen here first."""
    code = "import sys; before = set(sys.modules); import app; print(len(set(sys.modules) - before))"
    assert int(python(code, STAGE="prod").stdout) <= MOST_MODULES


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}"])
def test_without_a_readable_run_file_nothing_changes(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    env = {"ORDERS_LOCAL_DIR": str(tmp_path)}
    local_run.adopt(env)
    assert env == {"ORDERS_LOCAL_DIR": str(tmp_path)}
