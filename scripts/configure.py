"""Generate `.chalice/config.json` and the policies: `python -m scripts.configure --stage prod [--dry-run]`.

Without `--stage` it writes what is committed: all stages, with account and region left to the template.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chalicelib import names
from scripts.deployment import chalice_config, settings, stacks
from scripts.deployment.cli import connect, reported
from scripts.deployment.errors import DeploymentError
from scripts.deployment.settings import StageSettings

APP = settings.ROOT / "orders_app"


def plan(wanted: Mapping[Path, str], project: Path) -> list[Path]:
    """The files, by their path below the project, that are not what they should be."""

    def differs(path: Path, text: str) -> bool:
        return not (project / path).is_file() or (project / path).read_text() != text

    return [path for path, text in wanted.items() if differs(path, text)]


def apply(stage: StageSettings, project: Path = APP, committed: bool = False) -> list[Path]:
    """Write config.json and policies of one stage into a project, other stages kept; answers what changed."""
    wanted = wanted_files(stage, project, committed)
    changed = plan(wanted, project)
    for path in changed:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(wanted[path])
    return changed


def wanted_files(stage: StageSettings, project: Path, committed: bool = False) -> dict[Path, str]:
    """The generated files of one stage, its block put beside the other stages' blocks."""
    files = chalice_config.files({stage.stage: stage}, packaged=committed)
    config = json.loads(files[chalice_config.CONFIG])
    config["stages"] = {**_blocks(project), **config["stages"]}
    config["stages"] = {name: config["stages"][name] for name in names.STAGES if name in config["stages"]}
    files[chalice_config.CONFIG] = json.dumps(config, indent=2) + "\n"
    return files


def defaults(stage: str) -> StageSettings:
    """What is committed for a stage: nobody's account or address; the packaged template asks for them."""
    if stage == "local":
        return settings.local()
    local = settings.local()
    return StageSettings(
        stage=stage,
        account=local.account,
        region=local.region,
        mail_from=local.mail_from,
        operators_email="",
        currency=local.currency,
    )


def with_network(stage: StageSettings) -> StageSettings:
    """The stage with subnets and proxy that `provision --create-database` made; others bring their own."""
    if not stage.create_database:
        return stage
    base = stacks.Stack(f"orders-base-{stage.stage}", connect(stage)).read()
    if base is None or "FunctionSubnetIds" not in base.outputs:
        raise DeploymentError(
            f"run python -m scripts.provision --stage {stage.stage} --create-database first"
        )
    proxy = base.outputs.get("DatabaseProxyEndpoint")
    return dataclasses.replace(
        stage,
        environment={**stage.environment, **({"DATABASE_HOST": proxy} if proxy else {})},
        subnets=tuple(base.outputs["FunctionSubnetIds"].split(",")),
        security_groups=tuple(base.outputs["FunctionSecurityGroupIds"].split(",")),
    )


def _blocks(project: Path) -> dict[str, Any]:
    file = project / chalice_config.CONFIG
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text())["stages"])
    except (ValueError, KeyError) as error:
        raise DeploymentError(f"{file} is not a config.json of Chalice: {error}") from error


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.configure", description=__doc__)
    parser.add_argument("--stage", help="write this stage from its settings, for chalice deploy")
    parser.add_argument("--project-dir", type=Path, default=APP)
    parser.add_argument("--dry-run", action="store_true", help="name the files that would change")
    options = parser.parse_args(argv)

    def run() -> int:
        chosen = (
            [with_network(settings.load(options.stage))]
            if options.stage
            else [defaults(name) for name in names.STAGES]
        )
        for stage in chosen:
            committed = options.stage is None
            if options.dry_run:
                changed = plan(wanted_files(stage, options.project_dir, committed), options.project_dir)
            else:
                changed = apply(stage, options.project_dir, committed)
            print("\n".join(f"write {path}" for path in changed) or f"{stage.stage}: nothing to change")
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
