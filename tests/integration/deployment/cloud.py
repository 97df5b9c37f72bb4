"""Deploys a stage to an engine of its own, by either way, as an operator would."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts import configure, package, provision, register, upload_etl
from scripts.deployment import calls, etl_code, settings, stacks
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
        "allow_sandbox_in_prod": True,
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


def deploy(stage: StageSettings, session: Any, project: Path, migrate: bool = False) -> None:
    """Provision, configure, `chalice deploy`, register; `migrate` where the stage's database is there."""
    provision.apply(stage, session)
    with tempfile.TemporaryDirectory() as folder:
        built = built_etl(Path(folder))
        uploads, _ = etl_code.plan(stage, session, built, upload_etl.runtime(stage, "3.12"))
        calls.apply(uploads, session)
    configure.apply(stage, project)
    chalice_deploy(stage, project)
    register.apply(stage, session, project, migrate=migrate)


def built_etl(folder: Path) -> list[Path]:
    """The ETL's packages from what is installed here, as the local run makes them: no pip is run."""
    return upload_etl.built(settings.local(), folder, "")


def make_package(stage: StageSettings, project: Path, out: Path) -> Path:
    """What `make package` leaves in `out`."""
    with tempfile.TemporaryDirectory() as folder:
        code = etl_code.packaged(built_etl(Path(folder)), out)
    return package.package(stage.stage, out, project, code=code)


def create_packaged(stage: StageSettings, session: Any, project: Path, out: Path) -> None:
    """What the commands of docs/operations/deploy.md do with the output of `make package`."""
    template = json.loads(make_package(stage, project, out).read_text())
    s3 = session.client("s3")
    s3.create_bucket(Bucket="code")
    for archive in [*out.glob("*.zip"), *out.glob("etl/*")]:
        s3.upload_file(str(archive), "code", str(archive.relative_to(out)))
    for resource in template["Resources"].values():
        uri = resource["Properties"].get("CodeUri", "") if "Properties" in resource else ""
        if isinstance(uri, str) and uri.startswith("./"):
            resource["Properties"]["CodeUri"] = f"s3://code/{uri.removeprefix('./')}"
    own = {"MailFrom": stage.mail_from, "Currency": stage.currency, "AllowSandboxInProd": "1"}
    values = {**stage.parameters(), **own, "EtlCodeBucket": "code"}
    stacks.Stack("orders-prod", session).apply(template, stacks.chosen(template, values), "code")
