"""Configure and `chalice deploy` a stage from a clean build: `python -m scripts.deploy --stage dev`."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts import configure, recover
from scripts.deployment import concurrency, settings
from scripts.deployment.calls import Session
from scripts.deployment.cli import connect, environment, reported
from scripts.deployment.errors import DeploymentError
from scripts.deployment.settings import StageSettings


def plan(stage: StageSettings, session: Session, project: Path) -> list[str]:
    """What would be written and run, a line each; what Chalice changes in AWS it does not say beforehand.

    DeploymentError where the account is too small: AWS would stop half way.
    """
    concurrency.refuse(stage, session)
    files = configure.plan(configure.wanted_files(stage, project), project)
    recovered = recover.plan(stage, session, project)
    return [
        *(f"write  {path}" for path in files),
        *(f"record {one['resource_type']} {one['name']}" for one in recovered),
        f"run    chalice deploy --stage {stage.stage}",
    ]


def chalice_deploy(stage: StageSettings, project: Path) -> None:
    """Run `chalice deploy` in the stage's account and region; DeploymentError where it fails."""
    clean(project)
    command = [sys.executable, "-c", "from chalice.cli import main; main()", "--project-dir", str(project)]
    done = subprocess.run([*command, "deploy", "--stage", stage.stage], env=environment(stage), check=False)
    if done.returncode:
        raise DeploymentError(
            "chalice deploy failed: mend what it says and run this again, nothing is made twice"
        )


def clean(project: Path) -> None:
    """Remove Chalice's cache, which does not see renames, and bytecode, which it would pack."""
    for folder in [project / ".chalice" / "deployments", *project.rglob("__pycache__")]:
        shutil.rmtree(folder, ignore_errors=True)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.deploy", description=__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--project-dir", type=Path, default=configure.APP)
    parser.add_argument("--dry-run", action="store_true", help="show the plan and change nothing")
    options = parser.parse_args(argv)

    def run() -> int:
        stage = configure.with_network(settings.load(options.stage))
        session = connect(stage)
        print("\n".join(plan(stage, session, options.project_dir)), flush=True)
        if options.dry_run:
            return 0
        configure.apply(stage, options.project_dir)
        recover.apply(stage, session, options.project_dir)
        chalice_deploy(stage, options.project_dir)
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
