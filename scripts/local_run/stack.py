"""Brings the whole platform up on this machine, in the order in which it is deployed to AWS, and down."""

import json
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
import psycopg

from chalicelib import names
from scripts import configure, provision, register, upload_etl
from scripts.deployment import settings
from scripts.deployment.deployed import Deployed
from scripts.deployment.settings import StageSettings
from scripts.local_cloud.launcher import Engine, free_port, start_somewhere
from scripts.local_cloud.postgres import PostgresServer
from scripts.local_run.environment import APP, ROOT, adopt, local_dir
from scripts.local_run.lock import held
from scripts.local_run.progress import step
from scripts.local_run.proxy import ApiProxy

ENGINE_PORT = 4566
API_PORT = 8000
DATABASE = "orders"
STAGE = "local"
PACKAGES_KEPT = 3


class LocalRunError(RuntimeError):
    """The platform did not come up; the message says which part and what it printed."""


@dataclass(frozen=True)
class Running:
    """Addresses of a running platform."""

    endpoint: str
    api_url: str
    database_url: str
    folder: Path


class LocalStack:
    """`with LocalStack() as running:` the platform is up; leaving takes everything down again."""

    def __init__(
        self,
        folder: Path | None = None,
        engine_port: int | None = None,
        api_port: int = API_PORT,
        etl_engine: str = "duckdb",
        *,
        enforce_iam: bool = False,
    ):
        self._folder = (folder or local_dir()).resolve()
        self._engine_port = engine_port
        self._api_port = api_port
        self._stage = replace(settings.local(), environment={"ETL_ENGINE": etl_engine})
        self._parts = ExitStack()
        self.server = PostgresServer(self._folder / "pg")
        self.engine = Engine(self._folder / "engine", self._port(), enforce_iam=enforce_iam)

    def __enter__(self) -> Running:
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._parts.enter_context(held(self._folder))
            return self._start()
        except BaseException:
            self._parts.close()
            raise

    def __exit__(self, *_: object) -> None:
        self._parts.close()

    def _start(self) -> Running:
        (self._folder / "run.json").unlink(missing_ok=True)  # of a run that was killed
        with step("Starting PostgreSQL"):
            database_url = fresh_database(self._parts.enter_context(self.server))
        with step("Starting the AWS engine"):
            start = Engine.start if self._engine_port is not None else start_somewhere
            engine = start(self.engine)
            self._parts.callback(engine.stop)
        adopt(engine.endpoint)
        stage, session = self._stage, boto3.Session(region_name=names.LOCAL_REGION)
        with step("Provisioning queues, topics, bus, bucket and secret"):
            provision.apply(stage, session, database_url)
            # On AWS the owner of the address confirms it once; here nobody has to.
            session.client("ses").verify_email_identity(EmailAddress=stage.mail_from)
        with step("Uploading the ETL's code"):
            upload_etl.apply(stage, session)
        with step("Deploying the functions and the API with chalice deploy"):
            project = deploy(stage, self._folder / "app")
        with step("Registering state machines, rules and subscriptions"):
            register.apply(stage, session, project)
        proxy = ApiProxy(api_target(engine.endpoint, Deployed.read(project, STAGE)), self._api_port).start()
        self._parts.callback(proxy.stop)
        running = Running(engine.endpoint, proxy.url, database_url, self._folder)
        self._announce(running)
        return running

    def _port(self) -> int:
        if self._engine_port is not None:
            return self._engine_port
        return ENGINE_PORT if is_free(ENGINE_PORT) else free_port()

    def _announce(self, running: Running) -> None:
        """Leave the addresses where `chalice local` and the operators' commands look for them."""
        file = self._folder / "run.json"
        file.write_text(
            json.dumps(
                {
                    "endpoint": running.endpoint,
                    "apiUrl": running.api_url,
                    "databaseUrl": running.database_url,
                },
                indent=2,
            )
        )
        self._parts.callback(file.unlink, missing_ok=True)


def is_free(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def fresh_database(server: PostgresServer) -> str:
    """An empty database for this run; the engine forgets at its stop, so the orders start anew, too."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")
    return server.url(DATABASE)


def deploy(stage: StageSettings, project: Path) -> Path:
    """`chalice deploy --stage local` from a copy of the app, so that the checkout stays as it was.

    Raises LocalRunError with Chalice's own output.
    """
    copy_app(project)
    configure.apply(stage, project)
    (project / ".chalice" / "deployed" / f"{STAGE}.json").unlink(missing_ok=True)
    command = [str(Path(sys.executable).parent / "chalice"), "--project-dir", str(project), "deploy"]
    done = subprocess.run([*command, "--stage", STAGE], cwd=ROOT, capture_output=True, text=True)
    (project.parent / "deploy.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        raise LocalRunError(f"chalice deploy failed:\n{done.stdout}{done.stderr}")
    return project


def copy_app(project: Path) -> None:
    """Bring the copy up to date; Chalice's cache of built packages in it is kept."""
    kept = project / ".chalice" / "deployments"
    saved = project.parent / "deployments"
    if kept.is_dir():
        shutil.rmtree(saved, ignore_errors=True)
        kept.rename(saved)
        for old in sorted(saved.iterdir(), key=lambda file: file.stat().st_mtime)[:-PACKAGES_KEPT]:
            old.unlink()
    shutil.rmtree(project, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "deployed", "deployments", "venv")
    shutil.copytree(APP, project, ignore=ignored)
    if saved.is_dir():
        saved.rename(kept)


def api_target(endpoint: str, deployed: Deployed) -> str:
    """Where the engine serves the deployed REST API."""
    api = deployed.api()["rest_api_id"]
    return f"{endpoint}/_aws/execute-api/{api}/{STAGE}"
