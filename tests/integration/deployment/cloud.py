"""Deploys a stage to an engine of its own, by either way, as an operator would."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts import configure, package, provision, register
from scripts.deployment import settings, stacks
from scripts.deployment.cli import environment
from scripts.deployment.settings import StageSettings

# The engine knows one account; the stage brings a database and its network.
PROD = settings.parse(
    "prod",
    {
        "account": "000000000000",
        "region": "us-east-1",
        "mail_from": "orders@shop.example",
        "operators_email": "operators@shop.example",
        "currency": "USD",
        "database_secret": "shop-database",
        "vpc": "vpc-0123abcd",
        "subnets": ["subnet-0123abcd"],
        "security_groups": ["sg-0123abcd"],
    },
)


def copy_app(folder: Path) -> Path:
    project = folder / "app"
    ignored = shutil.ignore_patterns("deployments", "deployed", "__pycache__")
    shutil.copytree(configure.APP, project, ignore=ignored)
    return project


def chalice_deploy(stage: StageSettings, project: Path) -> None:
    command = [sys.executable, "-c", "from chalice.cli import main; main()", "--project-dir", str(project)]
    done = subprocess.run(
        [*command, "deploy", "--stage", stage.stage],
        capture_output=True,
        text=True,
        env=environment(stage),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def deploy(stage: StageSettings, session: Any, project: Path) -> None:
    """Provision, configure, `chalice deploy`, register; the database is not there, so nothing is migrated."""
    provision.apply(stage, session)
    configure.apply(stage, project)
    chalice_deploy(stage, project)
    register.apply(stage, session, project, migrate=False)


def create_packaged(stage: StageSettings, session: Any, project: Path, out: Path) -> None:
    """What `aws cloudformation package` and `deploy` do with the output of `make package`."""
    template = json.loads(package.package(stage.stage, out, project).read_text())
    s3 = session.client("s3")
    s3.create_bucket(Bucket="code")
    for archive in out.glob("*.zip"):
        s3.upload_file(str(archive), "code", archive.name)
    for resource in template["Resources"].values():
        uri = resource["Properties"].get("CodeUri", "") if "Properties" in resource else ""
        if isinstance(uri, str) and uri.startswith("./"):
            resource["Properties"]["CodeUri"] = f"s3://code/{uri.removeprefix('./')}"
    values = {**stage.parameters(), "MailFrom": stage.mail_from, "Currency": stage.currency}
    stacks.Stack("orders-prod", session).apply(template, stacks.chosen(template, values), "code")
