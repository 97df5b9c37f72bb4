"""Bind what `chalice deploy` made to bus, machines and queues: `python -m scripts.register --stage local`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts import provision
from scripts.configure import APP
from scripts.deployment import artifacts, deployed, etl_code, fragments, invocation, owned, settings, stacks
from scripts.deployment.calls import Session
from scripts.deployment.cli import connect, reported
from scripts.deployment.deployed import Deployed
from scripts.deployment.errors import DeploymentError
from scripts.deployment.fragments import Template
from scripts.deployment.settings import StageSettings


def stack_name(stage: str) -> str:
    return f"orders-bindings-{stage}"


def plan(stage: StageSettings, session: Session, project: Path = APP) -> list[str]:
    """What applying would change, a line each; nothing is touched."""
    template, parameters = wanted(stage, session, project)
    actual = stacks.Stack(stack_name(stage.stage), session).read()
    calls = owned.plan(stage, session, Deployed.read(project, stage.stage))
    bucket = artifacts.plan(stage, session, template)
    return [str(one) for one in (*bucket, *stacks.plan(template, parameters, actual), *calls)]


def apply(
    stage: StageSettings, session: Session, project: Path = APP, migrate: bool = True
) -> Mapping[str, str]:
    """Migrate, apply the bindings stack, set what Chalice cannot; answers the outputs of the stack."""
    found = Deployed.read(project, stage.stage)
    template, parameters = wanted(stage, session, project)
    if migrate:
        invocation.call(session, stage, "migrate", {})  # it is inside the database's network
    bucket = artifacts.bucket_for(stage, session, template)
    state = stacks.Stack(stack_name(stage.stage), session).apply(template, parameters, bucket)
    owned.apply(stage, session, found)
    return state.outputs


def wanted(stage: StageSettings, session: Session, project: Path) -> tuple[Template, dict[str, str]]:
    """The bindings' template and its parameters: settings, outputs of base, functions."""
    base = stacks.Stack(provision.stack_name(stage.stage), session).read()
    if base is None:
        raise DeploymentError(
            f"stage {stage.stage!r} is not provisioned: python -m scripts.provision --stage {stage.stage}"
        )
    template = fragments.bindings()
    found = deployed.parameters(Deployed.read(project, stage.stage))
    code = etl_code.parameters(stage, session)
    return template, stacks.chosen(template, {**stage.parameters(), **base.outputs, **found, **code})


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.register", description=__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--project-dir", type=Path, default=APP)
    parser.add_argument("--no-migrate", action="store_true", help="leave the database as it is")
    parser.add_argument("--dry-run", action="store_true", help="show the plan and change nothing")
    options = parser.parse_args(argv)

    def run() -> int:
        stage = settings.load(options.stage)
        session = connect(stage)
        print("\n".join(plan(stage, session, options.project_dir)) or "nothing to change")
        if not options.dry_run:
            apply(stage, session, options.project_dir, not options.no_migrate)
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
