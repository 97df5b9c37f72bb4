"""Make what exists before the functions do: `python -m scripts.provision --stage local [--dry-run]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from scripts.deployment import artifacts, fragments, leftovers, network, settings, stacks
from scripts.deployment.calls import Call, Session
from scripts.deployment.cli import connect, reported
from scripts.deployment.errors import DeploymentError
from scripts.deployment.settings import StageSettings


def stack_name(stage: str) -> str:
    return f"orders-base-{stage}"


def plan(stage: StageSettings, session: Session) -> list[stacks.Change | Call]:
    """What applying would change; nothing is touched."""
    template = fragments.base()
    actual = stacks.Stack(stack_name(stage.stage), session).read()
    changes = stacks.plan(template, stacks.chosen(template, stage.parameters()), actual)
    return [*artifacts.plan(stage, session, template), *changes]


def apply(stage: StageSettings, session: Session, database_url: str | None = None) -> Mapping[str, str]:
    """Create or update the base stack; answers its outputs. `database_url` goes into the stage's secret."""
    template = fragments.base()
    stack = stacks.Stack(stack_name(stage.stage), session)
    if stack.read() is None:
        leftovers.refuse(stage, session)
    bucket = artifacts.bucket_for(stage, session, template)
    outputs = stack.apply(template, stacks.chosen(template, stage.parameters()), bucket).outputs
    if database_url is not None:
        put_database_url(stage, session, database_url)
    return outputs


def put_database_url(stage: StageSettings, session: Session, url: str) -> None:
    """Write the database's URL where the functions read it."""
    secrets = session.client("secretsmanager")
    secrets.put_secret_value(SecretId=stage.secret_name, SecretString=json.dumps({"url": url}))


def refuse_unasked_database(stage: StageSettings, asked: bool, exists: bool) -> None:
    """A database costs money from its first hour: the first time it must be asked for by name."""
    if asked and not stage.create_database:
        raise DeploymentError(
            f"stage {stage.stage!r} brings its own database: set 'create_database' in its settings"
        )
    if stage.create_database and not asked and not exists:
        raise DeploymentError(
            "this makes a database that is paid by the hour: say --create-database (make: CREATE_DATABASE=1)"
        )


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.provision", description=__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--dry-run", action="store_true", help="show the plan and change nothing")
    parser.add_argument(
        "--create-database", action="store_true", help="make Aurora Serverless v2 and its network"
    )
    parser.add_argument("--database-url", help="put this URL into the stage's secret")
    options = parser.parse_args(argv)

    def run() -> int:
        stage = settings.load(options.stage)
        session = connect(stage)
        lines = [*map(str, plan(stage, session)), *network.report(stage)]
        print("\n".join(lines) or "nothing to change")
        if not options.dry_run:
            exists = stacks.Stack(stack_name(stage.stage), session).read() is not None
            refuse_unasked_database(stage, options.create_database, exists)
            apply(stage, session, options.database_url)
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
